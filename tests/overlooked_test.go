package tests

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"barong/internal/identity"
	"barong/repository"
)

func TestLabelsThatBeginWithATriggerAreCountedByKey(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	insertRows(t, pool, `INSERT INTO users (uid, email, email_folded, password_digest, created_at, updated_at)
		SELECT 'ID' || n, n || '@b', n || '@b', '', now(), now() FROM generate_series(1, 100) AS n`)
	insertRows(t, pool, `INSERT INTO labels (user_id, key, value, scope, created_at, updated_at)
		SELECT id, key, 'yes', scope, now(), now() FROM users JOIN (VALUES
			('banned', 'private', 30), ('bank-account', 'private', 7), ('ban', 'private', 50), ('bannister', 'public', 100), ('fraud_x', 'private', 5),
			('email', 'private', 100), ('locked', 'private', 30), ('locked', 'public', 100), ('delete2', 'private', 1), ('aban', 'private', 9)
		) AS given (key, scope, n) ON substr(users.uid, 3)::int <= given.n`)
	policy := identity.DefaultPolicy()
	policy.StateTriggers[0].Keys[1] = "fraud*"
	repo := repository.New(pool)
	overlooked, err := repo.OverlookedLabels(t.Context(), policy)
	if err != nil {
		t.Fatal(err)
	}
	want := []repository.OverlookedLabel{
		{OverlookedTrigger: identity.OverlookedTrigger{Key: "banned", State: "banned", Begin: "ban"}, Users: 30},
		{OverlookedTrigger: identity.OverlookedTrigger{Key: "locked", State: "locked", Begin: "lock"}, Users: 30},
		{OverlookedTrigger: identity.OverlookedTrigger{Key: "bank-account", State: "banned", Begin: "ban"}, Users: 7},
		{OverlookedTrigger: identity.OverlookedTrigger{Key: "delete2", State: "deleted", Begin: "delete"}, Users: 1},
	}
	if len(overlooked) != len(want) {
		t.Fatalf("found %+v", overlooked)
	}
	for i := range want {
		if overlooked[i] != want[i] {
			t.Errorf("number %d is %+v, want %+v", i, overlooked[i], want[i])
		}
	}
	if none, err := repo.OverlookedLabels(t.Context(), policy.WithPrefixTriggers()); err != nil || len(none) != 0 {
		t.Errorf("with prefixes: %+v, %v", none, err)
	}
	insertRows(t, pool, "TRUNCATE labels")
	if none, err := repo.OverlookedLabels(t.Context(), policy); err != nil || len(none) != 0 {
		t.Errorf("without labels: %+v, %v", none, err)
	}
}

const labelledRows = `{"email":"a@b","password_digest":"DIGEST","state":"active","labels":[{"key":"email","value":"verified"},{"key":"banned","value":"yes"}]}
{"email":"c@d","password_digest":"DIGEST","state":"active","labels":[{"key":"banned","value":"yes"},{"key":"deleted","value":"yes","scope":"public"}]}
`

func TestImportAndStartWarnOfLabelsThatBeginWithATrigger(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	file := b.write("users.ndjson", strings.ReplaceAll(labelledRows, "DIGEST", digest))
	if _, stderr := b.run(0, "import", "--dry-run", file); strings.Contains(stderr, "trigger") {
		t.Errorf("a dry run, which stores nothing, says %s", stderr)
	}
	_, stderr := b.run(0, "import", file)
	wanted := []string{"key=banned", "trigger=ban", "state=banned", "users=2", "state_trigger_match: prefix"}
	for _, want := range wanted {
		if !strings.Contains(stderr, want) || strings.Contains(stderr, "deleted") {
			t.Errorf("the import does not say %s, or too much: %s", want, stderr)
		}
	}
	b.settings["BARONG_LOG_FORMAT"] = "text"
	p := serve(t, b.settings)
	eventually(t, "the server warns", func() bool { return strings.Contains(p.log.String(), "key=banned") })
	p.signal(syscall.SIGTERM)
	p.stops()
	for _, want := range wanted {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the start does not say %s:\n%s", want, p.log)
		}
	}
}

func TestPrefixesOfTriggersCountAgainWhereBarongYMLSaysSo(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "barong.yml")
	if err := os.WriteFile(rules, []byte("state_trigger_match: prefix\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBulk(t)
	b.settings["BARONG_CONFIG"] = rules
	rows := strings.ReplaceAll(strings.ReplaceAll(labelledRows, "DIGEST", digest), `"state":"active",`, "")
	if _, stderr := b.run(0, "import", b.write("users.ndjson", rows)); strings.Contains(stderr, "trigger") {
		t.Errorf("the import says %s", stderr)
	}
	if n := b.count("SELECT count(*) FROM users WHERE state = 'banned'"); n != 2 {
		t.Errorf("%d of 2 users are banned by an import", n)
	}
	b.settings["BARONG_LOG_LEVEL"] = "debug"
	p := serve(t, b.settings)
	settings := map[string]string{"BARONG_URL": "http://" + p.public, "BARONG_DATA_DIR": b.settings["BARONG_DATA_DIR"]}
	out, stderr, status := barong(t, settings, "call", "importUser", "email=e@f", "password_digest="+digest)
	if status != 0 {
		t.Fatal(stderr)
	}
	uid := decode[map[string]any](t, []byte(out))["uid"].(string)
	if _, stderr, status := barong(t, settings, "call", "createLabel", "user_uid="+uid, "key=locked_by_hand", "value=yes"); status != 0 {
		t.Fatal(stderr)
	}
	if n := b.count("SELECT count(*) FROM users WHERE state = 'locked'"); n != 1 {
		t.Errorf("%d users are locked by a label that begins with the trigger", n)
	}
	eventually(t, "the server compares label keys with triggers", func() bool {
		return strings.Contains(p.log.String(), "label keys are compared with the state triggers")
	})
	p.signal(syscall.SIGTERM)
	p.stops() // and the warnings that follow the comparison are written
	if strings.Contains(p.log.String(), "begins with a state trigger") {
		t.Errorf("the server warns though prefixes count:\n%s", p.log)
	}
}

// A misspelt member of barong.yml would otherwise leave the default in force unseen.
func TestAMisspeltMemberOfBarongYMLIsWarnedOfAtTheStart(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "barong.yml")
	if err := os.WriteFile(rules, []byte("state_triger_match: prefix\ncaptcha: none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t), "BARONG_CONFIG": rules})
	p.signal(syscall.SIGTERM)
	p.stops()
	log := p.log.String()
	if strings.Count(log, "did you mean another") != 1 || !strings.Contains(log, `"state_triger_match"`) || !strings.Contains(log, `"state_trigger_match"`) {
		t.Errorf("the log: %s", log)
	}
}
