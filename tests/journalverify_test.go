package tests

import (
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"barong/internal/journal"
	"barong/internal/long"
	"barong/repository"
)

// keptJournal is a sealed journal with a key that signs its checkpoints.
type keptJournal struct {
	t        testing.TB
	pool     *pgxpool.Pool
	repo     *repository.Repository
	settings map[string]string // of commands
	signer   note.Signer
}

func newKeptJournal(t testing.TB) *keptJournal {
	t.Helper()
	url := newDatabase(t)
	key, err := journal.NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := journal.NewSigner(string(key))
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, url)
	return &keptJournal{t, pool, repository.New(pool), map[string]string{
		"DATABASE_URL": url, "BARONG_JOURNAL_SIGNING_KEY": string(key), "BARONG_DATA_DIR": t.TempDir(),
	}, signer}
}

func (k *keptJournal) exec(sql string, args ...any) {
	k.t.Helper()
	if _, err := k.pool.Exec(k.t.Context(), sql, args...); err != nil {
		k.t.Fatalf("%s: %v", sql, err)
	}
}

// checkpoint signs the tree as it is, as a server does.
func (k *keptJournal) checkpoint() (signed string) {
	k.t.Helper()
	head, err := k.repo.JournalHead(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	root, err := tlog.TreeHash(head.Size, k.repo.JournalReader(k.t.Context()))
	if err != nil {
		k.t.Fatal(err)
	}
	signed, err = journal.Checkpoint{Size: head.Size, Root: root, Epoch: head.Epoch, Time: time.Now()}.Sign(k.signer)
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := k.repo.AddCheckpoint(k.t.Context(), repository.StoredCheckpoint{Epoch: head.Epoch, Size: head.Size, SignedAt: time.Now(), Note: signed}); err != nil {
		k.t.Fatal(err)
	}
	return signed
}

// command runs a command on the journal, which must end with a status.
func (k *keptJournal) command(status int, args ...string) (stdout string) {
	k.t.Helper()
	out, stderr, exit := barong(k.t, k.settings, append([]string{"journal"}, args...)...)
	if exit != status {
		k.t.Errorf("journal %s ended with %d instead of %d: %s%s", strings.Join(args, " "), exit, status, out, stderr)
	}
	return out + stderr
}

// expect runs a command, which must end with a status and print a text.
func (k *keptJournal) expect(status int, text string, args ...string) {
	k.t.Helper()
	if printed := k.command(status, args...); !strings.Contains(printed, text) {
		k.t.Errorf("journal %s says nothing of %q: %s", strings.Join(args, " "), text, printed)
	}
}

// Guards that verify names whatever was changed behind the server's back: a row, a tile, the head.
func TestVerifyNamesWhatWasChanged(t *testing.T) {
	long.Test(t)
	t.Parallel()
	k := newKeptJournal(t)
	fillInbox(t, k.pool, 700)
	seal(t, k.repo)
	k.checkpoint()
	k.expect(0, "700 rows are as they were sealed", "verify")
	tables := []string{"journal", "journal_tiles", "journal_head", "journal_checkpoints"}
	for _, table := range tables {
		k.exec("CREATE TABLE saved_" + table + " AS SELECT * FROM " + table)
	}
	for name, tampering := range map[string]struct {
		sql   []string
		names string
	}{
		"row changed":          {[]string{"UPDATE journal SET signers = '{mallory}' WHERE seq = 17"}, "row 17: it is not the row that was sealed"},
		"changes changed":      {[]string{"UPDATE journal SET changed = (changed::jsonb || '{\"x\": 1}')::json WHERE seq = 600"}, "row 600: it is not"},
		"a change twice":       {[]string{"UPDATE journal SET changed = (rtrim(changed::text, '}') || ', \"x\": 1, \"x\": 2}')::json WHERE seq = 600"}, "row 600: row 600 has no canonical form"},
		"row deleted":          {[]string{"DELETE FROM journal WHERE seq = 300"}, "row 300: it is missing"},
		"last row deleted":     {[]string{"DELETE FROM journal WHERE seq = 700"}, "row 700: it is missing"},
		"row inserted":         {[]string{"INSERT INTO journal SELECT 701, sealed_at, gen_random_uuid(), uid, written_at, operation, form, request_id, signers, parameters, salt, proof, payload, changed FROM journal WHERE seq = 700"}, "row 701: it was not sealed"},
		"rows swapped":         {[]string{"UPDATE journal SET seq = -1 WHERE seq = 20", "UPDATE journal SET seq = 20 WHERE seq = 30", "UPDATE journal SET seq = 30 WHERE seq = -1"}, "row 20: it is not"},
		"rows renumbered":      {[]string{"DELETE FROM journal WHERE seq = 40", "UPDATE journal SET seq = -seq WHERE seq > 40", "UPDATE journal SET seq = -seq - 1 WHERE seq < 0"}, "row 40: it is not"},
		"tile changed":         {[]string{"UPDATE journal_tiles SET hashes = set_byte(hashes, 32, (get_byte(hashes, 32) + 1) % 256) WHERE level = 0 AND number = 1"}, "row 258: its hash is not that in tile 0/1 of the tree, which was changed"},
		"upper tile changed":   {[]string{"UPDATE journal_tiles SET hashes = set_byte(hashes, 0, (get_byte(hashes, 0) + 1) % 256) WHERE level = 1"}, "tile 1/0 of the tree is not"},
		"tile deleted":         {[]string{"DELETE FROM journal_tiles WHERE level = 0 AND number = 2"}, "row 513: tile 0/2"},
		"tile inserted":        {[]string{"INSERT INTO journal_tiles VALUES (0, 3, 'x')"}, "4 tiles of level 0"},
		"level inserted":       {[]string{"INSERT INTO journal_tiles VALUES (-1, 0, 'x')"}, "1 tiles of level -1"},
		"tiles swapped":        {[]string{"UPDATE journal_tiles SET number = 9 WHERE level = 0 AND number = 0", "UPDATE journal_tiles SET number = 0 WHERE level = 0 AND number = 1", "UPDATE journal_tiles SET number = 1 WHERE level = 0 AND number = 9"}, "row 1: its hash"},
		"cut back":             {[]string{"DELETE FROM journal WHERE seq > 600", "UPDATE journal_head SET size = 600", "UPDATE journal_tiles SET hashes = substr(hashes, 1, 88 * 32) WHERE level = 0 AND number = 2"}, "rows are lost (a fork)"},
		"pruned by nobody":     {[]string{"DELETE FROM journal WHERE seq <= 100", "UPDATE journal_head SET pruned = 100"}, "no row says that they were"},
		"checkpoint rewritten": {[]string{"UPDATE journal_checkpoints SET note = replace(note, E'\\n700\\n', E'\\n699\\n')"}, "checkpoint of 700 rows in the database"},
	} {
		for _, sql := range tampering.sql {
			k.exec(sql)
		}
		t.Log(name)
		k.expect(3, tampering.names, "verify")
		for _, table := range tables {
			k.exec("TRUNCATE " + table)
			k.exec("INSERT INTO " + table + " SELECT * FROM saved_" + table)
		}
	}
	k.expect(0, "1 checkpoints agree", "verify")
	k.expect(0, "101 rows are as they were sealed", "verify", "--from", "600")
}

// Guards that a proof holds without the database, and that a changed one does not.
func TestProofOfARowHoldsWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	k := newKeptJournal(t)
	fillInbox(t, k.pool, 300)
	seal(t, k.repo)
	if printed := k.command(0, "checkpoint", "--key"); !strings.HasPrefix(printed, "barong-journal+") {
		t.Errorf("the key is %q", printed)
	}
	signed := k.checkpoint()
	if printed := k.command(0, "checkpoint"); printed != signed {
		t.Errorf("the checkpoint is %q", printed)
	}
	file := filepath.Join(t.TempDir(), "proof.json")
	proof := k.command(0, "prove", "257")
	if err := os.WriteFile(file, []byte(proof), 0o600); err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(k.command(0, "checkpoint", "--key"))
	k.settings = map[string]string{}
	k.expect(0, "row 257 is in the journal of 300 rows", "prove", "--check", file, "--key", key)
	if err := os.WriteFile(file, []byte(strings.Replace(proof, "cli:test", "cli:else", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	k.expect(3, "does not hold", "prove", "--check", file, "--key", key)
}

// Guards that the rows of old months go, except those that a receiver of events has not read, and that the
// rest remains provable.
func TestPruningKeepsTheRestProvable(t *testing.T) {
	t.Parallel()
	k := newKeptJournal(t)
	fillInbox(t, k.pool, 600)
	seal(t, k.repo)
	// An older journal cannot be sealed today: rows and tree are made anew with the times of two months.
	k.exec("CREATE TABLE old AS SELECT * FROM journal")
	k.exec("UPDATE old SET sealed_at = sealed_at - interval '70 days' WHERE seq <= 500")
	k.rebuild("old")
	k.checkpoint()
	k.exec("INSERT INTO event_cursors VALUES ('slow', 200, '', now())")
	k.expect(1, "slow has read up to row 200", "prune", "--keep", "1", "--yes")
	seal(t, k.repo)
	k.expect(0, "rows up to 200 are pruned", "verify")
	k.exec("UPDATE event_cursors SET seq = 600")
	k.expect(0, "300 rows removed; rows up to 500 are pruned", "prune", "--keep", "1", "--yes")
	k.expect(0, "0 rows removed", "prune", "--keep", "1", "--yes")
	seal(t, k.repo)
	k.expect(0, "rows up to 500 are pruned", "verify")
	k.exec("DELETE FROM journal WHERE seq = 501")
	k.expect(3, "row 501: it is missing", "verify")
}

// rebuild replaces the journal by the rows of a table, with a tree that is right for them: what somebody
// with all rights on the database can do.
func (k *keptJournal) rebuild(table string) {
	k.t.Helper()
	k.exec("TRUNCATE journal")
	k.exec("INSERT INTO journal SELECT * FROM " + table)
	k.exec("TRUNCATE journal_tiles")
	rows, err := k.repo.SealedAfter(k.t.Context(), 0, 100_000)
	if err != nil {
		k.t.Fatal(err)
	}
	tree, err := journal.OpenTree(0, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	for i := range rows {
		hash, err := rows[i].Hash()
		if err != nil {
			k.t.Fatal(err)
		}
		tree.Append(hash)
	}
	for _, tile := range tree.Changed() {
		k.exec("INSERT INTO journal_tiles VALUES ($1, $2, $3)", tile.Level, tile.Number, tile.Hashes)
	}
}

// Guards that an erasure leaves no salt and no answer of the user, and that verify still passes.
func TestErasureLeavesTheJournalProvable(t *testing.T) {
	t.Parallel()
	k := newKeptJournal(t)
	user, other := newLabelled(t, k.repo), newLabelled(t, k.repo)
	id := sha256.Sum256([]byte("key"))
	for i, each := range []labelled{user, other, user} {
		if err := each.put(t.Context(), k.repo, newRecord(t, journal.Key{ID: sha256.Sum256([]byte{byte(i)}), Fingerprint: id, Until: time.Now().Add(time.Hour), Enforced: true}), "verified "+string(rune('a'+i))); err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			seal(t, k.repo) // the last one still waits when the user is erased
		}
	}
	k.checkpoint()
	k.command(0, "erase", user.uid, "--yes")
	seal(t, k.repo)
	var salts, answers, others int
	if err := k.pool.QueryRow(t.Context(), `SELECT
		(SELECT count(*) FROM journal WHERE uid = $1 AND salt IS NOT NULL), (SELECT count(*) FROM journal WHERE uid = $2 AND salt IS NOT NULL),
		(SELECT count(*) FROM idempotency_keys k JOIN journal j USING (entry) WHERE j.uid = $1 AND k.answer IS NOT NULL)`, user.uid, other.uid).Scan(&salts, &others, &answers); err != nil {
		t.Fatal(err)
	}
	if salts != 0 || answers != 0 || others != 1 {
		t.Errorf("%d salts and %d answers of the user are left, and %d salts of the other one", salts, answers, others)
	}
	k.expect(0, "4 rows are as they were sealed", "verify")
	k.expect(0, "salts erased", "show", user.uid)
}

// Guards that a journal that has lost rows is named as a fork, and is whole again with its new epoch.
func TestForkGoesOnWithTheRowsThatAreLeft(t *testing.T) {
	t.Parallel()
	k := newKeptJournal(t)
	fillInbox(t, k.pool, 20)
	seal(t, k.repo)
	signed := k.checkpoint()
	outside := t.TempDir()
	k.command(0, "checkpoint", "export", outside)
	k.settings["BARONG_JOURNAL_CHECKPOINTS"] = "file://" + outside
	k.exec("DELETE FROM journal WHERE seq > 15")
	k.exec("UPDATE journal_head SET size = 15")
	k.exec("UPDATE journal_tiles SET hashes = substr(hashes, 1, 15 * 32)")
	k.exec("TRUNCATE journal_checkpoints")
	k.expect(3, "rows are lost (a fork)", "verify")
	k.expect(0, "epoch 2 begins with row 16", "fork", "--reason", "a test", "--yes")
	fillInbox(t, k.pool, 10)
	seal(t, k.repo)
	k.checkpoint()
	k.expect(0, "1 checkpoints are of rows that were lost before a fork", "verify")
	if checkpoint, _ := journal.OpenCheckpoint(signed); !strings.Contains(k.command(0, "show", "16", "--json"), base64.StdEncoding.EncodeToString(checkpoint.Root[:])) {
		t.Error("the first row of the epoch does not have the root that was lost")
	}
	// A root that is not the one before the fork is no lost row.
	k.exec("UPDATE journal SET signers = '{mallory}' WHERE seq = 3")
	k.exec("CREATE TABLE forged AS SELECT * FROM journal")
	k.rebuild("forged")
	k.expect(3, "has another root", "verify")
}
