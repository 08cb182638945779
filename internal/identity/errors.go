package identity

import "barong/internal/problem"

// Failures that more than one operation reports, word for word as the contract has them.
var (
	ErrRecordNotFound    = problem.New(problem.NotFound, "Record is not found")
	ErrLabelNotFound     = problem.New(problem.NotFound, "label doesnt exist")
	ErrUserAlreadyExists = problem.New(problem.Rejected, "User already exists by this email")
)
