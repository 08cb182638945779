package tests

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"barong/internal/identity"
	"barong/internal/problem"
	"barong/repository"
)

// A constraint that is violated puts the value into the database's log, whole.
func TestTakenEmailsAndNumbersBreakNoConstraint(t *testing.T) {
	t.Parallel()
	repo := repository.New(newPool(t, newDatabase(t)))
	add := func(repo *repository.Repository, uid, email, number string) error {
		user := newUser(email)
		if number != "" {
			user.Phones = []identity.Phone{{Country: "DE", Number: number, ValidatedAt: &user.CreatedAt}}
		}
		return repo.InsertUser(t.Context(), &user, func() string { return uid })
	}
	if err := add(repo, "ID1", "ada@example.com", "4915112345678"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		uid, email, number string
		want               problem.Violation
	}{
		{"ID2", "ADA@example.com", "", identity.EmailTaken},
		{"ID3", "bob@example.com", "4915112345678", identity.PhoneTaken},
		{"ID4", "ada@example.com", "4915112345678", identity.EmailTaken},
	} {
		// In a transaction that a violated constraint would break.
		err := repo.InTx(t.Context(), func(tx *repository.Repository) error {
			err := add(tx, c.uid, c.email, c.number)
			if want := problem.Invalid(c.want); err == nil || err.Error() != want.Error() {
				t.Errorf("%s, %s: %v", c.email, c.number, err)
			}
			taken, err := tx.EmailTaken(t.Context(), "ada@example.com")
			if !taken {
				t.Errorf("%s, %s broke the transaction: %v", c.email, c.number, err)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s, %s: %v", c.email, c.number, err)
		}
	}
	if err := add(repo, "ID5", "bob@example.com", "4915112345679"); err != nil {
		t.Error(err)
	}
}

// The server's own log is searched by others; this is the one of its database.
func TestLogOfThePrivatePostgresHoldsNoUsersData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := map[string]string{"BARONG_DATA_DIR": dir, "BARONG_BCRYPT_COST": "4"}
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	const email, number = "grace.hopper@navy.example", "4915112345678"
	var callers sync.WaitGroup
	for range 6 { // at once, so that some get past the questions before
		callers.Go(func() {
			barong(t, settings, "call", "createUser", "email="+email, "password=xK9mQ2vLfae5")
			barong(t, settings, "call", "importUser", "email="+unique("u")+"@navy.example", "phone="+number, "password_digest="+digest)
			barong(t, settings, "call", "importUser", "email="+email, "phone="+number, "password_digest="+digest)
		})
	}
	callers.Wait()
	users := filepath.Join(dir, "users.ndjson")
	row := `{"email":"` + email + `","phone":"` + number + `","password_digest":"` + digest + `"}` + "\n"
	if err := os.WriteFile(users, []byte(row+row), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, stderr, exit := barong(t, settings, "import", users); exit != 3 {
		t.Errorf("import: %d %s %s", exit, out, stderr)
	}
	p.signal(syscall.SIGTERM)
	p.stops()
	log, err := os.ReadFile(filepath.Join(dir, "postgres", "postgres.log"))
	if err != nil || !strings.Contains(string(log), "ready to accept connections") {
		t.Fatalf("%v: %s", err, log)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "navy.example") || strings.Contains(line, number) {
			t.Errorf("the database's log has %s", line)
		}
	}
}
