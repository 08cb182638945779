package identity

import "barong/internal/problem"

// Errors that several operations return. The contract defines their messages.
var (
	ErrRecordNotFound    = problem.New(problem.NotFound, "Record is not found")
	ErrLabelNotFound     = problem.New(problem.NotFound, "label doesnt exist")
	ErrUserAlreadyExists = problem.New(problem.Rejected, "User already exists by this email")
)
