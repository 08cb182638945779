package identity_test

import (
	"slices"
	"testing"

	"barong/internal/identity"
)

func TestALabelKeyIsOverlookedWhenItBeginsWithATriggerAndSetsOffNone(t *testing.T) {
	t.Parallel()
	policy := identity.Policy{StateTriggers: []identity.Trigger{
		{State: "banned", Keys: []string{"Ban", "fraud*"}},
		{State: "locked", Keys: []string{"lock", "banner"}},
		{State: "quiet"},
	}}
	for key, want := range map[string]string{
		"ban": "", "lock": "", "banner": "", "fraud": "", "fraudster": "", "email": "", "unban": "", "lo": "", "": "",
		"banned": "banned by ban", "bank_account": "banned by ban", "banners": "banned by ban", "locked": "locked by lock",
	} {
		got := ""
		if overlooked, ok := policy.Overlooked(key); ok {
			got = overlooked.State + " by " + overlooked.Begin
		}
		if got != want {
			t.Errorf("%q is overlooked as %q, want %q", key, got, want)
		}
	}
	if keys := policy.WholeTriggerKeys(); !slices.Equal(keys, []string{"ban", "lock", "banner"}) {
		t.Errorf("whole keys are %q", keys)
	}
}

func TestPrefixTriggersAreSetOffByEveryKeyThatBeginsWithThem(t *testing.T) {
	t.Parallel()
	whole := identity.DefaultPolicy()
	prefix := whole.WithPrefixTriggers()
	if err := prefix.Validate(); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][2]string{
		"banned": {"active", "banned"}, "ban": {"banned", "banned"}, "deleted": {"active", "deleted"}, "locked": {"active", "locked"},
		"suspicious_login": {"active", "locked"}, "unlock": {"active", "active"},
	} {
		labels := []identity.Label{{Key: "email", Value: "verified", Scope: "private"}, {Key: key, Value: "yes", Scope: "private"}}
		if got := [2]string{whole.State(labels), prefix.State(labels)}; got != want {
			t.Errorf("%s gives %v, want %v", key, got, want)
		}
		if _, ok := prefix.Overlooked(key); ok {
			t.Errorf("%s is overlooked though triggers are prefixes", key)
		}
	}
}
