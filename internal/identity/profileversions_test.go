package identity_test

import (
	"strings"
	"testing"
	"time"

	"barong/internal/identity"
)

func TestCurrentProfileIsTheNewestVerifiedElseTheNewest(t *testing.T) {
	t.Parallel()
	const drafted, submitted, verified, rejected = identity.ProfileDrafted, identity.ProfileSubmitted, identity.ProfileVerified, identity.ProfileRejected
	for _, c := range []struct {
		reviews []string
		want    int // the number, 0 for none
	}{
		{nil, 0},
		{[]string{drafted}, 1},
		{[]string{drafted, rejected}, 2},
		{[]string{drafted, verified, submitted}, 2},
		{[]string{verified, rejected, verified, drafted}, 3},
	} {
		user := identity.User{}
		for i, review := range c.reviews {
			user.Profiles = append(user.Profiles, identity.Profile{Review: review, Number: i + 1})
		}
		got := 0
		if p := user.CurrentProfile(); p != nil {
			got = p.Number
		}
		if got != c.want {
			t.Errorf("%v: %d, want %d", c.reviews, got, c.want)
		}
	}
}

func TestNewProfileVersionNeedsNoField(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 7, 11, 35, 0, time.UTC)
	p, violations := identity.NewProfileVersion(identity.ProfileFields{}, nil, nil, now)
	wantMessages(t, violations)
	if p.State != identity.ProfilePartial || p.Review != identity.ProfileDrafted || !p.CreatedAt.Equal(now) {
		t.Errorf("got %+v", p)
	}
	_, violations = identity.NewProfileVersion(identity.ProfileFields{Address: ptr("1\u202e2")}, ptr("[]"), ptr("pending"), now)
	wantMessages(t, violations, `Address only allows letters, digits "-", "'", and space`, "Metadata data is not json compatible string", "State is not included in the list")
}

func TestAnOpenProfileAllowsADecisionOnly(t *testing.T) {
	t.Parallel()
	open := identity.LatestProfile{Number: 1, Open: true}
	for _, review := range []string{identity.ProfileDrafted, identity.ProfileSubmitted} {
		wantMessages(t, open.Check(review), "State already exists")
		wantMessages(t, identity.LatestProfile{Number: 1}.Check(review))
	}
	wantMessages(t, open.Check(identity.ProfileVerified))
	if full := (identity.LatestProfile{Number: identity.MaxProfiles}).Check(identity.ProfileVerified); len(full) != 1 || full[0] != identity.TooManyProfiles {
		t.Errorf("got %v", full)
	}
}

func TestImportedReviewMakesAProfileAndItsLabel(t *testing.T) {
	t.Parallel()
	in := identity.Import{Email: "ada@example.com", PasswordDigest: "$2a$04$8Sj4nf0ZNsaGGzwTQjGDSe0F3FW4sFvh8LuzeIUhWvGcwM3Jp8CVq", ProfileReview: ptr("rejected")}
	user, violations := identity.DefaultPolicy().ImportedUser(in, time.Now())
	wantMessages(t, violations)
	if len(user.Profiles) != 1 || user.Profiles[0].Review != "rejected" || len(user.Labels) != 1 || user.Labels[0].Value != "rejected" {
		t.Errorf("got %+v, %+v", user.Profiles, user.Labels)
	}
	in.ProfileReview, in.Profile.Address = ptr("partial"), ptr("1\u202e2")
	_, violations = identity.DefaultPolicy().ImportedUser(in, time.Now())
	wantMessages(t, violations, `Address only allows letters, digits "-", "'", and space`, "State is not included in the list")
}

func TestChangesOfAUserKeepTheRules(t *testing.T) {
	t.Parallel()
	policy := identity.DefaultPolicy()
	for _, role := range policy.Roles {
		wantMessages(t, policy.CheckChanges(identity.UserChanges{Role: &role, Data: ptr(`"any JSON"`)}))
	}
	wantMessages(t, policy.CheckChanges(identity.UserChanges{Role: ptr("superadmin"), Data: ptr(strings.Repeat("x", 1025))}),
		"Data is too long (maximum is 1024 characters)", "Data data is not json compatible string", "Role doesnt_exist")
}
