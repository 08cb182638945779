package auth

import "barong/internal/problem"

// Errors of a request with missing or invalid signatures. The messages are those of Barong.
// The cause of each is for the log only.
var (
	ErrUnverified         = problem.New(problem.Unauthenticated, "Failed to verify JWT.")
	ErrMissingSignatures  = &problem.Error{Kind: problem.Unauthenticated, Detail: "Not enough signatures for the action.", Reason: problem.MissingSignatures}
	ErrUnparsableEnvelope = problem.New(problem.BadRequest, "Couldn't parse JWT.")
)
