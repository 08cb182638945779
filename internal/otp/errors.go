package otp

import "barong/internal/identity"

// What a caller is told, word for word as Barong says it.
var (
	ErrNotEnabled  = identity.E(identity.Rejected, "Account has not enabled 2FA")
	ErrInvalidCode = identity.E(identity.Rejected, "OTP code is invalid")
	ErrCodeUsed    = identity.E(identity.Rejected, "This code was already used. Wait until the next time period")
	ErrMaintenance = identity.E(identity.Rejected, "2FA server is under maintenance")
)
