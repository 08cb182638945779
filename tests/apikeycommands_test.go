package tests

import (
	"strings"
	"testing"

	"barong/internal/keys"
)

func TestSecretsOfKeysAreSealedAnew(t *testing.T) {
	t.Parallel()
	oldURL, newURL := keys.NewURL(), keys.NewURL()
	dir, database := t.TempDir(), newDatabase(t)
	a := start(t, withKeys, func(s *setup) { s.pool = newPool(t, database); s.apiKeys.sealer = sealerOf(t, oldURL) })
	holder := a.activeUser()
	secrets := map[string]string{}
	create := func(a *api) {
		key := a.must("createAPIKey", parameters{"uid": holder, "algorithm": "HS256"}).object(t)
		secrets[key["kid"].(string)] = key["secret"].(string)
	}
	for range 3 {
		create(a)
	}
	// Servers have the new key before the command runs.
	create(start(t, withKeys, func(s *setup) { s.pool = a.pool; s.apiKeys.sealer = sealerOf(t, newURL) }))

	settings := map[string]string{"BARONG_DATA_DIR": dir, "DATABASE_URL": database, "BARONG_API_KEYS_KEY": newURL}
	if out, stderr, exit := barong(t, settings, "api-keys", "reseal"); exit != 1 || strings.Count(stderr, "could not be decrypted") != 3 || !strings.HasPrefix(out, "1 secrets encrypted anew, 0") {
		t.Errorf("without the old key: %d %s%s", exit, out, stderr)
	}
	settings["BARONG_API_KEYS_OLD_KEY"] = oldURL
	for _, want := range []string{"3 secrets encrypted anew, 1 were already\n", "0 secrets encrypted anew, 4 were already\n"} {
		if out, stderr, exit := barong(t, settings, "api-keys", "reseal"); exit != 0 || out != want {
			t.Errorf("reseal: %d %s%s", exit, out, stderr)
		}
	}
	rows, err := a.pool.Query(t.Context(), "SELECT kid, secret FROM api_keys")
	if err != nil {
		t.Fatal(err)
	}
	sealer := sealerOf(t, newURL)
	for rows.Next() {
		var kid string
		var sealed []byte
		if err := rows.Scan(&kid, &sealed); err != nil {
			t.Fatal(err)
		}
		if secret, err := sealer.Unseal(t.Context(), kid, sealed); err != nil || secret != secrets[kid] {
			t.Errorf("%s has another secret now: %v", kid, err)
		}
		delete(secrets, kid)
	}
	if rows.Err() != nil || len(secrets) != 0 {
		t.Errorf("%v, and %d keys are gone", rows.Err(), len(secrets))
	}
	delete(settings, "BARONG_API_KEYS_KEY")
	if _, stderr, exit := barong(t, settings, "api-keys", "reseal"); exit != 1 || !strings.Contains(stderr, "BARONG_API_KEYS_KEY is empty") {
		t.Errorf("without a key: %d %s", exit, stderr)
	}
}

// Servers that do not know API keys move states and leave keys active.
func TestKeysAreSettledAfterOlderServers(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	a := startWithKeys(t, func(s *setup) { s.pool = newPool(t, database) })
	banned, active := a.activeUser(), a.activeUser()
	robot, own := a.robot(parameters{"owner_uid": banned}), a.robot(parameters{"service_account_email": "bot@example.com", "service_account_state": "active"})
	want := map[string]string{a.key(banned): "inactive", a.key(robot): "inactive", a.key(active): "active", a.key(own): "active"}
	insertRows(t, a.pool, "UPDATE users SET state = 'banned' WHERE uid = $1", banned)
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": database}
	for _, found := range []string{"2", "0"} {
		if out, stderr, exit := barong(t, settings, "api-keys", "settle"); exit != 0 || !strings.HasPrefix(out, found+" active keys") {
			t.Errorf("settle: %d %s%s", exit, out, stderr)
		}
	}
	for kid, state := range want {
		if got := a.keyState(kid); got != state {
			t.Errorf("a key is %s, want %s", got, state)
		}
	}
}
