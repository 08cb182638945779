package problem_test

import (
	"errors"
	"fmt"
	"testing"

	"barong/internal/problem"
)

// errors.Is must match an error that has a cause.
func TestACopyWithACauseIsTheErrorThatItCopies(t *testing.T) {
	first, second := problem.New(problem.Rejected, "no"), problem.New(problem.Rejected, "no")
	cause := errors.New("the disk is full")
	wrapped := fmt.Errorf("storing: %w", first.WithCause(errors.New("another")).WithCause(cause))
	if !errors.Is(wrapped, first) || !errors.Is(wrapped, cause) {
		t.Errorf("%v is neither the original nor its cause", wrapped)
	}
	if errors.Is(wrapped, second) || errors.Is(first, cause) {
		t.Error("an error equals one that has the same words only")
	}
	if first.Cause != nil {
		t.Error("the original has the cause of its copy")
	}
}
