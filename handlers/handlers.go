// Package handlers has one method for each operation of openapi.yaml, one file
// for each of its tags. A handler gets parameters that are valid by the schema
// from a caller who may call it; it applies the rules of package identity, keeps
// the result in package repository and answers through views.go, or returns an
// error, which Errors.Fail alone writes.
package handlers

import (
	"sync"
	"time"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/internal/otp"
	"barong/repository"
)

// Handlers implements all operations. Its fields are set once, before the first
// request.
type Handlers struct {
	Repository *repository.Repository
	Documents  *documents.Store
	Policy     identity.Policy  // what labels do to an account, and which documents may be uploaded
	Passwords  *Passwords       // hashes the passwords of new users
	UIDPrefix  string           // of new users: 2 to 6 capitals
	OTP        *otp.Verifier    // checks one-time codes
	Signer     *signing.Signer  // the server itself, as it signs for others
	Clock      func() time.Time // time.Now, but in tests

	compile  sync.Once
	compiled *repository.AccountStatus // what Policy says of levels and states
}

var _ generated.StrictServerInterface = (*Handlers)(nil)

// now is the time that one request writes everywhere: whole seconds, as answers
// show them, in UTC.
func (h *Handlers) now() time.Time { return second(h.Clock()) }

func (h *Handlers) accountStatus() *repository.AccountStatus {
	h.compile.Do(func() { h.compiled = repository.NewAccountStatus(h.Policy) })
	return h.compiled
}

func (h *Handlers) newUID() string { return identity.NewUID(h.UIDPrefix) }
