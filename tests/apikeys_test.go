package tests

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/internal/identity"
	"barong/internal/keys"
)

// keySettings are the settings of a server about API keys.
type keySettings struct {
	users, accounts bool
	sealer          *keys.Sealer
}

// sealerOf opens a key for the secrets of API keys.
func sealerOf(t testing.TB, url string) *keys.Sealer {
	t.Helper()
	keeper, err := keys.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keeper.Close() })
	return keys.NewSealer(keeper)
}

// withKeys allows keys of users and of service accounts.
func withKeys(s *setup) {
	s.apiKeys = keySettings{users: true, accounts: true}
}

// startWithKeys starts a server that allows API keys.
func startWithKeys(t testing.TB, change ...func(*setup)) *api {
	t.Helper()
	sealer := sealerOf(t, keys.NewURL())
	return start(t, append([]func(*setup){withKeys, func(s *setup) { s.apiKeys.sealer = sealer }}, change...)...)
}

// inEachFormWithKeys is inEachForm on a server that allows API keys.
func inEachFormWithKeys(t *testing.T, test func(t *testing.T, a *api, f form)) {
	for _, f := range forms {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			test(t, startWithKeys(t), f)
		})
	}
}

// key creates a key and returns its kid.
func (a *api) key(holder string) string {
	a.t.Helper()
	return a.must("createAPIKey", parameters{"uid": holder, "algorithm": "HS256"}).object(a.t)["kid"].(string)
}

// keyState is the state of a key in the database.
func (a *api) keyState(kid string) (state string) {
	a.t.Helper()
	if err := a.pool.QueryRow(a.t.Context(), "SELECT state FROM api_keys WHERE kid = $1", kid).Scan(&state); err != nil {
		a.t.Fatal(err)
	}
	return state
}

// brokenKey fails the test unless the answer is 422 with the rules of a key in errors, and the same
// in error.
func (x answer) brokenKey(t testing.TB, rules ...string) {
	t.Helper()
	list := make([]any, len(rules))
	for i, rule := range rules {
		list[i] = rule
	}
	if want := map[string]any{"error": strings.Join(rules, ", "), "errors": list}; x.status != 422 || !reflect.DeepEqual(x.object(t), want) {
		t.Errorf("answered %s\n    want 422 %v", x, want)
	}
}

func TestAPIKeyLivesThroughCreateAndUpdate(t *testing.T) {
	t.Parallel()
	inEachFormWithKeys(t, func(t *testing.T, a *api, f form) {
		owner := a.activeUser()
		for name, holder := range map[string]string{
			"a user": owner, "a service account": a.robot(parameters{"owner_uid": owner}),
			"a service account of its own": a.robot(parameters{"service_account_email": "bot@example.com", "service_account_state": "active", "service_account_uid": "Robot7"}),
		} {
			born := a.clock.Now().Format(time.RFC3339)
			got := a.call(f, "createAPIKey", parameters{"uid": holder, "algorithm": "HS256", "scopes": "trade, history,,trade"})
			key := got.object(t)
			kid, secret := fmt.Sprint(key["kid"]), fmt.Sprint(key["secret"])
			want := map[string]any{"kid": kid, "algorithm": "HS256", "scope": []any{"trade", "history"}, "state": "active", "secret": secret, "created_at": born, "updated_at": born}
			if got.status != http.StatusCreated || !reflect.DeepEqual(key, want) || !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(kid) || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(secret) {
				t.Fatalf("%s: %s", name, got)
			}
			if got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("the secret may be cached: %v", got.header)
			}
			delete(want, "secret")
			update := func(given parameters, member string, value any) {
				t.Helper()
				a.clock.Advance(time.Minute)
				if member != "" {
					want[member], want["updated_at"] = value, a.clock.Now().Format(time.RFC3339)
				}
				given["uid"], given["kid"] = holder, kid
				if got := a.call(f, "updateAPIKey", given); got.status != http.StatusCreated || !reflect.DeepEqual(got.object(t), want) {
					t.Errorf("%s: %v answered %s\nwant %v", name, given, got, want)
				}
			}
			update(parameters{}, "", nil)
			update(parameters{"state": "active", "scopes": "trade,history"}, "", nil)
			update(parameters{"state": "inactive"}, "state", "inactive")
			update(parameters{"scopes": "a:*"}, "scope", []any{"a:*"})
			update(parameters{"state": "disabled"}, "state", "disabled")
			update(parameters{"scopes": ",,"}, "scope", []any{})
			update(parameters{"state": "active"}, "state", "active")
			if scopes := a.must("createAPIKey", parameters{"uid": holder, "algorithm": "HS256"}).object(t)["scope"]; !reflect.DeepEqual(scopes, []any{}) {
				t.Errorf("%s: without scopes there are %v", name, scopes)
			}
		}
	})
}

func TestAPIKeyOperationsRefuse(t *testing.T) {
	t.Parallel()
	inEachFormWithKeys(t, func(t *testing.T, a *api, f form) {
		pending, active := a.user(nil), a.activeUser()
		disabled := a.robot(parameters{"owner_uid": active})
		a.must("deleteServiceAccount", parameters{"uid": disabled})
		kid, other := a.key(active), a.key(a.robot(parameters{"owner_uid": active}))
		for _, c := range []struct {
			operation string
			given     parameters
			want      string
		}{
			{"createAPIKey", parameters{}, "algorithm is missing, algorithm is empty, uid is missing, uid is empty"},
			{"createAPIKey", parameters{"uid": active, "algorithm": "HS256", "scopes": ""}, "scopes is empty"},
			{"createAPIKey", parameters{"uid": "ID0000000000", "algorithm": "RS256"}, "user_doesnt_exist"},
			{"createAPIKey", parameters{"uid": "SI0000000000", "algorithm": "HS256"}, "service_account_doesnt_exist"},
			{"createAPIKey", parameters{"uid": "XX0000000000", "algorithm": "HS256"}, "uid_prefix_doesnt_exist"},
			{"updateAPIKey", parameters{"uid": "ID0000000000", "kid": kid}, "user_doesnt_exist"},
			{"updateAPIKey", parameters{"uid": "SI0000000000", "kid": kid, "state": "x"}, "service_account_doesnt_exist"},
			{"updateAPIKey", parameters{"uid": "XX0000000000", "kid": kid}, "uid_prefix_doesnt_exist"},
			{"updateAPIKey", parameters{"uid": active, "kid": "0000000000000000"}, "api_key_doesnt_exist"},
			{"updateAPIKey", parameters{"uid": active, "kid": other, "state": "x"}, "api_key_doesnt_exist"},
			{"updateAPIKey", parameters{"uid": active}, "kid is missing, kid is empty"},
			{"updateAPIKey", parameters{"uid": active, "kid": kid, "state": " "}, "state is empty"},
		} {
			a.call(f, c.operation, c.given).refused(t, 422, c.want)
		}
		for _, c := range []struct {
			operation string
			given     parameters
			want      []string
		}{
			{"createAPIKey", parameters{"uid": active, "algorithm": "RS256"}, []string{"algorithm.inclusion"}},
			{"createAPIKey", parameters{"uid": active, "algorithm": "HS256", "scopes": "two words"}, []string{"scope.invalid"}},
			{"createAPIKey", parameters{"uid": pending, "algorithm": "HS256"}, []string{"key_holder_account.invalid"}},
			{"createAPIKey", parameters{"uid": disabled, "algorithm": "x", "scopes": "ä"}, []string{"key_holder_account.invalid", "algorithm.inclusion", "scope.invalid"}},
			{"updateAPIKey", parameters{"uid": active, "kid": kid, "state": "banned"}, []string{"state.inclusion"}},
			{"updateAPIKey", parameters{"uid": active, "kid": kid, "state": "Active", "scopes": "a b"}, []string{"scope.invalid", "state.inclusion"}},
		} {
			a.call(f, c.operation, c.given).brokenKey(t, c.want...)
		}
		if state := a.keyState(kid); state != "active" {
			t.Errorf("the key is %s", state)
		}
		// A key is active only while its holder is.
		a.label(active, "fraud", "yes")
		a.call(f, "updateAPIKey", parameters{"uid": active, "kid": kid, "state": "active"}).brokenKey(t, "state.invalid")
		a.call(f, "updateAPIKey", parameters{"uid": active, "kid": kid, "state": "active", "scopes": "?"}).brokenKey(t, "scope.invalid", "state.invalid")
		insertRows(t, a.pool, "UPDATE api_keys SET state = 'active' WHERE kid = $1", kid) // as a server of before would have left it
		a.call(f, "updateAPIKey", parameters{"uid": active, "kid": kid, "scopes": "a"}).brokenKey(t, "state.invalid")
		if got := a.call(f, "updateAPIKey", parameters{"uid": active, "kid": kid, "state": "inactive", "scopes": "a"}); got.status != http.StatusCreated {
			t.Errorf("made inactive: %s", got)
		}
	})
}

func TestAPIKeysAreOffUnlessAskedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ users, accounts bool }{"both": {}, "of users": {accounts: true}, "of service accounts": {users: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startWithKeys(t, func(s *setup) { s.apiKeys.users, s.apiKeys.accounts = c.users, c.accounts })
			user := a.activeUser()
			robot := a.robot(parameters{"owner_uid": user})
			for _, f := range forms {
				for _, uid := range []string{user, robot, "ID0000000000", "SI0000000000"} {
					created, updated := a.call(f, "createAPIKey", parameters{"uid": uid, "algorithm": "RS256"}), a.call(f, "updateAPIKey", parameters{"uid": uid, "kid": "none"})
					if isUser := strings.HasPrefix(uid, "ID"); isUser && !c.users || !isUser && !c.accounts {
						created.refused(t, 422, "disabled_management_endpoint")
						updated.refused(t, 422, "disabled_management_endpoint")
					} else if strings.Contains(string(created.body)+string(updated.body), "disabled") {
						t.Errorf("%s: %s %s", uid, created, updated)
					}
				}
				a.call(f, "createAPIKey", parameters{"uid": "XX0000000000", "algorithm": "HS256"}).refused(t, 422, "uid_prefix_doesnt_exist")
			}
		})
	}
}

func TestProblemsOfAPIKeysHaveCodes(t *testing.T) {
	t.Parallel()
	a := startWithKeys(t)
	token := bearer(t, signing.NewClaims(a.clock.Now(), time.Minute))
	for uid, want := range map[string]string{
		a.user(nil):    `{"pointer":"/uid","code":"holder_inactive","detail":"key_holder_account.invalid"},{"pointer":"/algorithm","code":"algorithm_unknown","detail":"algorithm.inclusion"}`,
		"ID0000000000": `"errors":[{"pointer":"/uid","code":"holder_unknown","detail":"user_doesnt_exist"}]`,
	} {
		got := a.send("createAPIKey", "application/json", marshal(t, parameters{"uid": uid, "algorithm": "none"}), token, asProblem)
		if got.status != 422 || !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %s", uid, got)
		}
	}
}

// Every way in which a holder stops being active, and the keys that go with it.
func TestKeysGoWithTheirHolder(t *testing.T) {
	t.Parallel()
	a := startWithKeys(t, func(s *setup) {
		s.policy.StateTriggers = append(s.policy.StateTriggers, identity.Trigger{State: "held", Keys: []string{"document"}})
	})
	for name, c := range map[string]struct {
		leave              func(owner, robot string)
		ofOwner, ofAccount string
	}{
		"a label is created": {func(owner, _ string) {
			a.must("createLabel", parameters{"user_uid": owner, "key": "fraud", "value": "yes"})
		}, "inactive", "inactive"},
		"a label is changed": {func(owner, _ string) { a.label(owner, "email", "revoked") }, "inactive", "inactive"},
		"a label is deleted": {func(owner, _ string) { a.must("deleteLabel", parameters{"user_uid": owner, "key": "email"}) }, "inactive", "inactive"},
		"a level moves":      {func(owner, _ string) { a.label(owner, "phone", "verified") }, "active", "active"},
		"a document comes": {func(owner, _ string) {
			a.must("createDocument", passport(owner, png(100)))
		}, "inactive", "inactive"},
		"otp goes off": {func(owner, _ string) {
			a.enroll(owner)
			if err := a.codes.Disable(t.Context(), owner); err != nil {
				t.Fatal(err)
			}
		}, "inactive", "inactive"},
		"otp was off": {func(owner, _ string) {
			if err := a.codes.Disable(t.Context(), owner); err != nil {
				t.Fatal(err)
			}
		}, "active", "active"},
		"otp goes on":            {func(owner, _ string) { a.enroll(owner) }, "active", "active"},
		"the account is deleted": {func(_, robot string) { a.must("deleteServiceAccount", parameters{"uid": robot}) }, "active", "inactive"},
		"an inactive owner": {func(_, robot string) {
			a.must("updateServiceAccount", parameters{"uid": robot, "owner_uid": a.user(nil)})
		}, "active", "inactive"},
		"an active owner": {func(_, robot string) {
			a.must("updateServiceAccount", parameters{"uid": robot, "owner_uid": a.activeUser()})
		}, "active", "active"},
	} {
		owner, stranger := a.activeUser(), a.activeUser()
		robot := a.robot(parameters{"owner_uid": owner})
		ofOwner, ofAccount, ofStranger := a.key(owner), a.key(robot), a.key(stranger)
		disabled := a.key(owner)
		a.must("updateAPIKey", parameters{"uid": owner, "kid": disabled, "state": "disabled"})
		a.clock.Advance(time.Minute)
		c.leave(owner, robot)
		for kid, want := range map[string]string{ofOwner: c.ofOwner, ofAccount: c.ofAccount, ofStranger: "active", disabled: "disabled"} {
			if got := a.keyState(kid); got != want {
				t.Errorf("%s: a key is %s, want %s", name, got, want)
			}
		}
	}
	// They do not come back by themselves.
	owner := a.activeUser()
	kid := a.key(owner)
	a.label(owner, "fraud", "yes")
	a.must("deleteLabel", parameters{"user_uid": owner, "key": "fraud"})
	if state := a.keyState(kid); state != "inactive" {
		t.Errorf("the key of a user who is active again is %s", state)
	}
	a.must("updateAPIKey", parameters{"uid": owner, "kid": kid, "state": "active"})
}

func TestAHolderHasABoundedNumberOfActiveKeys(t *testing.T) {
	t.Parallel()
	a := startWithKeys(t)
	holder := a.activeUser()
	a.key(holder)
	insertRows(t, a.pool, `INSERT INTO api_keys (kid, user_id, algorithm, secret, state, created_at, updated_at)
		SELECT 'k' || n, user_id, algorithm, secret, CASE WHEN n <= 99 THEN 'active' ELSE 'inactive' END, now(), now() FROM api_keys, generate_series(1, 150) AS n`)
	for _, f := range forms {
		a.call(f, "createAPIKey", parameters{"uid": holder, "algorithm": "HS256"}).brokenKey(t, "key_holder_account.too_many_active_keys")
	}
	a.must("updateAPIKey", parameters{"uid": holder, "kid": "k1", "state": "inactive"})
	a.key(holder)
}

// The secret is bound to its row: who can write the table and has no key cannot give a key the
// secret of another.
func TestSecretsAreSealedForTheirKey(t *testing.T) {
	t.Parallel()
	url := keys.NewURL()
	sealer := sealerOf(t, url)
	a := start(t, withKeys, func(s *setup) { s.apiKeys.sealer = sealer })
	key := a.must("createAPIKey", parameters{"uid": a.activeUser(), "algorithm": "HS256"}).object(t)
	var sealed []byte
	if err := a.pool.QueryRow(t.Context(), "SELECT secret FROM api_keys").Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	if secret, err := sealer.Unseal(t.Context(), key["kid"].(string), sealed); err != nil || secret != key["secret"] {
		t.Errorf("the row has %q, %v; the answer had %v", secret, err, key["secret"])
	}
	if _, err := sealer.Unseal(t.Context(), "0000000000000000", sealed); err == nil {
		t.Error("another key got the secret")
	}
}

func TestKeyIsNotMadeWithoutTheKeyOfItsSecret(t *testing.T) {
	t.Parallel()
	keeper, err := keys.Open(t.Context(), keys.NewURL())
	if err != nil {
		t.Fatal(err)
	}
	a := start(t, withKeys, func(s *setup) { s.apiKeys.sealer = keys.NewSealer(keeper) })
	holder := a.activeUser()
	if err := keeper.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range forms {
		a.call(f, "createAPIKey", parameters{"uid": holder, "algorithm": "HS256"}).brokenKey(t, "api_key.could_not_save_secret")
		a.call(f, "createAPIKey", parameters{"uid": "ID0000000000", "algorithm": "HS256"}).refused(t, 422, "user_doesnt_exist")
	}
	if !regexp.MustCompile(`level=WARN.*could not be encrypted`).MatchString(a.log.String()) {
		t.Errorf("the log has no cause: %s", a.log.String())
	}
	var n int
	if err := a.pool.QueryRow(t.Context(), "SELECT count(*) FROM api_keys").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d keys, %v", n, err)
	}
}

// A whole run of a server, with its most talkative log and its traces: neither the database nor the
// log holds a secret that was handed out.
func TestSecretsOfKeysAreNowhere(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	dir := t.TempDir()
	settings := map[string]string{
		"BARONG_DATA_DIR": dir, "DATABASE_URL": url, "BARONG_LOG_LEVEL": "debug", "BARONG_MGN_API_KEYS_USER": "true", "BARONG_MGN_API_KEYS_SA": "true",
	}
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	holder := activeUser(t, settings)
	var secrets []string
	for range 3 {
		out, stderr, exit := barong(t, settings, "call", "createAPIKey", "uid="+holder, "algorithm=HS256", "scopes=trade")
		if exit != 0 {
			t.Fatal(out, stderr)
		}
		secrets = append(secrets, decode[map[string]any](t, []byte(out))["secret"].(string))
	}
	p.signal(os.Interrupt)
	p.stops()
	dump := dumpOf(t, url)
	log := p.log.String()
	if !strings.Contains(dump, holder) || !strings.Contains(log, "createAPIKey") {
		t.Fatalf("the dump or the log is of something else: %s", log)
	}
	for _, secret := range secrets {
		if strings.Contains(dump, secret) || strings.Contains(log, secret) {
			t.Errorf("a secret that was handed out is in the database or in the log")
		}
	}
	if info, err := os.Stat(dir + "/api_keys.key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key that was made: %v %v", info, err)
	}
}

// dumpOf is every row of every table as text, bytes as they are where they are text.
func dumpOf(t testing.TB, url string) string {
	t.Helper()
	pool := newPool(t, url)
	rows, err := pool.Query(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	if err != nil {
		t.Fatal(err)
	}
	var dump strings.Builder
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if !slices.Contains(tables, "api_keys") {
		t.Fatalf("the tables are %v", tables)
	}
	for _, name := range tables {
		rows, err := pool.Query(t.Context(), "SELECT * FROM "+name)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range values {
				if text, ok := value.([]byte); ok {
					value = string(text)
				}
				fmt.Fprintln(&dump, value)
			}
		}
		if rows.Err() != nil {
			t.Fatal(rows.Err())
		}
	}
	return dump.String()
}

func TestPrefixOfServiceAccountsIsNotThatOfUsers(t *testing.T) {
	t.Parallel()
	if _, stderr, exit := barong(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "BARONG_UID_PREFIX": "si"}, "serve"); exit != 1 || !strings.Contains(stderr, "BARONG_UID_PREFIX: SI is the prefix of service accounts") {
		t.Errorf("%d %s", exit, stderr)
	}
}

// asProblem asks for problem details.
func asProblem(_ context.Context, r *http.Request) error {
	r.Header.Set("Accept", "application/problem+json")
	return nil
}
