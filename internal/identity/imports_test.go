package identity_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"barong/internal/identity"
)

func TestFreeTextsOfAnImportHave64KiB(t *testing.T) {
	t.Parallel()
	for size, want := range map[int][]string{
		64 << 10:   nil,
		64<<10 + 1: {"Profile metadata is not a JSON object", "Data is invalid"},
	} {
		data := strings.Repeat("a", size)
		_, violations := identity.DefaultPolicy().ImportedUser(identity.Import{
			Email: "ada@example.com", PasswordDigest: "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
			Data: &data, ProfileMetadata: []byte(`{"a":"` + strings.Repeat("b", size-8) + `"}`),
		}, time.Now())
		var got []string
		for _, v := range violations {
			got = append(got, v.Message)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d bytes: %q, want %q", size, got, want)
		}
	}
}
