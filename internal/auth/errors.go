package auth

import "barong/internal/problem"

// What a caller whose request is not signed as it must be is told, word for word as
// Barong says it. The cause that goes with it is for the log.
var (
	ErrUnverified         = problem.New(problem.Unauthenticated, "Failed to verify JWT.")
	ErrMissingSignatures  = &problem.Error{Kind: problem.Unauthenticated, Detail: "Not enough signatures for the action.", Reason: problem.MissingSignatures}
	ErrUnparsableEnvelope = problem.New(problem.BadRequest, "Couldn't parse JWT.")
)
