package handlers

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/internal/identity"
	"barong/internal/jws"
	"barong/internal/otp"
	"barong/internal/problem"
)

// attestationLife is the validity of an attestation that a code was accepted.
const attestationLife = time.Minute

// attestationType is the typ of an attestation. The server signs nothing else with this typ.
const attestationType = "barong-otp+jwt"

// SignOTP signs a JWS, or issues an attestation of its own, for a user whose one-time code is
// right. It verifies the code last, so that no other error uses it up.
func (h *Handlers) SignOTP(ctx context.Context, request generated.SignOTPRequestObject) (generated.SignOTPResponseObject, error) {
	parameters := request.JSONBody
	account, err := h.Repo.FindOTPAccount(ctx, parameters.UserUID)
	switch {
	case err != nil:
		return nil, err
	case account.State != identity.StateActive:
		return nil, identity.ErrRecordNotFound
	case !account.OTP:
		return nil, otp.ErrNotEnabled
	}
	var message *jws.Countersignable
	if parameters.JWT != nil {
		if message, err = h.readJWS(parameters.JWT, account.UID); err != nil {
			return nil, problem.New(problem.Rejected, fmt.Sprintf("JWT is invalid by the reason %q", err.Error()))
		}
	}
	if err := h.OTP.On(h.writes(ctx)).Verify(ctx, account.UID, parameters.OTPCode); err != nil {
		return nil, err
	}
	if message == nil {
		return signed(h.attest(account.UID))
	}
	return signed(message.Sign(h.Signer))
}

// readJWS parses a JWS and rejects one that, signed by this server, could pass for its attestation
// about another user than the one who entered the code.
func (h *Handlers) readJWS(text []byte, uid string) (*jws.Countersignable, error) {
	message, err := jws.ParseCountersignable(text)
	if err != nil {
		return nil, err
	}
	return message, message.CheckStatement(h.Signer.ID, uid)
}

// attest issues a signed statement that the user entered a valid code now.
func (h *Handlers) attest(uid string) ([]byte, error) {
	claims := signing.NewClaims(h.Clock(), attestationLife)
	claims.Issuer, claims.Subject = h.Signer.ID, uid
	return jws.Attestation(attestationType, claims, h.Signer)
}

// signedJWS is a response that is JSON already: encoding it again could change the parts that other
// signers have signed.
type signedJWS []byte

func signed(jws []byte, err error) (generated.SignOTPResponseObject, error) {
	return signedJWS(append(jws, '\n')), err
}

// VisitSignOTPResponse implements generated.SignOTPResponseObject.
func (jws signedJWS) VisitSignOTPResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, err := w.Write(jws)
	return err
}
