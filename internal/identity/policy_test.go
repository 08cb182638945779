package identity_test

import (
	"strings"
	"testing"

	"barong/internal/identity"
)

// labels makes labels of "key:value" words; a leading ! makes one public.
func labels(words ...string) []identity.Label {
	var list []identity.Label
	for _, word := range words {
		scope := identity.ScopePrivate
		if public, ok := strings.CutPrefix(word, "!"); ok {
			word, scope = public, identity.ScopePublic
		}
		key, value, _ := strings.Cut(word, ":")
		list = append(list, identity.Label{Key: key, Value: value, Scope: scope})
	}
	return list
}

func TestLevelIsTheLastBeforeTheFirstGap(t *testing.T) {
	t.Parallel()
	policy := identity.DefaultPolicy()
	for _, c := range []struct {
		labels []identity.Label
		want   int
	}{
		{nil, 0},
		{labels("email:verified"), 1},
		{labels("phone:verified", "email:verified"), 2},
		{labels("phone:verified", "email:verified", "document:verified"), 3},
		{labels("document:verified", "phone:verified"), 0},
		{labels("document:verified", "email:verified"), 1},
		{labels("email:verified", "phone:pending", "document:verified"), 1},
		{labels("!email:verified", "phone:verified"), 0},
		{labels("email:verified", "!phone:verified"), 1},
		{labels("email:verified", "other:verified"), 1},
	} {
		if got := policy.Level(c.labels); got != c.want {
			t.Errorf("%+v: level %d, want %d", c.labels, got, c.want)
		}
	}
	if got := (identity.Policy{}).Level(labels("email:verified")); got != 0 {
		t.Errorf("a policy without levels gives level %d", got)
	}
}

func TestStateFollowsRequirementsAndTheFirstTrigger(t *testing.T) {
	t.Parallel()
	policy := identity.DefaultPolicy()
	policy.StateTriggers = append(policy.StateTriggers, identity.Trigger{State: "review", Keys: []string{"Aml_*", "KYC"}})
	for _, c := range []struct {
		labels []identity.Label
		want   string
	}{
		{nil, "pending"},
		{labels("phone:verified"), "pending"},
		{labels("email:pending"), "pending"},
		{labels("!email:verified"), "pending"},
		{labels("email:verified"), "active"},
		{labels("email:verified", "!ban:yes"), "active"},
		{labels("email:verified", "bank_account:verified"), "active"},
		{labels("email:verified", "banned:yes"), "active"},
		{labels("email:verified", "ban:whatever"), "banned"},
		{labels("ban:yes"), "banned"},
		{labels("fraud:yes", "email:verified"), "banned"},
		{labels("email:verified", "delete:yes"), "deleted"},
		{labels("email:verified", "suspicious:yes"), "locked"},
		{labels("email:verified", "lock:yes"), "locked"},
		{labels("lock:yes", "ban:yes"), "banned"},
		{labels("ban:yes", "lock:yes"), "banned"},
		{labels("lock:yes", "delete:yes"), "deleted"},
		{labels("email:verified", "aml_check:hit"), "review"},
		{labels("email:verified", "aml_:hit"), "review"},
		{labels("email:verified", "aml:hit"), "active"},
		{labels("email:verified", "kyc:hit"), "review"},
		{labels("email:verified", "kyc2:hit"), "active"},
		{labels("aml_check:hit", "lock:yes"), "locked"},
	} {
		if got := policy.State(c.labels); got != c.want {
			t.Errorf("%+v: %s, want %s", c.labels, got, c.want)
		}
	}
}

func TestSeveralActivationRequirementsMustAllBeMet(t *testing.T) {
	t.Parallel()
	policy := identity.Policy{ActivationRequirements: []identity.Requirement{{Key: "email", Value: "verified"}, {Key: "Profile", Value: "Verified"}}}
	for want, given := range map[string][]identity.Label{
		"pending": labels("email:verified", "profile:partial"),
		"active":  labels("email:verified", "profile:verified"),
	} {
		if got := policy.State(given); got != want {
			t.Errorf("%+v: %s, want %s", given, got, want)
		}
	}
	if got := (identity.Policy{}).State(nil); got != "active" {
		t.Errorf("without requirements an account is %s, want active", got)
	}
}

func TestPolicyThatMeansNothingIsRefused(t *testing.T) {
	t.Parallel()
	if err := identity.DefaultPolicy().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	if err := (identity.Policy{}).Validate(); err != nil {
		t.Errorf("the empty one: %v", err)
	}
	good := identity.Policy{
		ActivationRequirements: []identity.Requirement{{Key: "Email", Value: " verified"}},
		StateTriggers:          []identity.Trigger{{State: "locked", Keys: []string{"Lock", "a*", "x_y-z*"}}, {State: "idle"}},
	}
	if err := good.Validate(); err != nil {
		t.Errorf("%+v: %v", good, err)
	}

	for _, c := range []struct {
		policy identity.Policy
		names  []string // what the error must name
	}{
		{identity.Policy{ActivationRequirements: []identity.Requirement{{Key: "e mail", Value: "verified"}}}, []string{"activation_requirements", "e mail", "Key is invalid"}},
		{identity.Policy{Levels: []identity.Requirement{{Key: "email", Value: "no"}}}, []string{"levels", "email", "Value is too short"}},
		{identity.Policy{StateTriggers: []identity.Trigger{{State: " ", Keys: []string{"lock"}}}}, []string{"state_triggers", "no name"}},
		{identity.Policy{StateTriggers: []identity.Trigger{{State: "locked", Keys: []string{"*"}}}}, []string{"state_triggers", "locked", `"*"`}},
		{identity.Policy{StateTriggers: []identity.Trigger{{State: "locked", Keys: []string{""}}}}, []string{"locked", `""`}},
		{identity.Policy{StateTriggers: []identity.Trigger{{State: "locked", Keys: []string{"l*k"}}}}, []string{"l*k"}},
		{identity.Policy{StateTriggers: []identity.Trigger{{State: "locked", Keys: []string{"lo"}}}}, []string{`"lo"`}},
		{identity.Policy{StateTriggers: []identity.Trigger{{State: "locked", Keys: []string{"lock!"}}, {State: "banned", Keys: []string{"b?n"}}}}, []string{"lock!", "b?n"}},
		{identity.Policy{DocumentTypes: []string{"Passport", ""}}, []string{"document_types"}},
	} {
		err := c.policy.Validate()
		if err == nil {
			t.Errorf("%+v was taken", c.policy)
			continue
		}
		for _, name := range c.names {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%q does not name %q", err, name)
			}
		}
	}
}

func TestDefaultDocumentTypesAreThoseOfBarong(t *testing.T) {
	t.Parallel()
	want := "Passport, Identity card, Driver license, Utility Bill, Residental, Institutional"
	if got := strings.Join(identity.DefaultPolicy().DocumentTypes, ", "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
