package otp

import (
	"errors"

	"barong/internal/problem"
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

// outcomeOf names the result of Verify.
func outcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Accepted
	case problem.KindOf(err) == problem.TooManyRequests:
		return Locked
	case errors.Is(err, ErrInvalidCode):
		return Rejected
	case errors.Is(err, ErrCodeUsed):
		return Replayed
	case errors.Is(err, ErrMaintenance):
		return Maintenance
	default:
		return Failed
	}
}
