package tests

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"golang.org/x/mod/semver"

	"barong/repository"
)

// lastRelease reads repository/migrations/RELEASED: the last release, "none"
// before the first, and the newest step that it has.
func lastRelease(t testing.TB) (release string, step int64) {
	t.Helper()
	content, err := os.ReadFile("../repository/migrations/RELEASED")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if n, err := fmt.Sscanf(line, "%s %d", &release, &step); n != 2 || err != nil {
			t.Fatalf("RELEASED: %q is no release and step: %v", line, err)
		}
	}
	return release, step
}

func TestServersOfTheLastReleaseWorkOnEveryLaterStepOfTheSchema(t *testing.T) {
	t.Parallel()
	release, step := lastRelease(t)
	latest, err := repository.LatestSchema()
	if err != nil || step > latest {
		t.Fatalf("RELEASED names step %d, and the newest is %d, %v", step, latest, err)
	}
	for _, complaint := range heldToTheRules(t, os.DirFS("../repository/migrations"), release, step) {
		t.Errorf("docs/migrations.md: %s", complaint)
	}
}

// What the check refuses, and what it lets pass. Each case is a step after a
// schema of a release v1.1.0.
func TestStepsThatBreakServersOfTheLastReleaseAreFound(t *testing.T) {
	t.Parallel()
	const released = `-- +goose Up
		CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL, nick text, age int DEFAULT 1);
		CREATE INDEX people_nick_idx ON people (nick);
		CREATE TABLE pets (id bigint PRIMARY KEY, owner bigint);`
	const patient = "-- +goose Up\nSET LOCAL lock_timeout = '100ms';\n"
	for name, c := range map[string]struct{ step, want string }{
		"a table dropped":                {patient + `DROP TABLE pets;`, "table pets is gone"},
		"a table renamed":                {patient + `ALTER TABLE pets RENAME TO animals;`, "table pets is gone"},
		"a column dropped":               {patient + `ALTER TABLE people DROP COLUMN age;`, "column people.age is gone"},
		"a column renamed":               {patient + `ALTER TABLE people RENAME COLUMN nick TO nickname;`, "column people.nick is gone"},
		"a type changed":                 {patient + `ALTER TABLE people ALTER COLUMN nick TYPE varchar(9);`, "column people.nick was"},
		"a table written anew":           {patient + `ALTER TABLE people ALTER COLUMN age TYPE bigint;`, "table people is written anew"},
		"written anew for a default":     {patient + `ALTER TABLE people ADD COLUMN at timestamptz DEFAULT clock_timestamp();`, "table people is written anew"},
		"NOT NULL":                       {patient + `ALTER TABLE people ALTER COLUMN nick SET NOT NULL;`, "column people.nick was"},
		"NULL where there was none":      {patient + `ALTER TABLE people ALTER COLUMN name DROP NOT NULL;`, "column people.name was"},
		"a default gone":                 {patient + `ALTER TABLE people ALTER COLUMN age DROP DEFAULT;`, "column people.age was"},
		"a column that must be given":    {patient + `ALTER TABLE pets ADD COLUMN kind text NOT NULL;`, "column pets.kind must be given"},
		"an index dropped":               {patient + `DROP INDEX people_nick_idx;`, "index people_nick_idx is gone"},
		"an index under a lock":          {patient + `CREATE INDEX people_age_idx ON people (age);`, "index people_age_idx was built while nobody could write"},
		"the same without a transaction": {"-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX people_age_idx ON people (age);", "index people_age_idx was built while nobody could write"},
		"a unique index":                 {"-- +goose NO TRANSACTION\n-- +goose Up\nCREATE UNIQUE INDEX CONCURRENTLY people_nick_key ON people (nick);", "index people_nick_key may refuse"},
		"a constraint":                   {patient + `ALTER TABLE people ADD CONSTRAINT named CHECK (name <> '') NOT VALID;`, "constraint people.named may refuse"},
		"a constraint checked at once":   {patient + `ALTER TABLE people ADD CONSTRAINT named CHECK (name <> '');`, "constraint people.named was checked under a lock"},
		"a foreign key":                  {patient + `ALTER TABLE pets ADD CONSTRAINT owned FOREIGN KEY (owner) REFERENCES people (id);`, "constraint pets.owned was checked under a lock"},
		"no patience with locks":         {"-- +goose Up\nALTER TABLE people ADD COLUMN note text;", "waits for a lock"},
		"allowed too early":              {patient + "-- allowed since v1.2.0: column people.age\nALTER TABLE people DROP COLUMN age;", "v1.2.0 is not released"},
		"allowed and not done":           {patient + "-- allowed since v1.0.0: column people.nick", "allows what it does not do: column people.nick"},
		"a lock allowed":                 {patient + "-- allowed since v1.0.0: index people_age_idx\nCREATE INDEX people_age_idx ON people (age);", "index people_age_idx was built while nobody could write"},

		"a column that nobody reads": {patient + "-- allowed since v1.1.0: column people.age\nALTER TABLE people DROP COLUMN age;", ""},
		"a nullable column":          {patient + `ALTER TABLE people ADD COLUMN note text;`, ""},
		"a column with a default":    {patient + `ALTER TABLE people ADD COLUMN score int NOT NULL DEFAULT 0 CHECK (score >= 0);`, ""},
		"a reference of its own":     {patient + `ALTER TABLE pets ADD COLUMN vet bigint REFERENCES people (id);`, ""},
		"a table":                    {patient + `CREATE TABLE homes (id bigint PRIMARY KEY, street text NOT NULL UNIQUE); CREATE INDEX ON homes (street);`, ""},
		"an index":                   {"-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY people_age_idx ON people (age);", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := fstest.MapFS{
				"00001_released.sql": {Data: []byte(released)},
				"00002_later.sql":    {Data: []byte(c.step)},
			}
			got := strings.Join(heldToTheRules(t, steps, "v1.1.0", 1), "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// What older servers do not know has no value in their rows, and refuses none of them.
func TestAUniqueIndexMayBeBuiltOverAColumnThatAnEarlierStepBrought(t *testing.T) {
	t.Parallel()
	steps := fstest.MapFS{
		"00001_released.sql": {Data: []byte("-- +goose Up\nCREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL);")},
		"00002_column.sql":   {Data: []byte("-- +goose Up\nSET LOCAL lock_timeout = '100ms';\nALTER TABLE people ADD COLUMN nick text;")},
		"00003_index.sql":    {Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\nCREATE UNIQUE INDEX CONCURRENTLY people_nick_key ON people (nick);")},
		"00004_mixed.sql":    {Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\nCREATE UNIQUE INDEX CONCURRENTLY people_both_key ON people (nick, name);")},
	}
	complaints := heldToTheRules(t, steps, "v1.1.0", 1)
	if len(complaints) != 1 || !strings.Contains(complaints[0], "index people_both_key may refuse") {
		t.Errorf("found %q", complaints)
	}
}

// allowance is a comment of a step by which it may break a rule: servers of that
// release, and of later ones, get along without the object or with its change.
var allowance = regexp.MustCompile(`(?m)^\s*-- allowed since (v\d+\.\d+\.\d+): (.+?)\s*$`)

// heldToTheRules takes every step beyond the last release's, and says what is
// wrong with it.
func heldToTheRules(t *testing.T, steps fs.FS, release string, last int64) (complaints []string) {
	t.Helper()
	pool := newPool(t, emptyDatabase(t))
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, steps)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	released, err := readCatalog(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	before := released
	for _, source := range provider.ListSources() {
		if source.Version <= last {
			continue
		}
		text, err := fs.ReadFile(steps, source.Path)
		if err != nil {
			t.Fatal(err)
		}
		complain := func(format string, args ...any) {
			complaints = append(complaints, source.Path+": "+fmt.Sprintf(format, args...))
		}
		if loose := locking(string(text)); len(loose) > 0 {
			complain("outside of a transaction, with locks that everybody waits for: %s; write CONCURRENTLY", loose)
		}
		if !outside(string(text)) && !givesUpLocks(t, provider, pool, before, source.Version) {
			complain("it waits for a lock without an end, and whoever comes after it waits too: SET LOCAL lock_timeout")
		}
		if _, err := provider.UpTo(t.Context(), source.Version); err != nil {
			t.Fatal(err)
		}
		after, err := readCatalog(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		allowed := map[string]bool{} // and whether it was made use of
		for _, found := range allowance.FindAllStringSubmatch(string(text), -1) {
			if !isReleased(found[1], release) {
				complain("%s is not released: until it is, servers need %s", found[1], found[2])
			}
			allowed[found[2]] = false
		}
		for _, b := range breaches(released, before, after) {
			if _, ok := allowed[b.object]; ok && !b.waiting {
				allowed[b.object] = true
				continue
			}
			complain("%s", b)
		}
		for name, used := range allowed {
			if !used {
				complain("it allows what it does not do: %s", name)
			}
		}
		before = after
	}
	return complaints
}

// patience is far more than a step may wait for a lock: 5 s, and some steps take several.
const patience = 30 * time.Second

// givesUpLocks takes a step while somebody reads every table in a transaction
// that does not end. The step must work beside it, or give up.
func givesUpLocks(t *testing.T, provider *goose.Provider, pool *pgxpool.Pool, before catalog, version int64) bool {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	for _, o := range before {
		if o.Kind != "table" {
			continue
		}
		if _, err := tx.Exec(t.Context(), "LOCK TABLE "+pgx.Identifier{o.Table}.Sanitize()+" IN ACCESS SHARE MODE"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = provider.UpTo(ctx, version)
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return true
	case errors.As(err, &refused) && refused.Code == "55P03": // lock_not_available
		return true
	case ctx.Err() != nil:
		return false
	default:
		t.Fatal(err)
		return false
	}
}

// isReleased says whether a version is the last release or one before it.
func isReleased(version, last string) bool {
	return semver.IsValid(last) && semver.Compare(version, last) <= 0
}

// emptyDatabase is one without a schema.
func emptyDatabase(t testing.TB) (url string) {
	t.Helper()
	name := "barong_test_" + strings.ToLower(rand.Text())
	if err := admin(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return databaseURL(name)
}

// outside says whether a step runs without a transaction around it. It may then
// wait as long as it likes, for nobody waits for what is done CONCURRENTLY.
func outside(step string) bool { return strings.Contains(step, "-- +goose NO TRANSACTION") }

var indexStatement = regexp.MustCompile(`(?im)^\s*((?:create (?:unique )?|drop )index)( concurrently)?`)

// locking returns the statements about indexes of a step outside of a transaction
// that lock their table.
func locking(step string) (found []string) {
	up, _, _ := strings.Cut(step, "-- +goose Down")
	if !outside(step) {
		return nil
	}
	for _, statement := range indexStatement.FindAllStringSubmatch(up, -1) {
		if statement[2] == "" {
			found = append(found, statement[1])
		}
	}
	return found
}

func TestStepThatDoesNotGetItsLockIsTriedAgain(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	pool := newPool(t, url)
	insertRows(t, pool, "DROP TABLE webhook_endpoints, webhook_dead, webhook_lanes, event_cursors, idempotency_keys, signer_keys, journal_checkpoints, journal_tiles, journal_head, journal, journal_inbox, user_counts, import_runs, imported_users, imported_documents, former_profiles, api_keys, service_accounts, attachments") // of the later steps, which are taken again
	insertRows(t, pool, "ALTER TABLE labels DROP COLUMN description")
	insertRows(t, pool, "ALTER TABLE profiles DROP COLUMN review, DROP COLUMN number")
	insertRows(t, pool, "ALTER TABLE users DROP COLUMN email_key")
	insertRows(t, pool, "DELETE FROM goose_db_version WHERE version_id >= 4")
	release := holdLock(t, pool, "LOCK TABLE users")
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	log := &logBuffer{}
	migrating := newPool(t, url+separator+"lock_timeout=100ms")
	done := make(chan error, 1)
	go func() {
		_, err := repository.Migrate(t.Context(), migrating, slog.New(slog.NewTextHandler(log, nil)))
		done <- err
	}()
	eventually(t, "the step gave up", func() bool { return strings.Contains(log.String(), "did not get its lock") })
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
	probe := repository.NewProbe(pool)
	defer probe.Close(t.Context())
	if _, err := probe.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
