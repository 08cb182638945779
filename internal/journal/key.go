package journal

import (
	"crypto/sha256"
	"time"
)

// Key is an idempotency key: of all requests that spend it, one is executed.
type Key struct {
	ID          [sha256.Size]byte // of kind, signer and value: the value itself is not stored
	Fingerprint [sha256.Size]byte // HMAC under the value of the operation and its parameters
	Until       time.Time         // when the key may be forgotten
	Enforced    bool              // false: a repetition is counted, and executed
}
