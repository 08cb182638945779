package tests

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"barong/internal/identity"
)

// reviews are the states of the profiles of a user, oldest first.
func reviews(t testing.TB, user map[string]any) (states []string) {
	t.Helper()
	for _, profile := range user["profiles"].([]any) {
		states = append(states, profile.(map[string]any)["state"].(string))
	}
	return states
}

// profileLabel is the value of the private label profile of a user, "" for none.
func (a *api) profileLabel(uid string) string {
	a.t.Helper()
	for _, label := range a.must("listLabels", parameters{"user_uid": uid}).list(a.t) {
		if label["scope"] == "private" && label["key"] == "profile" {
			return label["value"].(string)
		}
	}
	return ""
}

func TestCreatedProfileIsShownWithAllOthers(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(parameters{"first_name": "Ada", "city": "London"})
		born := a.clock.Now().Format(time.RFC3339)
		a.clock.Advance(time.Minute)
		now := a.clock.Now().Format(time.RFC3339)
		got := a.call(f, "createProfile", parameters{
			"uid": uid, "first_name": " Ada  King ", "last_name": "Lovelace", "dob": "1985-12-10", "address": "12 St James's Square",
			"postcode": "SW1Y 4JH", "city": "London", "country": "gb", "state": "verified", "metadata": `{"nationality": "british"}`,
		})
		if got.status != http.StatusCreated {
			t.Fatalf("%d %s", got.status, got.body)
		}
		created := map[string]any{
			"first_name": "Ada King", "last_name": "Lovelace", "dob": "1985-12-10", "address": "12 St James's Square", "postcode": "SW1Y 4JH",
			"city": "London", "country": "gb", "state": "verified", "metadata": map[string]any{"nationality": "british"},
			"created_at": now, "updated_at": now,
		}
		imported := map[string]any{
			"first_name": "Ada", "last_name": nil, "dob": nil, "address": nil, "postcode": nil, "city": "London", "country": nil,
			"state": "drafted", "metadata": nil, "created_at": born, "updated_at": born,
		}
		user := got.object(t)
		if want := []any{imported, created}; !reflect.DeepEqual(user["profiles"], want) {
			t.Errorf("got  %v\nwant %v", user["profiles"], want)
		}
		if profile := user["profile"].(map[string]any); profile["first_name"] != "Ada King" || profile["state"] != "completed" {
			t.Errorf("profile is %v", profile)
		}
		for name, found := range map[string]map[string]any{
			"getUser":  a.call(f, "getUser", parameters{"uid": uid}).object(t),
			"extended": a.call(f, "listUsers", parameters{"extended": true}).list(t)[0],
			"filter":   a.call(f, "filterUsersByLabel", parameters{"key": "profile", "extended": true}).list(t)[0],
			"update":   a.call(f, "updateUser", parameters{"uid": uid, "data": "1"}).object(t),
		} {
			if !reflect.DeepEqual(found["profiles"], user["profiles"]) || !reflect.DeepEqual(found["profile"], user["profile"]) {
				t.Errorf("%s: %v", name, found)
			}
		}
		if value := a.profileLabel(uid); value != "verified" {
			t.Errorf("label %q", value)
		}
	})
}

func TestProfileOfARefusedRequestIsNotStored(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid, without := a.user(parameters{"city": "London"}), a.user(nil)
		for _, c := range []struct {
			given  parameters
			status int
			want   []string
		}{
			{parameters{"uid": "ID0000000000"}, 422, []string{"user.doesnt_exist"}},
			{parameters{"uid": "ID0000000000", "first_name": "<b>", "state": "no"}, 422, []string{"user.doesnt_exist"}},
			{parameters{"first_name": "Ada"}, 422, []string{"uid is missing, uid is empty"}},
			{parameters{"uid": uid, "state": " "}, 422, []string{"state is empty"}},
			{parameters{"uid": uid}, 422, []string{"[State already exists]"}},
			{parameters{"uid": uid, "state": "submitted", "first_name": "<b>"}, 422, []string{`[First name only allows letters, digits "-", "'", and space`, "State already exists]"}},
			{parameters{"uid": uid, "state": "partial"}, 422, []string{"[State is not included in the list]"}},
			{parameters{"uid": without, "metadata": "[]"}, 422, []string{"[Metadata data is not json compatible string]"}},
			{parameters{"uid": without, "metadata": `{"a": 1e400}`}, 422, []string{"[Metadata data is not json compatible string]"}},
			{parameters{"uid": without, "metadata": `{"a":"` + strings.Repeat("x", 65_528) + `"}`}, 422, []string{"[Metadata data is not json compatible string]"}},
			{
				parameters{
					"uid": without, "first_name": "<b>", "last_name": "<i>", "dob": "2999-01-01", "city": "#", "country": "Atlantis", "postcode": "?",
					"address": "1\u202e2", "metadata": "{", "state": "Drafted",
				}, 422, []string{
					`[First name only allows letters, digits "-", "'", and space`, `Last name only allows letters, digits "-", "'", and space`,
					"Dob is invalid", `City only allows letters, digits "-", "'", and space`, "Country must have alpha2 or alpha3 format",
					`Postcode only allows letters, digits, "-" and space`, "Postcode is too short (minimum is 2 characters)",
					`Address only allows letters, digits "-", "'", and space`, "Metadata data is not json compatible string",
					"State is not included in the list]",
				},
			},
		} {
			a.call(f, "createProfile", c.given).refused(t, c.status, c.want...)
		}
		if got := a.must("getUser", parameters{"uid": without}).object(t); len(got["profiles"].([]any)) != 0 || len(got["labels"].([]any)) != 0 {
			t.Errorf("got %v", got)
		}
		largest := parameters{"uid": without, "metadata": `{"a":"` + strings.Repeat("x", 65_527) + `"}`}
		if got := a.call(f, "createProfile", largest); got.status != http.StatusCreated {
			t.Errorf("metadata of 65,535 bytes: %d %.300s", got.status, got.body)
		}
	})
}

func TestProfileAwaitsADecisionBeforeTheNext(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	for _, step := range []struct {
		state    string
		accepted bool
		shown    int // the place of the profile among all
	}{
		{"", true, 0},
		{"drafted", false, 0},
		{"submitted", false, 0},
		{"rejected", true, 1},
		{"submitted", true, 2},
		{"", false, 2},
		{"verified", true, 3},
		{"drafted", true, 3},
		{"submitted", false, 3},
		{"rejected", true, 3},
		{"verified", true, 6},
	} {
		given := parameters{"uid": uid}
		if step.state != "" {
			given["state"] = step.state
		}
		got := a.call(envelopeForm, "createProfile", given)
		if !step.accepted {
			got.refused(t, 422, "[State already exists]")
			continue
		}
		if got.status != http.StatusCreated {
			t.Fatalf("%q: %d %s", step.state, got.status, got.body)
		}
		want := step.state
		if want == "" {
			want = "drafted"
		}
		user := got.object(t)
		if states := reviews(t, user); states[len(states)-1] != want || a.profileLabel(uid) != want {
			t.Errorf("%q: profiles %v, label %q", step.state, states, a.profileLabel(uid))
		}
		a.currentProfile(uid, step.shown+1)
	}
	if states, want := reviews(t, a.must("getUser", parameters{"uid": uid}).object(t)),
		[]string{"drafted", "rejected", "submitted", "verified", "drafted", "rejected", "verified"}; !slices.Equal(states, want) {
		t.Errorf("got %v, want %v", states, want)
	}
}

// currentProfile checks the number of the profile that the member profile shows.
func (a *api) currentProfile(uid string, want int) {
	a.t.Helper()
	var number int
	if err := a.pool.QueryRow(a.t.Context(), `SELECT number FROM profiles JOIN users ON users.id = user_id WHERE uid = $1`, uid).Scan(&number); err != nil || number != want {
		a.t.Errorf("profile %d is shown, %v; want %d", number, err, want)
	}
}

func TestLevelAndStateFollowTheProfile(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) {
		s.policy.ActivationRequirements = []identity.Requirement{{Key: "profile", Value: "verified"}}
		s.policy.Levels = []identity.Requirement{{Key: "profile", Value: "verified"}}
	})
	uid := a.user(nil)
	for _, step := range []struct {
		review, state string
		level         int
	}{{"verified", "active", 1}, {"drafted", "pending", 0}, {"verified", "active", 1}, {"rejected", "pending", 0}} {
		user := a.must("createProfile", parameters{"uid": uid, "state": step.review}).object(t)
		if user["state"] != step.state || user["level"] != float64(step.level) {
			t.Errorf("%s: %v, level %v", step.review, user["state"], user["level"])
		}
	}
}

func TestProfilesOfAUserAreLimited(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		for range identity.MaxProfiles - 1 {
			a.must("createProfile", parameters{"uid": uid, "state": "rejected"})
		}
		a.must("createProfile", parameters{"uid": uid})
		a.call(f, "createProfile", parameters{"uid": uid, "state": "rejected"}).refused(t, 422, "[Profiles are too many (maximum is 100)]")
		a.call(f, "createProfile", parameters{"uid": uid, "postcode": "?!"}).
			refused(t, 422, `[Postcode only allows letters, digits, "-" and space`, "State already exists", "Profiles are too many (maximum is 100)]")
		if n := len(reviews(t, a.must("getUser", parameters{"uid": uid}).object(t))); n != identity.MaxProfiles {
			t.Errorf("%d profiles", n)
		}
	})
}

func TestOneOfManyDraftsIsStored(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	answers := concurrently(func(i int) answer {
		return a.call(forms[i%3], "createProfile", parameters{"uid": uid, "city": fmt.Sprintf("City %d", i), "state": []string{"drafted", "submitted"}[i%2]})
	})
	if won, lost := count(answers, http.StatusCreated), count(answers, http.StatusUnprocessableEntity); won != 1 || won+lost != clients {
		t.Errorf("%d won, %d lost: %v", won, lost, answers)
	}
	for _, x := range answers {
		if x.status != http.StatusCreated {
			x.refused(t, 422, "[State already exists]")
		}
	}
}

// Decisions and lists at the same time: each profile is stored once, and each list shows a state
// that there was.
func TestConcurrentProfilesAreNumberedWithoutGaps(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	answers := concurrently(func(i int) answer {
		if i%2 == 0 {
			return a.call(envelopeForm, "listUsers", parameters{"extended": true})
		}
		return a.call(envelopeForm, "createProfile", parameters{"uid": uid, "state": []string{"verified", "rejected"}[i/2%2]})
	})
	if n := count(answers, http.StatusCreated); n != clients {
		t.Fatalf("%d of %d: %v", n, clients, answers)
	}
	seen := map[int]bool{}
	for i, x := range answers {
		if i%2 == 1 {
			n := len(reviews(t, x.object(t)))
			if seen[n] {
				t.Errorf("two answers show %d profiles", n)
			}
			seen[n] = true
		}
	}
	user := a.must("getUser", parameters{"uid": uid}).object(t)
	states := reviews(t, user)
	if len(states) != clients/2 || a.profileLabel(uid) != states[len(states)-1] {
		t.Errorf("%v, label %q", states, a.profileLabel(uid))
	}
	a.currentProfile(uid, 1+slices.Index(states, "verified")+lastIndex(states[slices.Index(states, "verified"):], "verified"))
}

func lastIndex(list []string, value string) int {
	last := -1
	for i, each := range list {
		if each == value {
			last = i
		}
	}
	return last
}

func TestImportedStateOfTheProfileIsItsLabel(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		for _, state := range []string{"drafted", "submitted", "verified", "rejected"} {
			got := a.call(f, "importUser", parameters{"email": state + "@example.com", "password_digest": digest, "state": state})
			if got.status != http.StatusCreated {
				t.Fatalf("%s: %d %s", state, got.status, got.body)
			}
			user := got.object(t)
			if states := reviews(t, user); !slices.Equal(states, []string{state}) || user["state"] != "pending" {
				t.Errorf("%s: %v", state, user)
			}
			if value := a.profileLabel(user["uid"].(string)); value != state {
				t.Errorf("%s: label %q", state, value)
			}
		}
		before := a.rows()
		a.call(f, "importUser", parameters{"email": "ada@example.com", "password_digest": digest, "address": "1\u202e2", "state": "completed"}).
			refused(t, 422, `[Address only allows letters, digits "-", "'", and space`, "State is not included in the list]")
		a.call(f, "importUser", parameters{"email": "ada@example.com", "password_digest": digest, "state": " "}).refused(t, 422, "state is empty")
		if after := a.rows(); after != before {
			t.Errorf("rows before %v, after %v", before, after)
		}
	})
}

// An imported profile without a state is a draft, which a draft of createProfile must wait for.
func TestImportedProfileIsADraft(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(parameters{"city": "London"})
	a.call(envelopeForm, "createProfile", parameters{"uid": uid}).refused(t, 422, "[State already exists]")
	a.must("createProfile", parameters{"uid": uid, "state": "verified"})
	if value := a.profileLabel(uid); value != "verified" {
		t.Errorf("label %q", value)
	}
}
