package handlers

import (
	"context"

	"barong/generated"
	"barong/identity"
)

// SignOTP is in the specification and not served yet.
func (h *Handlers) SignOTP(context.Context, generated.SignOTPRequestObject) (generated.SignOTPResponseObject, error) {
	return nil, identity.E(identity.NotImplemented, "OTP signing is not served yet")
}
