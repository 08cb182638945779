package tests

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// robot creates a service account and returns its uid.
func (a *api) robot(given parameters) string {
	a.t.Helper()
	complete := parameters{"service_account_role": "service_account"}
	for name, value := range given {
		complete[name] = value
	}
	return a.must("createServiceAccount", complete).object(a.t)["uid"].(string)
}

// activeUser imports a user whose e-mail is verified.
func (a *api) activeUser() string {
	a.t.Helper()
	uid := a.user(nil)
	a.label(uid, "email", "verified")
	return uid
}

// serviceAccount is a service account as an answer has it.
func (a *api) serviceAccount(uid string) map[string]any {
	a.t.Helper()
	return a.must("getServiceAccount", parameters{"uid": uid}).object(a.t)
}

func TestServiceAccountLivesThroughCreateGetUpdateAndDelete(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		owner := a.user(parameters{"email": "Ada@Example.com"})
		a.label(owner, "email", "verified")
		born := a.clock.Now().Format(time.RFC3339)
		created := a.call(f, "createServiceAccount", parameters{"owner_uid": owner, "service_account_role": "service_account"})
		if created.status != http.StatusCreated || !regexp.MustCompile(`^\{"email":.*"uid":.*"role":.*"level":.*"state":.*"user":\{"email":.*"data":null\},"created_at":.*"updated_at":[^,]*\}`).Match(created.body) {
			t.Fatalf("created: %s", created)
		}
		account := created.object(t)
		uid := account["uid"].(string)
		if !regexp.MustCompile(`^SI[0-9A-F]{10}$`).MatchString(uid) {
			t.Errorf("the uid is %s", uid)
		}
		want := map[string]any{
			"email": "Ada+" + uid + "@Example.com", "uid": uid, "role": "service_account", "level": 1.0, "state": "active", "created_at": born, "updated_at": born,
			"user": map[string]any{"email": "Ada@Example.com", "uid": owner, "role": "member", "level": 1.0, "otp": false, "state": "active", "referral_uid": nil, "data": nil},
		}
		if !reflect.DeepEqual(account, want) {
			t.Errorf("created %v\nwant %v", account, want)
		}
		for _, by := range []parameters{{"uid": uid}, {"email": "ada+" + strings.ToLower(uid) + "@example.COM"}} {
			if got := a.call(f, "getServiceAccount", by); got.status != http.StatusCreated || string(got.body) != string(created.body) {
				t.Errorf("by %v: %s", by, got)
			}
		}

		a.clock.Advance(time.Minute)
		for _, same := range []parameters{{"uid": uid}, {"uid": uid, "owner_uid": owner}} {
			if got := a.call(f, "updateServiceAccount", same); got.status != http.StatusCreated || string(got.body) != string(created.body) {
				t.Errorf("%v changed something: %s", same, got)
			}
		}
		next := a.user(parameters{"email": "grace@example.com"})
		got := a.call(f, "updateServiceAccount", parameters{"uid": uid, "owner_uid": next})
		later := a.clock.Now().Format(time.RFC3339)
		account = got.object(t)
		if got.status != http.StatusCreated || account["user"].(map[string]any)["uid"] != next || account["state"] != "pending" || account["level"] != 0.0 || account["updated_at"] != later || account["created_at"] != born {
			t.Errorf("another owner: %s", got)
		}

		a.clock.Advance(time.Minute)
		deleted := a.call(f, "deleteServiceAccount", parameters{"uid": uid})
		if account = deleted.object(t); deleted.status != http.StatusCreated || account["state"] != "disabled" || account["updated_at"] != a.clock.Now().Format(time.RFC3339) {
			t.Errorf("deleted: %s", deleted)
		}
		a.clock.Advance(time.Minute)
		if again := a.call(f, "deleteServiceAccount", parameters{"uid": uid}); string(again.body) != string(deleted.body) {
			t.Errorf("deleted twice: %s", again)
		}
		// Disabled is final, whatever the owner is.
		if got := a.call(f, "updateServiceAccount", parameters{"uid": uid, "owner_uid": owner}).object(t); got["state"] != "disabled" || got["user"].(map[string]any)["uid"] != owner {
			t.Errorf("a disabled account got another owner: %v", got)
		}
	})
}

func TestServiceAccountOperationsRefuse(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		user := a.user(parameters{"email": "ada@example.com"})
		robot := a.robot(parameters{"service_account_email": "robot@example.com"})
		for _, c := range []struct {
			operation string
			given     parameters
			status    int
			want      []string
		}{
			{"getServiceAccount", parameters{}, 422, []string{"uid, email are missing, exactly one parameter must be provided"}},
			{"getServiceAccount", parameters{"uid": robot, "email": "robot@example.com"}, 422, []string{"uid, email are mutually exclusive"}},
			{"getServiceAccount", parameters{"uid": "SI0000000000"}, 404, []string{"Record is not found"}},
			{"getServiceAccount", parameters{"uid": user}, 404, []string{"Record is not found"}},
			{"getServiceAccount", parameters{"email": "ada@example.com"}, 404, []string{"Record is not found"}},
			{"deleteServiceAccount", parameters{"uid": "SI0000000000"}, 404, []string{"Record is not found"}},
			{"deleteServiceAccount", parameters{}, 422, []string{"uid is missing, uid is empty"}},
			{"updateServiceAccount", parameters{"uid": "SI0000000000", "owner_uid": "ID0000000000"}, 422, []string{"Service account doesnt exist"}},
			{"updateServiceAccount", parameters{"uid": "SI0000000000"}, 422, []string{"Service account doesnt exist"}},
			{"updateServiceAccount", parameters{"uid": robot, "owner_uid": "ID0000000000"}, 422, []string{"User doesnt exist"}},
			{"updateServiceAccount", parameters{"uid": robot, "owner_uid": robot}, 422, []string{"User doesnt exist"}},
			{"createServiceAccount", parameters{"owner_uid": user}, 422, []string{"service_account_role is missing, service_account_role is empty"}},
			{"createServiceAccount", parameters{"service_account_role": "member", "service_account_level": "x"}, 422, []string{"service_account_level is invalid"}},
			{"createServiceAccount", parameters{"service_account_role": "member", "service_account_level": -1}, 422, []string{"service_account_level is invalid"}},
			{"createServiceAccount", parameters{"service_account_role": "superadmin", "owner_uid": "ID0000000000"}, 422, []string{"User doesnt exist"}},
			{"createServiceAccount", parameters{"service_account_role": "superadmin", "service_account_state": "gone"}, 422, []string{"[Role doesnt_exist]", "Email can't be blank", "State is not included in the list"}},
			{"createServiceAccount", parameters{"service_account_role": "member", "service_account_email": "a..b@c.com", "service_account_uid": "a-b"}, 422, []string{"[Email is invalid]", "Uid only allows 3 to 36 letters and digits"}},
			{"createServiceAccount", parameters{"service_account_role": "member", "service_account_email": "ADA@example.com"}, 422, []string{"[Email or uid not_uniq]"}},
			{"createServiceAccount", parameters{"service_account_role": "member", "service_account_email": "new@example.com", "service_account_uid": user}, 422, []string{"[Email or uid not_uniq]"}},
			{"createServiceAccount", parameters{"service_account_role": "member", "service_account_email": "Robot@Example.com", "service_account_uid": robot}, 422, []string{"[Email has already been taken]", "Uid has already been taken"}},
			{"createServiceAccount", parameters{"service_account_role": "nobody", "service_account_email": "Robot@Example.com", "service_account_uid": user, "service_account_state": "x"}, 422, []string{"[Role doesnt_exist]", "Email or uid not_uniq", "Email has already been taken", "State is not included in the list"}},
			{"listServiceAccounts", parameters{"page": 0, "limit": 1001}, 422, []string{"page Non positive page, limit Invalid limit"}},
			{"listServiceAccounts", parameters{"page": "x", "limit": "y"}, 422, []string{"page Non integer page, limit Non integer limit"}},
		} {
			a.call(f, c.operation, c.given).refused(t, c.status, c.want...)
		}
	})
}

// mngapi, the client of openware/pkg, sends an empty owner_uid where there is none.
func TestBlankOptionalParametersOfAServiceAccountAreAbsent(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		got := a.call(f, "createServiceAccount", parameters{
			"owner_uid": "", "service_account_role": "service_account", "service_account_uid": " ", "service_account_email": "bot@example.com",
			"service_account_state": "", "service_account_level": "",
		})
		account := got.object(t)
		if got.status != http.StatusCreated || account["user"] != nil || account["state"] != "pending" || account["level"] != 0.0 || !strings.HasPrefix(account["uid"].(string), "SI") {
			t.Errorf("created %s", got)
		}
	})
}

func TestServiceAccountKeepsWhatItWasGiven(t *testing.T) {
	t.Parallel()
	a := start(t)
	owner := a.activeUser()
	for _, c := range []struct {
		given parameters
		level float64
		state string
	}{
		{parameters{"service_account_email": "a@example.com", "service_account_uid": "Robot7", "service_account_state": "active", "service_account_level": 7}, 7, "active"},
		{parameters{"service_account_email": "b@example.com", "service_account_state": "locked"}, 0, "locked"},
		{parameters{"owner_uid": owner, "service_account_level": 2147483647, "service_account_state": "banned"}, 2147483647, "active"},
		{parameters{"owner_uid": owner, "service_account_level": 0}, 1, "active"},
	} {
		account := a.serviceAccount(a.robot(c.given))
		if account["level"] != c.level || account["state"] != c.state {
			t.Errorf("%v became %v", c.given, account)
		}
		if uid := c.given["service_account_uid"]; uid != nil && account["uid"] != uid {
			t.Errorf("the uid %v became %v", uid, account["uid"])
		}
	}
	quoted := a.user(parameters{"email": `"a..b"@docomo.ne.jp`})
	if account := a.serviceAccount(a.robot(parameters{"owner_uid": quoted, "service_account_uid": "SI7"})); account["email"] != `"a..b+SI7"@docomo.ne.jp` {
		t.Errorf("the e-mail is %v", account["email"])
	}
}

func TestServiceAccountFollowsItsOwner(t *testing.T) {
	t.Parallel()
	a := start(t)
	owner := a.activeUser()
	plain, leveled := a.robot(parameters{"owner_uid": owner}), a.robot(parameters{"owner_uid": owner, "service_account_level": 9})
	check := func(uid string, level float64, state string) {
		t.Helper()
		if account := a.serviceAccount(uid); account["level"] != level || account["state"] != state {
			t.Errorf("level %v, state %v; want %v, %v", account["level"], account["state"], level, state)
		}
	}
	check(plain, 1, "active")
	a.label(owner, "phone", "verified")
	check(plain, 2, "active")
	check(leveled, 9, "active")
	a.label(owner, "fraud", "yes")
	check(plain, 2, "banned")
	check(leveled, 9, "banned")
	a.must("deleteLabel", parameters{"user_uid": owner, "key": "fraud"})
	check(plain, 2, "active")
	// Its own level stays until it gets another owner.
	a.must("updateServiceAccount", parameters{"uid": leveled, "owner_uid": owner})
	check(leveled, 9, "active")
	a.must("updateServiceAccount", parameters{"uid": leveled, "owner_uid": a.activeUser()})
	check(leveled, 1, "active")
	// One without an owner takes everything from its first one.
	orphan := a.robot(parameters{"service_account_email": "orphan@example.com", "service_account_state": "locked", "service_account_level": 5})
	check(orphan, 5, "locked")
	a.must("updateServiceAccount", parameters{"uid": orphan, "owner_uid": owner})
	check(orphan, 2, "active")
}

func TestUsersTakeNeitherEmailNorUIDOfAServiceAccount(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		a.robot(parameters{"service_account_email": "Bücher@bücher.example"})
		const spelling = "bücher@xn--bcher-kva.example"
		a.call(f, "createUser", parameters{"email": spelling, "password": "xK9mQ2vL"}).refused(t, 422, "[Email has already been taken]")
		a.call(f, "createUser", parameters{"email": spelling, "password": "Password1"}).refused(t, 422, "[Email has already been taken]", "Password is too weak")
		a.call(f, "importUser", parameters{"email": spelling, "password_digest": digest}).refused(t, 422, "User already exists by this email")
	})
}

func TestServiceAccountsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	a := start(t)
	first, second := a.user(parameters{"email": "first@example.com"}), a.user(nil)
	var all, ofFirst []string
	for i := range 7 {
		given := parameters{"owner_uid": []string{first, second}[i%2]}
		uid := a.robot(given)
		all = append(all, uid)
		if i%2 == 0 {
			ofFirst = append(ofFirst, uid)
		}
	}
	a.must("deleteServiceAccount", parameters{"uid": ofFirst[1]}) // disabled ones are listed
	list := func(given parameters) (uids []string, x answer) {
		t.Helper()
		x = a.must("listServiceAccounts", given)
		return x.uids(t), x
	}
	for _, f := range forms {
		got := a.call(f, "listServiceAccounts", parameters{"owner_uid": first, "limit": 3})
		if uids := got.uids(t); !reflect.DeepEqual(uids, ofFirst[:3]) || got.header.Get("Total") != "4" || got.header.Get("Page") != "1" || got.header.Get("Per-Page") != "3" ||
			got.header.Get("Link") != `</api/v2/management/service_accounts/list?limit=3&page=2>; rel="next", </api/v2/management/service_accounts/list?limit=3&page=2>; rel="last"` {
			t.Errorf("%s: %v %v", f, uids, got.header)
		}
	}
	for name, c := range map[string]struct {
		given parameters
		want  []string
		total string
	}{
		"all":                         {parameters{}, all, "7"},
		"the second page":             {parameters{"page": 2, "limit": 3}, all[3:6], "7"},
		"the last page, out of order": {parameters{"page": 3, "limit": 3}, all[6:], "7"},
		"beyond the end":              {parameters{"page": 9, "limit": 3}, []string{}, "7"},
		"by e-mail":                   {parameters{"owner_email": "FIRST@example.com"}, ofFirst, "4"},
		"by both":                     {parameters{"owner_email": "first@example.com", "owner_uid": first}, ofFirst, "4"},
		"by two users":                {parameters{"owner_email": "first@example.com", "owner_uid": second}, []string{}, "0"},
		"by nobody":                   {parameters{"owner_uid": "ID0000000000"}, []string{}, "0"},
		"by nobody's e-mail":          {parameters{"owner_email": "nobody@example.com"}, []string{}, "0"},
		"by a service account":        {parameters{"owner_uid": all[0]}, []string{}, "0"},
		"the next page of an owner":   {parameters{"owner_uid": first, "limit": 3, "page": 2}, ofFirst[3:], "4"},
	} {
		if uids, x := list(c.given); fmt.Sprint(uids) != fmt.Sprint(c.want) || x.header.Get("Total") != c.total {
			t.Errorf("%s: %v of %s, want %v of %s", name, uids, x.header.Get("Total"), c.want, c.total)
		}
	}
}

func TestOneOfManyTakesTheEmailOfAServiceAccount(t *testing.T) {
	t.Parallel()
	a := start(t)
	answers := concurrently(func(int) answer {
		return a.call(envelopeForm, "createServiceAccount", parameters{"service_account_role": "member", "service_account_email": "bot@example.com"})
	})
	if won := count(answers, http.StatusCreated); won != 1 || won+count(answers, http.StatusUnprocessableEntity) != clients {
		t.Errorf("%d got the e-mail, and %d a 422", won, count(answers, http.StatusUnprocessableEntity))
	}
	for _, x := range answers {
		if x.status != http.StatusCreated {
			x.refused(t, 422, "[Email has already been taken]")
		}
	}
}

func TestServiceAccountNeedsItsOwnScopes(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) {
		s.keychain = regexp.MustCompile(`(?m)^  (read|write)_(service_accounts|apikeys):.*\n`).ReplaceAllString(s.keychain, "")
	})
	for _, operation := range []string{"getServiceAccount", "listServiceAccounts", "createServiceAccount", "updateServiceAccount", "deleteServiceAccount", "createAPIKey", "updateAPIKey"} {
		a.call(envelopeForm, operation, parameters{"uid": "SI0000000000"}).refused(t, 401, "Failed to verify JWT.")
	}
}
