// Package handlers has one method for each operation of openapi.yaml, and one file for each tag. A
// handler gets an authorized request with parameters that the schema has validated. It applies the
// rules of package identity, stores the result in package repository, and responds through views.go
// or returns an error, which only Errors.Fail writes.
package handlers

import (
	"context"
	"fmt"
	"time"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/internal/journal"
	"barong/internal/keys"
	"barong/internal/otp"
	"barong/repository"
)

// Options are the dependencies of the handlers. All are required unless marked otherwise.
type Options struct {
	Repo      *repository.Repository
	Documents *documents.Store
	Policy    identity.Policy  // decides how labels affect accounts, and which documents may be uploaded
	Passwords *Passwords       // hashes the passwords of new users
	UIDPrefix string           // of new users: 2 to 6 capital letters
	OTP       *otp.Verifier    // checks one-time codes
	Signer    *signing.Signer  // the server's own signer
	Clock     func() time.Time // time.Now, except in tests

	KeyHolders repository.KeyHolders // whose API keys are allowed; the zero value allows none
	APIKeys    *keys.Sealer          // encrypts the secrets of API keys; may be nil where none are allowed

	OnKey func(context.Context, *journal.Record, KeyResult) // called for each request with idempotency keys; may be nil
}

// Handlers implements all operations. It is safe for concurrent use.
type Handlers struct {
	Options
	status   *repository.AccountStatus // the level and the state that Policy gives
	inFlight inFlight
}

var _ generated.StrictServerInterface = (*Handlers)(nil)

// New returns an error where an option is missing.
func New(o Options) (*Handlers, error) {
	for name, missing := range map[string]bool{
		"Repo": o.Repo == nil, "Documents": o.Documents == nil, "Passwords": o.Passwords == nil, "UIDPrefix": o.UIDPrefix == "",
		"OTP": o.OTP == nil, "Signer": o.Signer == nil, "Clock": o.Clock == nil,
		"APIKeys": o.APIKeys == nil && o.KeyHolders != repository.KeyHolders{},
	} {
		if missing {
			return nil, fmt.Errorf("handlers.Options has no %s", name)
		}
	}
	return &Handlers{Options: o, status: repository.NewAccountStatus(o.Policy)}, nil
}

// now is the time that a request writes everywhere: UTC in whole seconds, as in responses.
func (h *Handlers) now() time.Time { return second(h.Clock()) }

func (h *Handlers) newUID() string { return identity.NewUID(h.UIDPrefix) }
