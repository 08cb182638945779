package handlers

import (
	"context"
	"runtime"
	"sync"
	"time"

	"barong/internal/problem"

	"golang.org/x/crypto/bcrypt"
)

const (
	// maxWaitingPasswords is how many passwords may wait for their hash, however fast
	// that is done.
	maxWaitingPasswords = 128
	// hashPatience is within how long a password must be hashed to be worth its place
	// in the queue.
	hashPatience = 4 * time.Second
	// firstHash is how long a hash takes with the usual cost, until one was measured.
	firstHash = 200 * time.Millisecond
	// hashWeight is the part that one hash has in the average.
	hashWeight = 8
)

// errPasswordsQueue is what a sign-up is told for which there is no place.
var errPasswordsQueue = &problem.Error{
	Kind: problem.Unavailable, Detail: "Too many users are being created, try again later", RetryAfter: 5 * time.Second,
}

// Passwords hashes passwords with bcrypt, on half of the processors at the most: a
// storm of sign-ups queues here, before any connection to the database is taken, and
// leaves the other half to requests. It is safe for concurrent use.
type Passwords struct {
	cost    int
	workers chan struct{} // holds a value for each password that is being hashed

	mutex  sync.Mutex
	inside int           // waiting and being hashed
	took   time.Duration // by one hash, a moving average
}

// NewPasswords takes bcrypt's cost, 4 to 31.
func NewPasswords(cost int) *Passwords {
	first := firstHash << max(0, cost-bcryptCost) >> max(0, bcryptCost-cost)
	return &Passwords{cost: cost, workers: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), took: first}
}

// bcryptCost is the usual one. Each step above it doubles the time of a hash.
const bcryptCost = 12

// Hash makes a bcrypt hash of a password of at most 72 bytes. Where it would not be
// done within hashPatience, as far as can be foreseen, it is an Unavailable error at
// once; where that was foreseen wrongly, after hashPatience.
func (p *Passwords) Hash(ctx context.Context, password string) (hash string, err error) {
	if err := p.acquire(); err != nil {
		return "", err
	}
	defer p.release()
	patience := time.NewTimer(hashPatience)
	defer patience.Stop()
	select {
	case p.workers <- struct{}{}:
		defer func() { <-p.workers }()
	case <-patience.C:
		return "", errPasswordsQueue
	case <-ctx.Done():
		return "", ctx.Err()
	}
	began := time.Now()
	text, err := bcrypt.GenerateFromPassword([]byte(password), p.cost)
	p.measured(time.Since(began))
	return string(text), err
}

func (p *Passwords) acquire() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.inside >= cap(p.workers)+p.places() {
		return errPasswordsQueue
	}
	p.inside++
	return nil
}

func (p *Passwords) release() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.inside--
}

func (p *Passwords) measured(took time.Duration) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.took += (took - p.took) / hashWeight
}

// places is how many passwords may wait behind those that are being hashed: as many as
// all workers hash within hashPatience, less those that they hash now.
func (p *Passwords) places() int {
	each := int(hashPatience / max(p.took, time.Microsecond))
	return min(maxWaitingPasswords, max(0, each-1)*cap(p.workers))
}

// Load is how many passwords are being hashed, and how many wait for that.
func (p *Passwords) Load() (hashing, waiting int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	hashing = len(p.workers)
	return hashing, max(0, p.inside-hashing)
}

// Capacity is how many passwords can be hashed at once, and how many may wait as
// long as hashing takes what it takes now.
func (p *Passwords) Capacity() (hashing, waiting int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return cap(p.workers), p.places()
}
