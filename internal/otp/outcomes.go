package otp

import (
	"errors"

	"barong/internal/identity"
)

// Outcome is what became of a code that was given, in one word.
type Outcome string

// The outcomes.
const (
	Accepted    Outcome = "accepted"
	Rejected    Outcome = "wrong"
	Replayed    Outcome = "used"        // it was right, and had counted before
	Locked      Outcome = "locked"      // too many failures in a row: nobody looked at it, or it was one too many
	Maintenance Outcome = "maintenance" // the backend does not do its work
	Failed      Outcome = "failed"      // anything else, as a database that does not answer
)

// Outcomes are all there are.
var Outcomes = []Outcome{Accepted, Rejected, Replayed, Locked, Maintenance, Failed}

// outcomeOf names the result of Verify. Errors that have a cause are copies of
// those of this package, hence the comparison of sentences.
func outcomeOf(err error) Outcome {
	var told *identity.Error
	switch {
	case err == nil:
		return Accepted
	case !errors.As(err, &told):
		return Failed
	case told.Kind == identity.TooManyRequests:
		return Locked
	case told.Message == ErrInvalidCode.Message:
		return Rejected
	case told.Message == ErrCodeUsed.Message:
		return Replayed
	case told.Message == ErrMaintenance.Message:
		return Maintenance
	default:
		return Failed
	}
}
