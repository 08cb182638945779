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
	// maxWaitingPasswords limits how many passwords wait for their hash, however fast hashing is.
	maxWaitingPasswords = 128
	// maxHashWait is the longest time that a password waits for its hash.
	maxHashWait = 4 * time.Second
	// firstHash estimates the duration of a hash at the usual cost, before one is measured.
	firstHash = 200 * time.Millisecond
	// hashWeight is the divisor of one measurement's weight in the moving average.
	hashWeight = 8
)

// errPasswordsQueue is the error of a user creation when the queue of passwords is full.
var errPasswordsQueue = &problem.Error{
	Kind: problem.Unavailable, Detail: "Too many users are being created, try again later", RetryAfter: 5 * time.Second,
}

// Passwords hashes passwords with bcrypt on at most half of the processors. A burst of user
// creations queues here, before it takes connections of the database, and leaves the other half of
// the processors to other requests. It is safe for concurrent use.
type Passwords struct {
	cost    int
	workers chan struct{} // holds a value for each password that is being hashed

	mutex  sync.Mutex
	inside int           // waiting or being hashed
	took   time.Duration // duration of one hash, a moving average
}

// NewPasswords takes bcrypt's cost, 4 to 31.
func NewPasswords(cost int) *Passwords {
	first := firstHash << max(0, cost-bcryptCost) >> max(0, bcryptCost-cost)
	return &Passwords{cost: cost, workers: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), took: first}
}

// bcryptCost is the default. Each increment doubles the time of a hash.
const bcryptCost = 12

// Hash returns the bcrypt hash of a password of at most 72 bytes. It returns an Unavailable error
// at once where the estimated wait exceeds maxHashWait, and after maxHashWait where the estimate
// was too low.
func (p *Passwords) Hash(ctx context.Context, password string) (hash string, err error) {
	if err := p.acquire(); err != nil {
		return "", err
	}
	defer p.release()
	patience := time.NewTimer(maxHashWait)
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
	if p.inside >= cap(p.workers)+p.queueLimit() {
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

// queueLimit returns how many passwords may wait behind those that are being hashed: as many as all
// workers hash within maxHashWait, minus those in progress.
func (p *Passwords) queueLimit() int {
	each := int(maxHashWait / max(p.took, time.Microsecond))
	return min(maxWaitingPasswords, max(0, each-1)*cap(p.workers))
}

// Load returns how many passwords are being hashed and how many wait.
func (p *Passwords) Load() (hashing, waiting int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	hashing = len(p.workers)
	return hashing, max(0, p.inside-hashing)
}

// Capacity returns how many passwords can be hashed at once, and how many may wait at the current
// duration of a hash.
func (p *Passwords) Capacity() (hashing, waiting int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return cap(p.workers), p.queueLimit()
}
