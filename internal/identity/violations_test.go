package identity_test

import (
	"slices"
	"strings"
	"testing"

	"barong/internal/identity"
	"barong/internal/problem"
)

// messages returns the messages of violations, in order.
func messages(violations []problem.Violation) []string {
	var list []string
	for _, v := range violations {
		list = append(list, v.Message)
	}
	return list
}

// wantMessages also checks what programs rely on: every violation has a field, and a code that
// begins with it or with the noun's name.
func wantMessages(t *testing.T, violations []problem.Violation, want ...string) {
	t.Helper()
	if got := messages(violations); !slices.Equal(got, want) {
		t.Errorf("got the sentences %q, want %q", got, want)
	}
	for _, v := range violations {
		if v.Field == "" || !strings.HasPrefix(v.Code, v.Field+"_") {
			t.Errorf("%q has field %q and code %q", v.Message, v.Field, v.Code)
		}
	}
}

func ptr(s string) *string { return &s }

func TestWhatTheUniqueIndexesSayHasItsSentence(t *testing.T) {
	t.Parallel()
	wantMessages(t,
		[]problem.Violation{identity.EmailTaken, identity.PhoneTaken, identity.LabelKeyTaken},
		"Email has already been taken", "Number has already been taken", "Key has already been taken")
}
