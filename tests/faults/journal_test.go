package faults

import (
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
	"barong/internal/journal"
	"barong/internal/long"
	"barong/repository"
)

// journalKills is how often the writer is killed.
const journalKills = 30

// Guards that a write and its row of the journal, with the keys that it spends, are one transaction,
// whenever the process that writes is killed.
func TestWritesAndRowsOfTheJournalAreOneTransaction(t *testing.T) {
	long.Test(t)
	p := startPostgres(t)
	prepareJournal(t, p)
	before := int64(0)
	for kills := 0; kills < journalKills || kills < 10*journalKills && lacking(p) != ""; kills++ { // a slow machine writes little before a kill
		writer := exec.Command(os.Args[0])
		writer.Env = append(os.Environ(), journalWriterURL+"="+p.url())
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		// The writer has begun, and is somewhere between two commits.
		p.eventually("the writer writes", func() error {
			if p.number("SELECT count(*) FROM journal_inbox") <= before {
				return errNoRowYet
			}
			return nil
		})
		time.Sleep(rand.N(200 * time.Millisecond))
		if err := writer.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = writer.Wait()
		p.eventually("the transactions of the writer are over", func() error {
			if p.number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'") > 0 {
				return errStillWriting
			}
			return nil
		})
		before = p.number("SELECT count(*) FROM journal_inbox")
	}
	t.Logf("%d rows of the journal after the kills", before)
	checkJournal(t, p)
}

type journalError string

func (e journalError) Error() string { return string(e) }

const (
	errNoRowYet     = journalError("there is no new row")
	errStillWriting = journalError("a connection is there still")
)

// prepareJournal makes the schema, and users who can enter codes.
func prepareJournal(t *testing.T, p *postgres) {
	t.Helper()
	pool, err := repository.Open(t.Context(), p.url())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := repository.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	repo := repository.New(pool)
	for n := range journaledUsers {
		user := identity.User{Email: journaledUID(n) + "@example.com", PasswordDigest: digest, Role: identity.RoleMember, State: identity.StateActive}
		if err := repo.InsertUser(t.Context(), &user, func() string { return journaledUID(n) }); err != nil {
			t.Fatal(err)
		}
		if err := repo.EnableOTP(t.Context(), user.UID, []byte("x"), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// pairs are queries for the writes of one kind, and for their rows. Each returns texts that identify the
// writes; both must return the same, each once.
var pairs = map[string][2]string{
	"documents": {
		"SELECT u.uid || d.id FROM documents d JOIN users u ON u.id = d.user_id", "SELECT uid || (changed#>>'{document,id}') FROM journal_inbox WHERE changed->'document' IS NOT NULL",
	},
	"attachments": {
		"SELECT id::text FROM attachments", "SELECT changed#>>'{attachment,id}' FROM journal_inbox WHERE changed->'attachment' IS NOT NULL",
	},
	"service accounts": {
		"SELECT uid || email FROM service_accounts", "SELECT j.uid || a.email FROM journal_inbox j LEFT JOIN service_accounts a ON a.uid = j.changed#>>'{service_account,id}' WHERE changed->'service_account' IS NOT NULL",
	},
	"API keys": {
		"SELECT u.uid || k.kid FROM api_keys k JOIN users u ON u.id = k.user_id", "SELECT uid || (changed#>>'{api_keys,0,id}') FROM journal_inbox WHERE changed->'api_keys' IS NOT NULL",
	},
	"profiles": {
		"SELECT u.uid || p.number FROM (SELECT user_id, number FROM profiles UNION ALL SELECT user_id, number FROM former_profiles) p JOIN users u ON u.id = p.user_id",
		"SELECT uid || (changed#>>'{profile,number}') FROM journal_inbox WHERE changed->'profile' IS NOT NULL",
	},
	"phones": {
		"SELECT id::text FROM phones",
		"SELECT changed#>>'{phone,id}' FROM journal_inbox WHERE changed->'phone' IS NOT NULL GROUP BY 1 HAVING count(*) = 1",
	},
	"phones that were deleted": {
		"SELECT changed#>>'{phone,id}' FROM journal_inbox WHERE (changed#>>'{phone,deleted}')::boolean",
		"SELECT changed#>>'{phone,id}' FROM journal_inbox WHERE changed->'phone' IS NOT NULL GROUP BY 1 HAVING count(*) = 2",
	},
	"codes": { // each of them is the step after the one before
		"SELECT u.uid || last_step FROM otp_secrets JOIN users u ON u.id = user_id WHERE last_step > 0",
		"SELECT uid || count(*) FROM journal_inbox WHERE changed->'account' IS NOT NULL AND (SELECT count(*) FROM json_object_keys(changed)) = 1 GROUP BY uid",
	},
	"keys": {
		"SELECT entry::text FROM idempotency_keys", "SELECT entry::text FROM journal_inbox",
	},
}

// lacking names a kind of writes of which there are none.
func lacking(p *postgres) string {
	for name, pair := range pairs {
		if p.number("SELECT count(*) FROM ("+pair[0]+") w(id)") == 0 {
			return name
		}
	}
	return ""
}

func checkJournal(t *testing.T, p *postgres) {
	t.Helper()
	if name := lacking(p); name != "" {
		t.Errorf("there are no %s: this proves nothing", name)
	}
	for name, pair := range pairs {
		var alone, double string
		p.row("SELECT coalesce(string_agg(coalesce('write ' || w.id, 'row ' || r.id), ', '), '') FROM ("+pair[0]+") w(id) FULL JOIN ("+pair[1]+") r(id) ON w.id = r.id WHERE w IS NULL OR r IS NULL", &alone)
		p.row("SELECT coalesce(string_agg(id, ', '), '') FROM (SELECT id FROM ("+pair[0]+") w(id) GROUP BY id HAVING count(*) > 1 UNION ALL SELECT id FROM ("+pair[1]+") r(id) GROUP BY id HAVING count(*) > 1) d", &double)
		if alone != "" || double != "" {
			t.Errorf("%s: without the other: %s; double: %s", name, alone, double)
		}
	}
	checkChains(t, p)
}

// checkChains checks that each old value of a user is the new value of the row before, and that the last one
// is what the tables have.
func checkChains(t *testing.T, p *postgres) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), p.url())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(t.Context()) }()
	rows, err := connection.Query(t.Context(), "SELECT uid, changed FROM journal_inbox WHERE uid IS NOT NULL ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	current, moves := map[string]string{}, 0
	move := func(what, old, value string) {
		if was, known := current[what]; known && was != old {
			t.Errorf("%s was %q, and the next row says %q", what, was, old)
		}
		current[what] = value
		moves++
	}
	var uid string
	var changed json.RawMessage
	if _, err := pgx.ForEachRow(rows, []any{&uid, &changed}, func() error {
		var c journal.Changes
		if err := json.Unmarshal(changed, &c); err != nil {
			return err
		}
		for _, label := range c.Labels {
			move(uid+" label "+label.Key, textOf(label.Old), textOf(label.New))
		}
		if c.Role != nil {
			move(uid+" role", c.Role.Old, c.Role.New)
		}
		if c.State != nil {
			move(uid+" state", c.State.Old, c.State.New)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	stored, err := connection.Query(t.Context(), `SELECT uid || ' role', role FROM users UNION ALL SELECT uid || ' state', state FROM users
		UNION ALL SELECT uid || ' label ' || key, value FROM labels JOIN users ON users.id = user_id`)
	if err != nil {
		t.Fatal(err)
	}
	var what, value string
	if _, err := pgx.ForEachRow(stored, []any{&what, &value}, func() error {
		if last, known := current[what]; known && last != value {
			t.Errorf("%s is %q, and the last row says %q", what, value, last)
		}
		delete(current, what)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for what, value := range current {
		if value != "" {
			t.Errorf("the last row of %s says %q, and it is not there", what, value)
		}
	}
	if moves == 0 {
		t.Error("no value moved: this proves nothing")
	}
}

// textOf is the value of a label, "" of one that is not there.
func textOf(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}
