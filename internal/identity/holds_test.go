package identity_test

import (
	"slices"
	"testing"
	"time"

	"barong/internal/identity"
)

func private(key, value string) identity.Label {
	return identity.Label{Key: key, Value: value, Scope: identity.ScopePrivate}
}

func TestALabelHoldsAStateThatNoLabelGives(t *testing.T) {
	t.Parallel()
	policy := identity.DefaultPolicy()
	policy.StateTriggers = append(policy.StateTriggers,
		identity.Trigger{State: "frozen", Keys: []string{"freeze*", "ice"}}, identity.Trigger{State: "paused", Keys: []string{"pause*"}})
	verified := private("email", "verified")
	for _, each := range []struct {
		state  string
		labels []identity.Label
		want   string
	}{
		{"banned", nil, "ban"},
		{"banned", []identity.Label{verified}, "ban"},
		{"banned", []identity.Label{private("fraud", "yes")}, ""},
		{"locked", []identity.Label{private("ban", "yes")}, ""}, // which is more severe
		{"locked", []identity.Label{private("locked_out", "yes")}, "suspicious"},
		{"frozen", nil, "ice"},
		{"paused", nil, "pause"},
		{"active", nil, ""},
		{"unknown", nil, ""},
	} {
		label, ok := policy.HoldingLabel(each.state, each.labels)
		if ok != (each.want != "") || label.Key != each.want {
			t.Errorf("%s %v: %+v %t, want %q", each.state, each.labels, label, ok, each.want)
		}
		if ok && policy.State(append(each.labels, label)) != each.state {
			t.Errorf("%s: %+v does not hold it", each.state, label)
		}
	}
}

func TestLabelsThatBarongMatchesAndThisServerDoesNot(t *testing.T) {
	t.Parallel()
	policy := identity.DefaultPolicy()
	for label, want := range map[identity.Label]string{
		private("bank_account", "yes"):                       "banned",
		private("ban", "yes"):                                "",
		private("email", "verified"):                         "",
		{Key: "ban", Value: "yes", Scope: "public"}:          "banned",
		{Key: "deleted_at", Value: "never", Scope: "public"}: "deleted",
		{Key: "email", Value: "verified", Scope: "public"}:   "",
	} {
		if got, _ := policy.MatchedInBarong(label); got.State != want {
			t.Errorf("%+v: %+v, want %q", label, got, want)
		}
	}
}

func TestMissingLabelsOfALevel(t *testing.T) {
	t.Parallel()
	policy := identity.DefaultPolicy()
	got := policy.MissingLabels(3, []identity.Label{private("phone", "verified")})
	want := []identity.Requirement{{Key: "email", Value: "verified"}, {Key: "document", Value: "verified"}}
	if !slices.Equal(got, want) || policy.MissingLabels(-1, nil) != nil || len(policy.MissingLabels(99, nil)) != 3 {
		t.Errorf("%v", got)
	}
}

func TestInvalidDetailsAreLeftOutAndNothingElse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	early, late := now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0)
	in := identity.Import{
		Email: "ada@example.com", PasswordDigest: "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", Phone: new("12"), Role: "Boss",
		Data: new("a\x00"), ProfileMetadata: []byte(`{"a":"\u0000"}`), CreatedAt: now.AddDate(1, 0, 0), UpdatedAt: now.AddDate(1, 0, 0),
		Profile: identity.ProfileFields{FirstName: new("Ada"), City: new("<b>"), DOB: new("2031-01-01")},
		Phones: []identity.Phone{
			{Number: "none"}, {Number: "4915100000001", ValidatedAt: &early}, {Number: "+49 151 00000001", ValidatedAt: &late}, {Number: "4915100000002"},
		},
		Labels: []identity.Label{
			private("tier", "old"), private("!", "x"),
			{Key: "Tier", Value: "new", UpdatedAt: late},
			{Key: "odd", Value: "scope", Scope: "secret"},
			{Key: "note", Value: "kept", Description: new("\xff")},
		},
	}
	got, dropped := identity.DefaultPolicy().WithoutInvalidDetails(in, now)
	user, violations := identity.DefaultPolicy().ImportedUser(got, now)
	if violations != nil {
		t.Fatalf("what is left breaks rules: %v", violations)
	}
	var paths []string
	for _, detail := range dropped {
		paths = append(paths, detail.Path)
	}
	if want := []string{
		"phone", "phones.0", "phones.2", "labels.1", "labels.1", "labels.1", "labels.2", "labels.3", "labels.4.description", "dob", "city", "profile_metadata", "role",
		"data", "created_at", "updated_at",
	}; !slices.Equal(paths, want) {
		t.Errorf("dropped %q\nwant %q", paths, want)
	}
	if len(user.Phones) != 2 || !user.Phones[0].ValidatedAt.Equal(late) || len(user.Labels) != 2 || user.Labels[0].Value != "new" || *user.CurrentProfile().FirstName != "Ada" {
		t.Errorf("%+v", user)
	}
}
