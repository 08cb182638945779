package otp

import "barong/internal/problem"

// Errors with the messages of Barong.
var (
	ErrNotEnabled  = problem.New(problem.Rejected, "Account has not enabled 2FA")
	ErrInvalidCode = problem.New(problem.Rejected, "OTP code is invalid")
	ErrCodeUsed    = problem.New(problem.Rejected, "This code was already used. Wait until the next time period")
	ErrMaintenance = problem.New(problem.Rejected, "2FA server is under maintenance")
)
