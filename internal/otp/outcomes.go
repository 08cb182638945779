package otp

import (
	"errors"

	"barong/internal/problem"
)

// Outcome is the result of a verification in one word.
type Outcome string

// The outcomes.
const (
	Accepted    Outcome = "accepted"
	Rejected    Outcome = "wrong"
	Replayed    Outcome = "used"        // it is right, but was accepted before
	Locked      Outcome = "locked"      // too many failures in a row: the code was not checked, or caused the lock
	Maintenance Outcome = "maintenance" // the backend failed
	Failed      Outcome = "failed"      // any other error, such as a database that does not answer
)

// Outcomes lists all outcomes.
var Outcomes = []Outcome{Accepted, Rejected, Replayed, Locked, Maintenance, Failed}

// outcomeOf returns the outcome for a result of Verify.
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
