// Package handlers has one method for each operation of openapi.yaml, one file
// for each of its tags. A handler gets parameters that are valid by the schema
// from a caller who may call it; it applies the rules of package identity, keeps
// the result in package repository and answers through views.go, or returns an
// error, which Errors.Fail alone writes.
package handlers

import (
	"fmt"
	"time"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/internal/otp"
	"barong/repository"
)

// Options are the parts that the handlers work with. Each is needed.
type Options struct {
	Repo      *repository.Repository
	Documents *documents.Store
	Policy    identity.Policy  // what labels do to an account, and which documents may be uploaded
	Passwords *Passwords       // hashes the passwords of new users
	UIDPrefix string           // of new users: 2 to 6 capitals
	OTP       *otp.Verifier    // checks one-time codes
	Signer    *signing.Signer  // the server itself, which signs for others
	Clock     func() time.Time // time.Now, except in tests
}

// Handlers implements all operations. It is safe for concurrent use.
type Handlers struct {
	Options
	status *repository.AccountStatus // the level and the state that Policy gives
}

var _ generated.StrictServerInterface = (*Handlers)(nil)

// New fails where a part is missing.
func New(o Options) (*Handlers, error) {
	for name, missing := range map[string]bool{
		"Repo": o.Repo == nil, "Documents": o.Documents == nil, "Passwords": o.Passwords == nil, "UIDPrefix": o.UIDPrefix == "",
		"OTP": o.OTP == nil, "Signer": o.Signer == nil, "Clock": o.Clock == nil,
	} {
		if missing {
			return nil, fmt.Errorf("handlers.Options has no %s", name)
		}
	}
	return &Handlers{Options: o, status: repository.NewAccountStatus(o.Policy)}, nil
}

// now is the time that one request writes everywhere: whole seconds, as answers
// show them, in UTC.
func (h *Handlers) now() time.Time { return second(h.Clock()) }

func (h *Handlers) newUID() string { return identity.NewUID(h.UIDPrefix) }
