package tests

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"barong/internal/identity"
)

func TestUpdateOfAUserSetsWhatIsGiven(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(parameters{"city": "London"})
		want := a.must("updateUser", parameters{"uid": uid, "data": "0"}).object(t)
		for _, step := range []struct {
			role, data string // "" for what is not given
		}{{"trader", ""}, {"", ` {"language": "ü"} `}, {"admin", "5"}, {"member", strings.Repeat("1", 1024)}, {"", `"` + strings.Repeat("ü", 1022) + `"`}} {
			a.clock.Advance(time.Minute)
			given := parameters{"uid": uid}
			if step.role != "" {
				given["role"], want["role"] = step.role, step.role
			}
			if step.data != "" {
				given["data"], want["data"] = step.data, step.data
			}
			want["updated_at"] = a.clock.Now().Format(time.RFC3339)
			for range 2 { // the same again changes nothing
				got := a.call(f, "updateUser", given)
				if got.status != http.StatusCreated || !reflect.DeepEqual(got.object(t), want) {
					t.Fatalf("%v: %d %s\nwant %v", given, got.status, got.body, want)
				}
				a.clock.Advance(time.Minute)
			}
		}
		if level, state := a.standing(uid); level != 0 || state != "pending" {
			t.Errorf("level %d, state %s", level, state)
		}
	})
}

func TestUpdateOfAUserRefuses(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		for _, c := range []struct {
			given parameters
			want  []string
		}{
			{parameters{"uid": uid}, []string{"role, data are missing, at least one parameter must be provided"}},
			{parameters{}, []string{"uid is missing, uid is empty, role, data are missing, at least one parameter must be provided"}},
			{parameters{"uid": uid, "data": " "}, []string{"data is empty"}},
			{parameters{"uid": "ID0000000000", "role": "admin"}, []string{"user.doesnt_exist"}},
			{parameters{"uid": "ID0000000000", "role": "nobody", "data": "{"}, []string{"user.doesnt_exist"}},
			{parameters{"uid": uid, "role": "superadmin"}, []string{"[Role doesnt_exist]"}},
			{parameters{"uid": uid, "role": "Admin"}, []string{"[Role doesnt_exist]"}},
			{parameters{"uid": uid, "data": "{'a': 1}"}, []string{"[Data data is not json compatible string]"}},
			{parameters{"uid": uid, "data": strings.Repeat("1", 1025), "role": "trader"}, []string{"[Data is too long (maximum is 1024 characters)]"}},
			{parameters{"uid": uid, "data": strings.Repeat("ü", 1025), "role": "root"}, []string{"[Data is too long (maximum is 1024 characters)", "Data data is not json compatible string", "Role doesnt_exist]"}},
		} {
			a.call(f, "updateUser", c.given).refused(t, http.StatusUnprocessableEntity, c.want...)
		}
		if user := a.must("getUser", parameters{"uid": uid}).object(t); user["role"] != "member" || user["data"] != nil {
			t.Errorf("got %v", user)
		}
	})
}

// A role that the configuration does not name stays with the users who have it.
func TestRolesAreThoseOfTheConfiguration(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.policy.Roles = []string{"superadmin"} })
	uid := a.user(nil)
	if user := a.must("updateUser", parameters{"uid": uid, "data": "1"}).object(t); user["role"] != identity.RoleMember {
		t.Errorf("role %v", user["role"])
	}
	a.call(envelopeForm, "updateUser", parameters{"uid": uid, "role": "admin"}).refused(t, 422, "[Role doesnt_exist]")
	if user := a.must("updateUser", parameters{"uid": uid, "role": "superadmin"}).object(t); user["role"] != "superadmin" {
		t.Errorf("role %v", user["role"])
	}
}

func TestConcurrentUpdatesOfDifferentValuesAllHold(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	answers := concurrently(func(i int) answer {
		if i%2 == 0 {
			return a.call(forms[i%3], "updateUser", parameters{"uid": uid, "role": "trader"})
		}
		return a.call(forms[i%3], "updateUser", parameters{"uid": uid, "data": `{"a": 1}`})
	})
	if n := count(answers, http.StatusCreated); n != clients {
		t.Errorf("%d of %d: %v", n, clients, answers)
	}
	if user := a.must("getUser", parameters{"uid": uid}).object(t); user["role"] != "trader" || user["data"] != `{"a": 1}` {
		t.Errorf("got %v", user)
	}
}
