package tests

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"barong/internal/identity"
)

func TestLabelLivesThroughCreateUpdateListAndDelete(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		born := a.clock.Now().Format(time.RFC3339)
		label := map[string]any{"key": "some-key", "value": "some-value", "scope": "private", "created_at": born, "updated_at": born, "description": nil}

		got := a.call(f, "createLabel", parameters{"user_uid": uid, "key": " SOME-Key ", "value": "Some-VALUE"})
		if got.status != http.StatusCreated || !reflect.DeepEqual(got.object(t), label) {
			t.Fatalf("create: %d %s", got.status, got.body)
		}

		a.clock.Advance(time.Minute)
		got = a.call(f, "updateLabel", parameters{"user_uid": uid, "key": "some-KEY", "value": "SOME-value"})
		if got.status != http.StatusOK || !reflect.DeepEqual(got.object(t), label) {
			t.Errorf("the same value again changed something: %d %s", got.status, got.body)
		}

		label["value"], label["updated_at"] = "other", a.clock.Now().Format(time.RFC3339)
		got = a.call(f, "updateLabel", parameters{"user_uid": uid, "key": "some-key", "value": "other"})
		if got.status != http.StatusOK || !reflect.DeepEqual(got.object(t), label) {
			t.Errorf("update: %d %s", got.status, got.body)
		}

		got = a.call(f, "listLabels", parameters{"user_uid": uid})
		if got.status != http.StatusCreated || !reflect.DeepEqual(got.list(t), []map[string]any{label}) {
			t.Errorf("list: %d %s", got.status, got.body)
		}

		got = a.call(f, "deleteLabel", parameters{"user_uid": uid, "key": "SOME-key"})
		if got.status != http.StatusCreated || !reflect.DeepEqual(got.object(t), label) {
			t.Errorf("delete: %d %s", got.status, got.body)
		}
		if got = a.call(f, "listLabels", parameters{"user_uid": uid}); string(got.body) != "[]\n" {
			t.Errorf("after delete: %d %s", got.status, got.body)
		}
	})
}

func TestLabelOperationsRefuse(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		a.label(uid, "email", "verified")
		long := strings.Repeat("k", 256)
		for _, c := range []struct {
			operation string
			given     parameters
			status    int
			want      []string
		}{
			{"createLabel", parameters{"user_uid": uid, "key": "EMAIL", "value": "pending"}, 422, []string{"[Key has already been taken]"}},
			{"createLabel", parameters{"user_uid": uid, "key": "ab", "value": long}, 422, []string{"[Key is too short (minimum is 3 characters)]", "Value is too long (maximum is 255 characters)"}},
			{"createLabel", parameters{"user_uid": uid, "key": long, "value": "ünknown"}, 422, []string{"[Key is too long (maximum is 255 characters)]", "Value is invalid"}},
			{"createLabel", parameters{"user_uid": "ID0000000000", "key": "ab", "value": "c"}, 404, []string{"Record is not found"}},
			{"updateLabel", parameters{"user_uid": uid, "key": "email", "value": "no way"}, 422, []string{"[Value is invalid]"}},
			{"updateLabel", parameters{"user_uid": uid, "key": "two words", "value": "valid"}, 422, []string{"[Key is invalid]"}},
			{"updateLabel", parameters{"user_uid": uid, "key": "phone", "value": "verified", "replace": false}, 404, []string{"label doesnt exist"}},
			{"updateLabel", parameters{"user_uid": "ID0000000000", "key": "phone", "value": "verified"}, 404, []string{"Record is not found"}},
			{"deleteLabel", parameters{"user_uid": uid, "key": "phone"}, 404, []string{"Record is not found"}},
			{"deleteLabel", parameters{"user_uid": "ID0000000000", "key": "email"}, 404, []string{"Record is not found"}},
			{"listLabels", parameters{"user_uid": "ID0000000000"}, 404, []string{"Record is not found"}},
		} {
			a.call(f, c.operation, c.given).refused(t, c.status, c.want...)
		}
	})
}

func TestPublicLabelsAreListedAndLeftAlone(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	a.publicLabel(uid, "email", "verified")
	a.publicLabel(uid, "ban", "hammer")
	if level, state := a.standing(uid); level != 0 || state != "pending" {
		t.Errorf("public labels made %d, %s", level, state)
	}
	a.label(uid, "phone", "verified")
	if level, state := a.standing(uid); level != 0 || state != "pending" {
		t.Errorf("public labels counted: %d, %s", level, state)
	}
	labels := a.must("listLabels", parameters{"user_uid": uid}).list(t)
	var got []string
	for _, label := range labels {
		got = append(got, label["scope"].(string)+" "+label["key"].(string))
	}
	if want := []string{"public email", "public ban", "private phone"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	a.call(envelopeForm, "deleteLabel", parameters{"user_uid": uid, "key": "ban"}).refused(t, 404, "Record is not found")
}

func (a *api) publicLabel(uid, key, value string) {
	a.t.Helper()
	_, err := a.pool.Exec(a.t.Context(), `INSERT INTO labels (user_id, key, value, scope, created_at, updated_at)
		SELECT id, $2, $3, 'public', now(), now() FROM users WHERE uid = $1`, uid, key, value)
	if err != nil {
		a.t.Fatal(err)
	}
}

func TestLevelAndStateFollowPrivateLabels(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	for _, step := range []struct {
		operation, key, value string
		level                 int
		state                 string
	}{
		{"createLabel", "phone", "verified", 0, "pending"},
		{"createLabel", "email", "verified", 2, "active"},
		{"updateLabel", "phone", "rejected", 1, "active"},
		{"updateLabel", "phone", "verified", 2, "active"},
		{"createLabel", "document", "verified", 3, "active"},
		{"createLabel", "suspicious", "yes", 3, "locked"},
		{"createLabel", "delete", "yes", 3, "deleted"},
		{"createLabel", "fraud", "yes", 3, "banned"},
		{"createLabel", "lock", "yes", 3, "banned"},
		{"createLabel", "bank_account", "yes", 3, "banned"},
		{"deleteLabel", "fraud", "", 3, "deleted"},
		{"deleteLabel", "delete", "", 3, "locked"},
		{"deleteLabel", "lock", "", 3, "locked"},
		{"deleteLabel", "suspicious", "", 3, "active"},
		{"deleteLabel", "email", "", 0, "pending"},
	} {
		given := parameters{"user_uid": uid, "key": step.key}
		if step.value != "" {
			given["value"] = step.value
		}
		a.must(step.operation, given)
		if level, state := a.standing(uid); level != step.level || state != step.state {
			t.Errorf("%s %s: level %d, state %s; want %d, %s", step.operation, step.key, level, state, step.level, step.state)
		}
	}
}

func TestConfiguredPolicyApplies(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) {
		s.policy.ActivationRequirements = []identity.Requirement{{Key: "email", Value: "verified"}, {Key: "phone", Value: "verified"}}
		s.policy.Levels = []identity.Requirement{{Key: "profile", Value: "verified"}}
		s.policy.StateTriggers = []identity.Trigger{{State: "frozen", Keys: []string{"freeze*"}}}
	})
	if level, _ := a.standing(a.must("importUser", ada).object(t)["uid"].(string)); level != 1 {
		t.Errorf("the label of an imported profile gave level %d", level)
	}
	uid := a.user(nil)
	a.label(uid, "email", "verified")
	if _, state := a.standing(uid); state != "pending" {
		t.Errorf("active after one of two requirements: %s", state)
	}
	a.label(uid, "phone", "verified")
	if _, state := a.standing(uid); state != "active" {
		t.Errorf("state %s after both requirements", state)
	}
	a.label(uid, "freeze_2026", "yes")
	if _, state := a.standing(uid); state != "frozen" {
		t.Errorf("state %s after freeze_2026", state)
	}
}

func TestChangeOfStandingIsAnUpdateOfTheUser(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	updated := func() string { return a.must("getUser", parameters{"uid": uid}).object(t)["updated_at"].(string) }
	before := updated()
	a.clock.Advance(time.Minute)
	a.label(uid, "color", "green")
	if updated() != before {
		t.Error("a label without effect updated the user")
	}
	a.label(uid, "email", "verified")
	if updated() == before {
		t.Error("a change of state did not update the user")
	}
}
