package tests

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os/user"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"barong/internal/journal"
	"barong/internal/keys"
)

// commandRow is a row of the inbox that a command has left.
type commandRow struct {
	uid       string // "": of nobody, or of many
	operation string
	changes   journal.Changes
}

// commandRows removes the rows of the inbox and returns them. Each must have a record of a command, of the
// user of this machine, and an entry of its own.
func commandRows(t testing.TB, url string) (found []commandRow) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	rows, err := connection.Query(t.Context(),
		"WITH gone AS (DELETE FROM journal_inbox RETURNING *) SELECT coalesce(uid, ''), entry::text, coalesce(record, ''), changed FROM gone ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]bool{}
	for rows.Next() {
		var row commandRow
		var entry, text string
		var changed []byte
		if err := rows.Scan(&row.uid, &entry, &text, &changed); err != nil {
			t.Fatal(err)
		}
		record, err := journal.ParseRecord(text)
		if err != nil || record.Form != journal.Command || !reflect.DeepEqual(record.Signers, []string{"cli:" + me.Username}) || entries[entry] {
			t.Errorf("the record is %q of %s: %v", text, entry, err)
			continue
		}
		entries[entry] = true
		row.operation = record.Operation
		if err := json.Unmarshal(changed, &row.changes); err != nil {
			t.Fatal(err)
		}
		found = append(found, row)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return found
}

// Guards that an import of users leaves one row for each batch that stored some, and none for one that
// stored nothing or that was imported before.
func TestBatchesOfUsersAreRecorded(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	rows := []string{
		`{"email":"ada@example.com","password_digest":"` + digest + `"}`, `{"email":"grace@example.com","password_digest":"` + digest + `"}`,
		`{"email":"none","password_digest":"x"}`, `{"email":"no more","password_digest":"x"}`,
		`{"email":"alan@example.com","password_digest":"` + digest + `"}`,
	}
	file := b.write("users.ndjson", strings.Join(rows, "\n")+"\n")
	b.run(3, "import", file, "--batch", "2", "--resume", "move")
	batch := func(first, last, users int64) journal.Changes {
		return journal.Changes{Batch: &journal.Batch{Name: "move", First: first, Last: last, Users: users}}
	}
	found := commandRows(t, b.url)
	digests := map[string]bool{}
	for _, row := range found {
		if row.changes.Batch != nil {
			digests[row.changes.Batch.Digest] = len(row.changes.Batch.Digest) == 64
			row.changes.Batch.Digest = ""
		}
	}
	want := []commandRow{{"", "users import", batch(1, 2, 2)}, {"", "users import", batch(5, 5, 1)}}
	if !reflect.DeepEqual(found, want) || len(digests) != 2 {
		t.Errorf("the inbox has %+v with the digests %v, want %+v", found, digests, want)
	}
	b.run(3, "import", file, "--batch", "2", "--resume", "move")
	if again := commandRows(t, b.url); len(again) != 0 {
		t.Errorf("an import that was complete left %+v", again)
	}
}

// Guards that an import of documents leaves a row for what it stores, and none where nothing is new.
func TestBatchesOfDocumentsAreRecorded(t *testing.T) {
	t.Parallel()
	m := newDocumentMove(t, "IDAAAAAAAAAA")
	commandRows(t, m.url) // those of the users
	m.file("a.png", png(100))
	list := m.list("list.ndjson", `{"id":"1","uid":"IDAAAAAAAAAA","doc_type":"Passport","doc_number":"A1","doc_expire":"2099-01-01","path":"a.png","filename":"a.png"}`)
	for _, want := range []int{1, 0} {
		m.imports(0, list)
		found := commandRows(t, m.url)
		if len(found) != want {
			t.Fatalf("%d rows, want %d: %+v", len(found), want, found)
		}
		for _, row := range found {
			batch := row.changes.Batch
			if row.operation != "documents import" || batch == nil || batch.Documents != 1 || batch.First != 1 || batch.Last != 1 || len(batch.Digest) != 64 {
				t.Errorf("the inbox has %+v, %+v", row, batch)
			}
		}
	}
}

// Guards that each command about one-time codes and API keys leaves one row for each of its writes.
func TestCommandsAreRecorded(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	b.settings["BARONG_API_KEYS_KEY"] = keys.NewURL()
	b.run(0, "import", b.write("users.ndjson", `{"uid":"IDADA0000001","email":"ada@example.com","password_digest":"`+digest+`","labels":[{"key":"email","value":"verified"}]}`+"\n"))
	sealer := sealerOf(t, b.settings["BARONG_API_KEYS_KEY"])
	sealed := func(kid string) string {
		secret, err := sealer.Seal(t.Context(), kid, "secret of "+kid)
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(secret)
	}
	key := func(kid, state string) string {
		return `{"api_key":{"kid":"` + kid + `","holder_uid":"IDADA0000001","algorithm":"HS256","scopes":[],"state":"` + state + `","secret":"` +
			sealed(kid) + `","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}`
	}
	robot := `{"service_account":{"uid":"SIROBOT00001","email":"robot@example.com","role":"member","level":null,"state":null,"owner_uid":"IDADA0000001","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}`
	file := b.write("keys.ndjson", strings.Join([]string{robot, key("kid1", "active"), key("kid2", "inactive")}, "\n")+"\n")
	commandRows(t, b.url)
	account := func(otp bool) *journal.Account {
		return &journal.Account{Level: 1, State: "active", Role: "member", OTP: otp}
	}
	active, inactive := "active", "inactive"
	const uid = "IDADA0000001"
	for _, step := range []struct {
		before  string
		command []string
		want    []commandRow
	}{
		{"", []string{"otp", "import", uid, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}, []commandRow{
			{uid, "otp import", journal.Changes{Account: account(false), OTP: &journal.Change[bool]{New: true}, Fields: []string{"otp_secret"}}},
		}},
		{"", []string{"otp", "disable", uid, "--yes"}, []commandRow{
			{uid, "otp disable", journal.Changes{Account: account(true), OTP: &journal.Change[bool]{Old: true}, Fields: []string{"otp_secret"}}},
		}},
		{"", []string{"otp", "enroll", uid, "--yes"}, []commandRow{
			{uid, "otp enroll", journal.Changes{Account: account(false), OTP: &journal.Change[bool]{New: true}, Fields: []string{"otp_secret"}}},
		}},
		{"", []string{"api-keys", "import", file}, []commandRow{
			{"", "api-keys import", journal.Changes{Batch: &journal.Batch{First: 1, Last: 1, ServiceAccounts: 1}}},
			{"", "api-keys import", journal.Changes{Batch: &journal.Batch{First: 2, Last: 3, APIKeys: 2}}},
		}},
		{"", []string{"api-keys", "import", file}, nil}, // all are there
		{"", []string{"api-keys", "reseal"}, []commandRow{
			{uid, "api-keys reseal", journal.Changes{Fields: []string{"secret"}, APIKeys: []journal.HeldChange{{ID: "kid1", Old: &active, New: &active}}}},
			{uid, "api-keys reseal", journal.Changes{Fields: []string{"secret"}, APIKeys: []journal.HeldChange{{ID: "kid2", Old: &inactive, New: &inactive}}}},
		}},
		{"UPDATE users SET state = 'banned'", []string{"api-keys", "settle"}, []commandRow{
			{"", "api-keys settle", journal.Changes{APIKeys: []journal.HeldChange{{ID: "kid1", Old: &active, New: &inactive}}}},
		}},
		{"", []string{"api-keys", "settle"}, nil},
	} {
		if step.before != "" {
			insertRows(t, newPool(t, b.url), step.before)
		}
		b.run(0, step.command...)
		found := commandRows(t, b.url)
		for _, row := range found {
			if batch := row.changes.Batch; batch != nil {
				if len(batch.Digest) != 64 {
					t.Errorf("the digest is %q", batch.Digest)
				}
				batch.Digest = ""
			}
		}
		if !reflect.DeepEqual(found, step.want) {
			got, _ := json.Marshal(changesOf(found))
			t.Errorf("%v left %+v: %s", step.command, found, got)
		}
	}
}

func changesOf(rows []commandRow) (changes []journal.Changes) {
	for _, row := range rows {
		changes = append(changes, row.changes)
	}
	return changes
}
