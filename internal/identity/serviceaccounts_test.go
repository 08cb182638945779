package identity_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"barong/internal/identity"
	"barong/internal/problem"
)

var serviceUID = regexp.MustCompile(`^SI[0-9A-F]{10}$`)

func newServiceAccount(in identity.ServiceAccountFields, owner *identity.User) (identity.ServiceAccount, []problem.Violation) {
	return identity.DefaultPolicy().NewServiceAccount(in, owner, time.Now(), identity.NewServiceAccountUID)
}

func TestServiceAccountTakesLevelAndStateFromItsOwner(t *testing.T) {
	t.Parallel()
	owner := &identity.User{UID: "ID1", Email: "Ada@example.com", Level: 2, State: "banned"}
	zero, five := 0, 5
	for name, c := range map[string]struct {
		in    identity.ServiceAccountFields
		owner *identity.User
		level int
		state string
	}{
		"owned":                    {identity.ServiceAccountFields{}, owner, 2, "banned"},
		"owned, level 0":           {identity.ServiceAccountFields{Level: &zero}, owner, 2, "banned"},
		"owned, own level":         {identity.ServiceAccountFields{Level: &five}, owner, 5, "banned"},
		"owned, a state is given":  {identity.ServiceAccountFields{State: "nonsense"}, owner, 2, "banned"},
		"without an owner":         {identity.ServiceAccountFields{Email: "bot@example.com"}, nil, 0, "pending"},
		"without an owner, level":  {identity.ServiceAccountFields{Email: "bot@example.com", Level: &five}, nil, 5, "pending"},
		"without an owner, active": {identity.ServiceAccountFields{Email: "bot@example.com", State: "active"}, nil, 0, "active"},
		"a state of a trigger":     {identity.ServiceAccountFields{Email: "bot@example.com", State: "locked"}, nil, 0, "locked"},
		"disabled from the start":  {identity.ServiceAccountFields{Email: "bot@example.com", State: "disabled"}, nil, 0, "disabled"},
	} {
		c.in.Role = "service_account"
		account, violations := newServiceAccount(c.in, c.owner)
		if violations != nil || account.Level() != c.level || account.State() != c.state || !serviceUID.MatchString(account.UID) {
			t.Errorf("%s: %+v, level %d, state %s, %v", name, account, account.Level(), account.State(), violations)
		}
	}
	disabled := identity.StateDisabled
	if a := (identity.ServiceAccount{Owner: &identity.User{State: "active"}, OwnState: &disabled}); a.State() != "disabled" {
		t.Errorf("a disabled account of an active owner is %s", a.State())
	}
}

func TestRulesOfServiceAccountsComeInOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   identity.ServiceAccountFields
		want []string
	}{
		{identity.ServiceAccountFields{Role: "superadmin", State: "gone", UID: "a-b"}, []string{"Role doesnt_exist", "Email can't be blank", "Uid only allows 3 to 36 letters and digits", "State is not included in the list"}},
		{identity.ServiceAccountFields{Role: "member", Email: "a..b@c.com"}, []string{"Email is invalid"}},
		{identity.ServiceAccountFields{Role: "member", Email: "a@b.com", UID: strings.Repeat("u", 37)}, []string{"Uid only allows 3 to 36 letters and digits"}},
	} {
		if _, violations := newServiceAccount(c.in, nil); !slices.Equal(messages(violations), c.want) {
			t.Errorf("%+v: %q, want %q", c.in, messages(violations), c.want)
		}
	}
	// The address of the owner may leave no room for the uid.
	long := "a@" + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "." + strings.Repeat("d", 63) + "." + strings.Repeat("e", 55)
	if _, violations := newServiceAccount(identity.ServiceAccountFields{Role: "member"}, &identity.User{Email: long}); !slices.Equal(messages(violations), []string{"Email is invalid"}) {
		t.Errorf("got %q", messages(violations))
	}
}

func TestTaggedEmailIsAValidAddress(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]string{
		"ada@example.com":                      "ada+SI0A1B2C3D4E@example.com",
		`"a..b"@docomo.ne.jp`:                  `"a..b+SI0A1B2C3D4E"@docomo.ne.jp`,
		`"a\"b"@c.de`:                          `"a\"b+SI0A1B2C3D4E"@c.de`,
		strings.Repeat("a", 64) + "@b.de":      strings.Repeat("a", 51) + "+SI0A1B2C3D4E@b.de",
		strings.Repeat("a", 50) + ".bcd@b.de":  strings.Repeat("a", 50) + "+SI0A1B2C3D4E@b.de",
		`"` + strings.Repeat(`\"`, 31) + `"@b`: `"` + strings.Repeat(`\"`, 24) + `+SI0A1B2C3D4E"@b`,
		strings.Repeat("é", 32) + "@b.de":      strings.Repeat("é", 25) + "+SI0A1B2C3D4E@b.de",
	} {
		got := identity.TaggedEmail(email, "SI0A1B2C3D4E")
		if _, violations := identity.ParseEmail(got); got != want || violations != nil {
			t.Errorf("%q became %q (%v), want %q", email, got, violations, want)
		}
	}
}
