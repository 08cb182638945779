package tests

import (
	"encoding/hex"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"barong/internal/identity"
	"barong/internal/journal"
	"barong/repository"
)

// inboxRow is a row of the inbox.
type inboxRow struct {
	UID     *string
	Record  string
	Changed json.RawMessage
}

// journaledWrites makes recorded writes and checks the rows that each leaves in the inbox.
type journaledWrites struct {
	testing.TB
	pool   *pgxpool.Pool
	repo   *repository.Repository
	status *repository.AccountStatus
	user   identity.User
	now    time.Time
}

func newJournaledWrites(t testing.TB) *journaledWrites {
	t.Helper()
	pool := newPool(t, newDatabase(t))
	w := &journaledWrites{
		TB: t, pool: pool, repo: repository.New(pool), status: repository.NewAccountStatus(identity.DefaultPolicy()),
		user: newUser("ada@example.com"), now: time.Now().UTC().Truncate(time.Second),
	}
	w.user.State = identity.StateActive
	if err := w.repo.InsertUser(t.Context(), &w.user, func() string { return "IDADA0000001" }); err != nil {
		t.Fatal(err)
	}
	return w
}

// expect runs a write with a record. It must leave a row with these changes for uid; without changes it must
// leave none.
func (w *journaledWrites) expect(what, uid string, write func(*repository.Repository) error, want ...journal.Changes) {
	w.Helper()
	w.expectAnswer(what, uid, "", write, want...)
}

// expectAnswer is expect for a write with an answer, as JSON; "" is a write without one.
func (w *journaledWrites) expectAnswer(what, uid, answer string, write func(*repository.Repository) error, want ...journal.Changes) {
	w.Helper()
	key := journal.Key{ID: [32]byte{1}, Until: time.Now().Add(time.Hour), Enforced: true}
	if err := write(w.repo.Recorded(newRecord(w, key))); err != nil {
		w.Fatalf("%s: %v", what, err)
	}
	rows, err := w.pool.Query(w.Context(), "WITH gone AS (DELETE FROM journal_inbox RETURNING id, uid, record, changed) SELECT uid, record, changed FROM gone ORDER BY id")
	if err != nil {
		w.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[inboxRow])
	if err != nil {
		w.Fatal(err)
	}
	var got []journal.Changes
	for _, row := range found {
		var c journal.Changes
		if err := json.Unmarshal(row.Changed, &c); err != nil {
			w.Fatalf("%s: %s: %v", what, row.Changed, err)
		}
		got = append(got, c)
		if row.Record == "" || (row.UID == nil) != (uid == "") || row.UID != nil && *row.UID != uid {
			w.Errorf("%s: the row is %+v, of %q", what, row, uid)
		}
	}
	if !reflect.DeepEqual(got, want) {
		text, _ := json.MarshalIndent(got, "", " ")
		wanted, _ := json.MarshalIndent(want, "", " ")
		w.Errorf("%s: the inbox has %s\nwant %s", what, text, wanted)
	}
	w.checkKey(what, len(want) > 0, answer)
}

// checkKey checks that the write has spent its key exactly where it took place.
func (w *journaledWrites) checkKey(what string, spent bool, answer string) {
	w.Helper()
	rows, err := w.pool.Query(w.Context(), "DELETE FROM idempotency_keys RETURNING answer")
	if err != nil {
		w.Fatal(err)
	}
	answers, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		w.Fatal(err)
	}
	if len(answers) == 1 != spent {
		w.Errorf("%s: %d keys are spent", what, len(answers))
	}
	if len(answers) == 1 && !sameJSON(answers[0], answer) {
		w.Errorf("%s: the answer is %s, want %s", what, answers[0], answer)
	}
}

func sameJSON(got []byte, want string) bool {
	if want == "" || got == nil {
		return want == string(got)
	}
	var a, b any
	return json.Unmarshal(got, &a) == nil && json.Unmarshal([]byte(want), &b) == nil && reflect.DeepEqual(a, b)
}

// account is the account of the user of newJournaledWrites.
func (w *journaledWrites) account(state, role string) *journal.Account {
	return &journal.Account{State: state, Role: role}
}

func pointer[T any](value T) *T { return &value }

// Guards that a change of a user leaves one row, and a change of nothing one without changes.
func TestChangesOfUsersAreRecorded(t *testing.T) {
	t.Parallel()
	w := newJournaledWrites(t)
	update := func(uid string, changes identity.UserChanges) func(*repository.Repository) error {
		return func(repo *repository.Repository) error {
			_, err := repo.UpdateUser(t.Context(), uid, changes, w.now)
			return err
		}
	}
	data := `{"a":1}`
	both := identity.UserChanges{Role: pointer("admin"), Data: &data}
	w.expect("role and data", w.user.UID, update(w.user.UID, both), journal.Changes{
		Account: w.account("active", "member"), Role: &journal.Change[string]{Old: "member", New: "admin"}, Fields: []string{"data"},
	})
	w.expect("the same again", w.user.UID, update(w.user.UID, both), journal.Changes{})
	w.expect("role", w.user.UID, update(w.user.UID, identity.UserChanges{Role: pointer("member"), Data: &data}), journal.Changes{
		Account: w.account("active", "admin"), Role: &journal.Change[string]{Old: "admin", New: "member"},
	})
	w.expect("nobody", "", func(repo *repository.Repository) error {
		if err := update("IDNOBODY0001", both)(repo); err == nil {
			t.Error("a user who does not exist was updated")
		}
		return nil
	})
}

// Guards that a document leaves a row with the digest of its content, and with its label and the account
// where those move; a document without room leaves none.
func TestDocumentsAndAttachmentsAreRecorded(t *testing.T) {
	t.Parallel()
	w := newJournaledWrites(t)
	digest := make([]byte, 32)
	digest[0] = 7
	insert := func(object string, metadata *string) func(*repository.Repository) error {
		return func(repo *repository.Repository) error {
			_, err := repo.InsertDocument(t.Context(), w.user.UID, identity.Document{
				Type: "Passport", Number: "SECRET1", Metadata: metadata, CreatedAt: w.now, UpdatedAt: w.now,
				File: identity.File{Filename: "name.png", ContentType: "image/png", Size: 42, Object: object, Digest: digest},
			}, true, w.status)
			return err
		}
	}
	file := func(id int64, kind string) *journal.File {
		return &journal.File{ID: id, Type: kind, Size: 42, Digest: hex.EncodeToString(digest)}
	}
	w.expect("document", w.user.UID, insert("doc-1", nil),
		journal.Changes{
			Account: w.account("active", "member"), Document: file(1, "Passport"),
			Labels: []journal.LabelChange{{ID: 1, Key: "document", Scope: "private", New: pointer("pending")}},
			State:  &journal.Change[string]{Old: "active", New: "pending"}, Level: &journal.Change[int]{},
		})
	w.expect("second document", w.user.UID, insert("doc-2", nil),
		journal.Changes{Account: w.account("pending", "member"), Document: file(2, "Passport")})
	large := string(make([]byte, identity.MaxDocumentsMetadata+1))
	w.expect("no room", "", func(repo *repository.Repository) error {
		if err := insert("doc-3", &large)(repo); err == nil {
			t.Error("a document without room was stored")
		}
		return nil
	})
	attach := func(uid *string, object string) func(*repository.Repository) error {
		return func(repo *repository.Repository) error {
			return repo.InsertAttachment(t.Context(), &identity.Attachment{
				UserUID: uid, CreatedAt: w.now, UpdatedAt: w.now,
				File: identity.File{Filename: "name.png", ContentType: "image/png", Size: 42, Object: object, Digest: digest},
			})
		}
	}
	w.expectAnswer("attachment", w.user.UID, `{"id":1}`, attach(&w.user.UID, "att-1"), journal.Changes{Account: w.account("pending", "member"), Attachment: file(1, "")})
	w.expectAnswer("attachment of nobody", "", `{"id":2}`, attach(nil, "att-2"), journal.Changes{Attachment: file(2, "")})
}

// Guards that a profile leaves one row, with its label where that moves, and a refused one none.
func TestProfilesAreRecorded(t *testing.T) {
	t.Parallel()
	w := newJournaledWrites(t)
	insert := func(review string) func(*repository.Repository) error {
		return func(repo *repository.Repository) error {
			_, err := repo.InsertProfile(t.Context(), w.user.UID, identity.Profile{
				FirstName: pointer("Ada"), State: "partial", Review: review, Metadata: []byte("{}"), CreatedAt: w.now, UpdatedAt: w.now,
			}, w.status)
			return err
		}
	}
	label := func(old *string, value string) []journal.LabelChange {
		return []journal.LabelChange{{ID: 1, Key: "profile", Scope: "private", Old: old, New: &value}}
	}
	w.expect("first", w.user.UID, insert("rejected"),
		journal.Changes{
			Account: w.account("active", "member"), Profile: &journal.Profile{Number: 1, State: "rejected"}, Labels: label(nil, "rejected"),
			State: &journal.Change[string]{Old: "active", New: "pending"}, Level: &journal.Change[int]{},
		})
	w.expect("second", w.user.UID, insert("rejected"),
		journal.Changes{Account: w.account("pending", "member"), Profile: &journal.Profile{Number: 2, State: "rejected"}})
	w.expect("third", w.user.UID, insert("drafted"),
		journal.Changes{Account: w.account("pending", "member"), Profile: &journal.Profile{Number: 3, State: "drafted"}, Labels: label(pointer("rejected"), "drafted")})
	w.expect("beside an open one", "", func(repo *repository.Repository) error {
		if err := insert("drafted")(repo); err == nil {
			t.Error("a second open profile was stored")
		}
		return nil
	})
}

// Guards that phones leave rows without their numbers, and that the answer of a deletion has none either.
func TestPhonesAreRecorded(t *testing.T) {
	t.Parallel()
	w := newJournaledWrites(t)
	at := w.now
	phone := identity.Phone{Country: "GB", Number: "442079460018", ValidatedAt: &at, CreatedAt: at, UpdatedAt: at}
	add := func(repo *repository.Repository) error { return repo.InsertPhone(t.Context(), w.user.UID, phone) }
	stored := `"country":"GB","validated_at":"` + at.Format("2006-01-02T15:04:05") + `+00:00"}`
	w.expectAnswer("added", w.user.UID, "{"+stored, add, journal.Changes{Account: w.account("active", "member"), Phone: &journal.Phone{ID: 1}})
	w.expect("added again", "", func(repo *repository.Repository) error {
		if err := add(repo); err == nil {
			t.Error("a phone was added twice")
		}
		return nil
	})
	remove := func(found bool) func(*repository.Repository) error {
		return func(repo *repository.Repository) error {
			deleted, was, err := repo.DeletePhone(t.Context(), w.user.UID, []string{"02079460018", phone.Number})
			if was != found || found && deleted.Number != phone.Number {
				t.Errorf("deleted %+v, %t", deleted, was)
			}
			return err
		}
	}
	w.expectAnswer("deleted", w.user.UID, `{"spelling":1,`+stored, remove(true), journal.Changes{Account: w.account("active", "member"), Phone: &journal.Phone{ID: 1, Deleted: true}})
	w.expect("deleted again", "", remove(false))
}
