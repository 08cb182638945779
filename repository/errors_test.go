package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"barong/internal/identity"
	"barong/internal/problem"
)

func TestDatabaseErrorsAreTranslatedByCodeAndConstraint(t *testing.T) {
	t.Parallel()
	state := func(code, constraint string) error {
		return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code, ConstraintName: constraint})
	}
	for _, c := range []struct {
		err  error
		kind problem.Kind
	}{
		{pgx.ErrNoRows, problem.NotFound},
		{state("23505", "users_email_folded_key"), problem.InvalidRecord},
		{state("23505", "users_uid_key"), problem.InvalidRecord},
		{state("23503", "users_email_folded_key"), 0},
		{state("42P01", ""), 0},
		{state("40001", ""), problem.Unavailable},
		{state("40P01", ""), problem.Unavailable},
		{state("53300", ""), problem.Unavailable},
		{state("57P01", ""), problem.Unavailable},
		{state("08006", ""), problem.Unavailable},
		{state("25006", ""), problem.Unavailable},
		{io.ErrUnexpectedEOF, problem.Unavailable},
		{context.DeadlineExceeded, problem.Unavailable},
		{&pgconn.ConnectError{}, problem.Unavailable},
		{unsent{}, problem.Unavailable},
		{context.Canceled, 0},
		{errors.New("something"), 0},
		{identity.ErrLabelNotFound, problem.NotFound},
	} {
		got := translate(c.err)
		if problem.KindOf(got) != c.kind {
			t.Errorf("%v became %v", c.err, got)
		}
		if c.kind == 0 && !errors.Is(got, c.err) {
			t.Errorf("%v was changed to %v", c.err, got)
		}
	}
	if translate(nil) != nil {
		t.Error("no error became one")
	}
	for constraint, want := range violated {
		var broken *problem.Error
		if !errors.As(translate(state("23505", constraint)), &broken) || !slices.Equal(broken.Violations, []problem.Violation{want}) {
			t.Errorf("%s became %v", constraint, broken)
		}
	}
}

// unsent is the error of pgx for a statement on a connection that was closed before.
type unsent struct{}

func (unsent) Error() string     { return "conn closed" }
func (unsent) SafeToRetry() bool { return true }

func TestPageNumbersDoNotOverflow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		page Page
		want int64
	}{
		{Page{1, 100}, 0},
		{Page{3, 100}, 200},
		{Page{1 << 62, 1000}, 1<<63 - 1},
		{Page{1<<63 - 1, 1}, 1<<63 - 2},
	} {
		if got := c.page.offset(); got != c.want {
			t.Errorf("%v starts at %d, want %d", c.page, got, c.want)
		}
	}
}
