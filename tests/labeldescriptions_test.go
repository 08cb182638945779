package tests

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDescriptionOfALabelIsShownEverywhere(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		text := " {\"by\": \"Zoë\"}\n" + strings.Repeat("ü", 200)
		got := a.call(f, "createLabel", parameters{"user_uid": uid, "key": "email", "value": "verified", "description": text})
		if got.status != http.StatusCreated {
			t.Fatalf("%d %s", got.status, got.body)
		}
		label := got.object(t)
		if label["description"] != text {
			t.Errorf("got %q", label["description"])
		}
		for name, found := range map[string]any{
			"list":     a.call(f, "listLabels", parameters{"user_uid": uid}).list(t)[0],
			"getUser":  a.call(f, "getUser", parameters{"uid": uid}).object(t)["labels"].([]any)[0],
			"extended": a.call(f, "listUsers", parameters{"extended": true}).list(t)[0]["labels"].([]any)[0],
			"filter":   a.call(f, "filterUsersByLabel", parameters{"key": "email", "extended": true}).list(t)[0]["labels"].([]any)[0],
			"delete":   a.call(f, "deleteLabel", parameters{"user_uid": uid, "key": "email"}).object(t),
		} {
			if !reflect.DeepEqual(found, label) {
				t.Errorf("%s: got %v, want %v", name, found, label)
			}
		}
	})
}

func TestUpdateOfALabelKeepsADescriptionThatIsNotGiven(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		for _, replace := range []bool{true, false} {
			uid := a.user(nil)
			a.label(uid, "email", "verified")
			user := a.must("getUser", parameters{"uid": uid}).object(t)
			label := user["labels"].([]any)[0].(map[string]any)
			for _, step := range []struct {
				value, description string // "" for what is not given
				changes            bool
			}{
				{"verified", "", false},
				{"verified", "first", true},
				{"verified", "first", false},
				{"pending", "", true},
				{"verified", "second", true},
				{"verified", "", false},
				{"verified", "third", true},
			} {
				a.clock.Advance(time.Minute)
				given := parameters{"user_uid": uid, "key": "email", "value": step.value, "replace": replace}
				label["value"] = step.value
				if step.description != "" {
					given["description"], label["description"] = step.description, step.description
				}
				if step.changes {
					label["updated_at"] = a.clock.Now().Format(time.RFC3339)
				}
				if got := a.call(f, "updateLabel", given); got.status != http.StatusOK || !reflect.DeepEqual(got.object(t), label) {
					t.Errorf("%v: %d %s, want %v", step, got.status, got.body, label)
				}
			}
			// The last step changes the description alone, and with it neither level nor state.
			after := a.must("getUser", parameters{"uid": uid}).object(t)
			if after["updated_at"] == a.clock.Now().Format(time.RFC3339) || after["state"] != user["state"] || after["level"] != user["level"] {
				t.Errorf("before %v\nafter  %v", user, after)
			}
		}
	})
}

func TestUpdateCreatesALabelWithItsDescription(t *testing.T) {
	t.Parallel()
	a := start(t)
	got := a.must("updateLabel", parameters{"user_uid": a.user(nil), "key": "email", "value": "verified", "description": "new"}).object(t)
	if got["description"] != "new" {
		t.Errorf("got %v", got)
	}
}

func TestLongDescriptionOfALabelIsRefused(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		a.label(uid, "email", "verified")
		long := strings.Repeat("ü", 256)
		for _, operation := range []string{"createLabel", "updateLabel"} {
			a.call(f, operation, parameters{"user_uid": uid, "key": "phone", "value": "no way", "description": long}).
				refused(t, 422, "[Value is invalid", "Description is too long (maximum is 255 characters)]")
			a.call(f, operation, parameters{"user_uid": uid, "key": "phone", "value": "verified", "description": " "}).refused(t, 422, "description is empty")
			a.call(f, operation, parameters{"user_uid": "ID0000000000", "key": "phone", "value": "verified", "description": long}).refused(t, 404, "Record is not found")
		}
		if labels := a.must("listLabels", parameters{"user_uid": uid}).list(t); len(labels) != 1 || labels[0]["description"] != nil {
			t.Errorf("got %v", labels)
		}
		a.must("updateLabel", parameters{"user_uid": uid, "key": "email", "value": "verified", "description": long[2:]})
	})
}
