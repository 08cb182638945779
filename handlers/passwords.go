package handlers

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

	"barong/identity"
)

// waitingPasswords is how many passwords may wait for their hash. With bcrypt's
// cost 12 two cores hash about eight a second: who comes later would have
// given up before the answer.
const waitingPasswords = 128

// Passwords hashes passwords with bcrypt, as many at a time as there are
// processors, so that a storm of sign-ups queues here and not in the database. It
// hashes aside (priority.go): other requests go first.
type Passwords struct {
	cost    int
	workers chan struct{}
	inside  atomic.Int64 // waiting and being hashed
}

// NewPasswords takes bcrypt's cost, 4 to 31.
func NewPasswords(cost int) *Passwords {
	return &Passwords{cost: cost, workers: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// Hash makes a bcrypt hash of a password of at most 72 bytes. When too many wait
// already it is an Unavailable error, at once.
func (p *Passwords) Hash(ctx context.Context, password string) (hash string, err error) {
	defer p.inside.Add(-1)
	if p.inside.Add(1) > int64(waitingPasswords+cap(p.workers)) {
		return "", &identity.Error{
			Kind: identity.Unavailable, Message: "Too many users are being created, try again later", RetryAfter: 5 * time.Second,
		}
	}
	select {
	case p.workers <- struct{}{}:
		defer func() { <-p.workers }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	aside(func() {
		var text []byte
		text, err = bcrypt.GenerateFromPassword([]byte(password), p.cost)
		hash = string(text)
	})
	return hash, err
}

// Load is how many passwords are being hashed, and how many wait for that.
func (p *Passwords) Load() (hashing, waiting int) {
	hashing = len(p.workers)
	return hashing, max(0, int(p.inside.Load())-hashing)
}

// Capacity is the most that Load ever says.
func (p *Passwords) Capacity() (hashing, waiting int) { return cap(p.workers), waitingPasswords }
