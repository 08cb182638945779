package tests

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"barong/internal/identity"
	"barong/internal/problem"
	"barong/repository"
)

func newUser(email string) identity.User {
	return identity.User{Email: email, PasswordDigest: digest, Role: identity.RoleMember, State: identity.StatePending}
}

func TestUIDThatIsTakenIsDrawnAgain(t *testing.T) {
	t.Parallel()
	repo := repository.New(newPool(t, newDatabase(t)))
	drawn := []string{"ID0000000001", "ID0000000001", "ID0000000001", "ID0000000002"}
	draw := func() string {
		next := drawn[0]
		drawn = drawn[1:]
		return next
	}
	for _, want := range []string{"ID0000000001", "ID0000000002"} {
		user := newUser(unique("user") + "@example.com")
		err := repo.InTx(t.Context(), func(tx *repository.Repository) error { return tx.InsertUser(t.Context(), &user, draw) })
		if err != nil || user.UID != want || user.ID == 0 {
			t.Errorf("got %q (%d), %v; want %q", user.UID, user.ID, err, want)
		}
	}
}

func TestTransactionThatLostIsTriedAgain(t *testing.T) {
	t.Parallel()
	repo := repository.New(newPool(t, newDatabase(t)))
	for code, wantAttempts := range map[string]int{"40001": 3, "40P01": 3, "23503": 1} {
		attempts := 0
		err := repo.InTx(t.Context(), func(tx *repository.Repository) error {
			user := newUser("ada" + code + "@example.com")
			if err := tx.InsertUser(t.Context(), &user, func() string { return identity.NewUID("ID") }); err != nil {
				return err
			}
			if attempts++; attempts < 3 {
				return &pgconn.PgError{Code: code}
			}
			return nil
		})
		if attempts != wantAttempts || (err == nil) != (wantAttempts == 3) {
			t.Errorf("%s: %d attempts, %v", code, attempts, err)
		}
	}
	if _, total, err := repo.ListUsers(t.Context(), repository.Range{}, repository.Page{Number: 1, Size: 10}); err != nil || total != 2 {
		t.Errorf("%d users are there, want the two of the transactions that succeeded; %v", total, err)
	}
}

func TestTransactionInATransactionIsASavepoint(t *testing.T) {
	t.Parallel()
	repo := repository.New(newPool(t, newDatabase(t)))
	insert := func(ctx context.Context, tx *repository.Repository, email string) error {
		user := newUser(email)
		return tx.InsertUser(ctx, &user, func() string { return identity.NewUID("ID") })
	}
	err := repo.InTx(t.Context(), func(outer *repository.Repository) error {
		if err := insert(t.Context(), outer, "kept@example.com"); err != nil {
			return err
		}
		failed := outer.InTx(t.Context(), func(inner *repository.Repository) error {
			if err := insert(t.Context(), inner, "undone@example.com"); err != nil {
				return err
			}
			return insert(t.Context(), inner, "KEPT@example.com")
		})
		if problem.KindOf(failed) != problem.InvalidRecord {
			return errors.Join(errors.New("the inner transaction did not fail as it should"), failed)
		}
		return nil
	})
	users, total, listErr := repo.ListUsers(t.Context(), repository.Range{}, repository.Page{Number: 1, Size: 10})
	if err != nil || listErr != nil || total != 1 || users[0].Email != "kept@example.com" {
		t.Errorf("%v %v: %d users, %v", err, listErr, total, users)
	}
}

// The last statement of the batch is refused, after the others were run.
func TestBatchIsKeptAsAWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo := repository.New(pool)
	status := repository.NewAccountStatus(identity.Policy{Levels: []identity.Requirement{{Key: "document", Value: "pending"}}})
	document := identity.Document{Type: "Passport", Number: "1", File: identity.File{Filename: "a.png", ContentType: "image/png", Size: 1, Object: "same"}}
	for i, uid := range []string{"ID1", "ID2"} {
		user := newUser(uid + "@example.com")
		if err := repo.InsertUser(t.Context(), &user, func() string { return uid }); err != nil {
			t.Fatal(err)
		}
		if i == 1 { // a state that the table of users refuses, at the end of the batch
			insertRows(t, pool, `ALTER TABLE users ADD CONSTRAINT none_higher CHECK (level = 0 OR uid <> 'ID2')`)
			document.Object = "other"
		}
		changed, err := repo.InsertDocument(t.Context(), uid, document, true, status)
		if i == 0 && (err != nil || changed.Level != 1) {
			t.Errorf("level %d, %v", changed.Level, err)
		}
		if i == 1 && err == nil {
			t.Error("the change was kept")
		}
	}
	found, err := repo.FindUser(t.Context(), repository.ByUID("ID2"))
	if err != nil || len(found.Labels) != 0 || len(found.Documents) != 0 {
		t.Errorf("left behind: %v %v, %v", found.Labels, found.Documents, err)
	}
}

// Guards that relations are read in text form too, which pgx asks for where a pooler
// stands between (docs/operations.md): it decodes records in binary form only.
func TestRelationsAreTheSameWithoutPreparedStatements(t *testing.T) {
	t.Parallel()
	url, now := newDatabase(t), time.Date(2025, 2, 3, 4, 5, 6, 789000, time.UTC)
	status := repository.NewAccountStatus(identity.DefaultPolicy())
	dob, first, metadata := time.Date(1985, 12, 10, 0, 0, 0, 0, time.UTC), `A "d", (a) \\ ü`, `{"a": "}"}`
	var answers []string
	for _, mode := range []string{"cache_statement", "exec"} {
		pool := newPool(t, with(url, "default_query_exec_mode="+mode))
		repo := repository.New(pool)
		insertRows(t, pool, `TRUNCATE users CASCADE`)
		insertRows(t, pool, `ALTER SEQUENCE users_id_seq RESTART`)
		user := newUser("ada@example.com")
		user.CreatedAt, user.UpdatedAt = now, now
		user.Profiles = []identity.Profile{{FirstName: &first, DOB: &dob, State: identity.ProfilePartial, Review: identity.ProfileDrafted, Metadata: []byte(metadata)}}
		user.Phones = []identity.Phone{{Country: "GB", Number: "447900000001", ValidatedAt: &now}, {Country: "GB", Number: "447900000002"}}
		user.Labels = []identity.Label{{Key: "tier", Value: "gold", Scope: identity.ScopePrivate}, {Key: "note", Value: "NULL", Scope: identity.ScopePublic}}
		if err := repo.InsertUser(t.Context(), &user, func() string { return "ID1" }); err != nil {
			t.Fatal(mode, err)
		}
		document := identity.Document{
			Type: "Passport", Number: "1", Expire: &dob, Metadata: &metadata, CreatedAt: now,
			File: identity.File{Filename: first, ContentType: "image/png", Size: 7, Object: "one", Key: []byte{0, 1, 255}},
		}
		changed, err := repo.InsertDocument(t.Context(), "ID1", document, true, status)
		if err != nil {
			t.Fatal(mode, err)
		}
		found, err := repo.FindUser(t.Context(), repository.ByPhone("447900000001"))
		if err != nil {
			t.Fatal(mode, err)
		}
		labels, err := repo.Labels(t.Context(), "ID1")
		if err != nil || len(labels) != 3 {
			t.Fatal(mode, labels, err)
		}
		listed := []identity.User{{ID: found.ID}}
		if err := repo.LoadRelations(t.Context(), listed); err != nil {
			t.Fatal(mode, err)
		}
		if p := found.CurrentProfile(); p == nil || *p.FirstName != first || !p.DOB.Equal(dob) || string(p.Metadata) != metadata {
			t.Errorf("%s: the profile is %+v", mode, p)
		}
		if d := found.Documents; len(d) != 1 || !slices.Equal(d[0].Key, document.Key) || *d[0].Metadata != metadata || d[0].CreatedAt != now {
			t.Errorf("%s: the documents are %+v", mode, d)
		}
		answer, err := json.Marshal([]any{changed, found, labels, listed})
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, string(answer))
	}
	if answers[0] != answers[1] {
		t.Errorf("with prepared statements\n%s\nand without\n%s", answers[0], answers[1])
	}
}
