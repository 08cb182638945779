package tests

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"barong/internal/identity"
	"barong/internal/problem"
	"barong/repository"
)

// spellings are groups of e-mails that lead to one mailbox each.
var spellings = [][]string{
	{"Ada@bücher.example", "ADA@bu\u0308cher.EXAMPLE", "ada@xn--bcher-kva.example", `"ada"@bücher.example`, "ada@ＢÜcher.example"},
	{"joe@xn--bcher-kva.example", "joe@Bücher.example"},
	{"Élodie@b.example", "e\u0301lodie@b.example", "E\u0301LODIE@ｂ.example"},
	{`"a..b"@docomo.ne.jp`, `"\a..B"@DOCOMO.ne.jp`},
	{"john@example.com", `"John"@Example.com`, "john@ｅxample.com"},
}

func TestAllSpellingsOfAMailboxAreOneAccount(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		for _, same := range spellings {
			uid := a.user(parameters{"email": same[0]})
			for _, spelling := range same {
				a.call(f, "createUser", parameters{"email": spelling, "password": "Tecohvi0"}).
					refused(t, http.StatusUnprocessableEntity, "[Email has already been taken]")
				a.call(f, "importUser", parameters{"email": spelling, "password_digest": digest}).
					refused(t, http.StatusUnprocessableEntity, "User already exists by this email")
				found := a.call(f, "getUser", parameters{"email": spelling})
				if found.status != http.StatusCreated || found.object(t)["uid"] != uid || found.object(t)["email"] != same[0] {
					t.Errorf("%q found %d %s, want the user with %q", spelling, found.status, found.body, same[0])
				}
				if listed := a.call(f, "listUsers", parameters{"email": spelling}).list(t); len(listed) != 1 || listed[0]["uid"] != uid {
					t.Errorf("%q lists %v, want the user with %q", spelling, listed, same[0])
				}
			}
		}
	})
}

func TestOfTwoSpellingsOfAMailboxThatRaceOneBecomesAUser(t *testing.T) {
	t.Parallel()
	a := start(t)
	for round := range 10 {
		var wait sync.WaitGroup
		statuses := make([]int, 4)
		for i, domain := range []string{"bücher.example", "bu\u0308cher.example", "xn--bcher-kva.example", "ＢÜCHER.example"} {
			wait.Go(func() {
				statuses[i] = a.call(envelopeForm, "importUser", parameters{"email": fmt.Sprintf("racer%d@%s", round, domain), "password_digest": digest}).status
			})
		}
		wait.Wait()
		created := 0
		for _, status := range statuses {
			switch status {
			case http.StatusCreated:
				created++
			case http.StatusUnprocessableEntity:
			default:
				t.Errorf("answered %d", status)
			}
		}
		if created != 1 {
			t.Errorf("%d users share a mailbox: %v", created, statuses)
		}
	}
}

func TestSpellingsOfAMailboxInFilesAreOneAccount(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	line := func(email string) {
		fmt.Fprintf(&file, `{"email":%s,"password_digest":"%s"}`+"\n", marshal(t, email), digest)
	}
	for _, same := range spellings {
		for _, spelling := range same {
			line(spelling)
		}
	}
	for _, batch := range []string{"1", "3", "2000"} {
		b := newBulk(t)
		for _, options := range [][]string{{"--dry-run"}, {}} {
			stdout, _ := b.run(3, append([]string{"import", b.write("users.ndjson", file.String()), "--batch", batch}, options...)...)
			if want := fmt.Sprintf("%d ", len(spellings)); !strings.HasPrefix(stdout, want) {
				t.Errorf("batches of %s %v: %s, want %susers", batch, options, stdout, want)
			}
		}
		if n := b.count("SELECT count(*) FROM users WHERE email_key IS NULL"); n != 0 {
			t.Errorf("%d users have no key", n)
		}
		again, _ := b.run(3, "import", b.write("other.ndjson", file.String()), "--restart", "--batch", batch)
		if !strings.HasPrefix(again, "0 ") {
			t.Errorf("the same once more: %s", again)
		}
		exported, _ := b.run(0, "export")
		other := newBulk(t)
		other.run(0, "import", other.write("users.ndjson", exported))
	}
}

// olderServer inserts users as servers do that know no keys.
func olderServer(t *testing.T, pool *pgxpool.Pool, emails ...string) {
	t.Helper()
	for i, email := range emails {
		insertRows(t, pool, `INSERT INTO users (uid, email, email_folded, password_digest, created_at, updated_at) VALUES ($1, $2, $3, '', now(), now())`,
			fmt.Sprintf("OLD%d", i), email, identity.FoldEmail(email))
	}
}

func TestUsersOfOlderServersGetTheirKeysAndCollisionsAreListed(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo := repository.New(pool)
	olderServer(t, pool, "a@bücher.example", "a@bu\u0308cher.example", "A@xn--bcher-kva.example", "Élodie@b", "ascii@example.com", "e\u0301lodie@b", "lonely@bücher.example")
	uid := func(email string) string {
		user, err := repo.FindUser(t.Context(), repository.ByEmail(email))
		if err != nil {
			return err.Error()
		}
		return user.UID
	}
	before := map[string]string{
		"a@bücher.example": "OLD0", "A@BÜCHER.example": "OLD0", "a@bu\u0308cher.example": "OLD1", "a@xn--bcher-kva.example": "OLD2",
		"élodie@b": "OLD3", "e\u0301lodie@b": "OLD5", "ASCII@example.com": "OLD4", `"ascii"@ｅxample.com`: "OLD4", "lonely@bücher.example": "OLD6",
	}
	for email, want := range before {
		if got := uid(email); got != want {
			t.Errorf("before its key is there, %q finds %s, want %s", email, got, want)
		}
	}
	newcomer := newUser("ascii@ｅxample.com")
	if err := repo.InsertUser(t.Context(), &newcomer, func() string { return identity.NewUID("NEW") }); problem.KindOf(err) != problem.InvalidRecord {
		t.Errorf("a second account of a mailbox without a key: %v", err)
	}

	filled, err := repo.FillEmailKeys(t.Context())
	if err != nil || filled != 2 { // Élodie's and the lonely one's: the mailbox of the three is that of the ASCII address
		t.Errorf("%d keys were filled in, %v", filled, err)
	}
	if again, err := repo.FillEmailKeys(t.Context()); err != nil || again != 0 {
		t.Errorf("once more: %d, %v", again, err)
	}
	for email, want := range before { // whose account it is stays so
		if got := uid(email); got != want {
			t.Errorf("with its key, %q finds %s, want %s", email, got, want)
		}
	}
	for email, want := range map[string]string{"lonely@xn--bcher-kva.example": "OLD6", `"lonely"@BU` + "\u0308cher.example": "OLD6", "É" + "lodie@ｂ": "OLD3", "a@ＢÜcher.example": "OLD2"} {
		if got := uid(email); got != want {
			t.Errorf("%q finds %s, want %s", email, got, want)
		}
	}
	shared, err := repo.SharedMailboxes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, mailbox := range shared {
		for _, user := range mailbox.Users {
			listed = append(listed, mailbox.Key+" "+user.UID)
		}
	}
	if got, want := strings.Join(listed, ", "), "a@xn--bcher-kva.example OLD0, a@xn--bcher-kva.example OLD1, a@xn--bcher-kva.example OLD2, élodie@b OLD3, élodie@b OLD5"; got != want {
		t.Errorf("listed are %s, want %s", got, want)
	}
	for _, email := range []string{"lonely@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a@ＢÜcher.example"} {
		newcomer := newUser(email)
		if err := repo.InsertUser(t.Context(), &newcomer, func() string { return identity.NewUID("NEW") }); problem.KindOf(err) != problem.InvalidRecord {
			t.Errorf("a second account for %q: %v", email, err)
		}
	}
}

// In a rolling update an older server refuses only the spellings that are its own.
func TestMailboxesThatOlderServersGiveAwayTwiceAreListed(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{ // what the newer server stored first, what the older one let in
		{"a@bücher.example", "a@xn--bcher-kva.example"},
		{"a@ＢÜcher.example", "A@XN--bcher-kva.example"},
		{`"john"@example.com`, "john@example.com"},
		{"e\u0301lodie@b", "Élodie@b"},
		{"a@bücher.example", "a@bu\u0308cher.example"},
		{"a@xn--bcher-kva.example", "a@bücher.example"},
	} {
		pool := newPool(t, newDatabase(t))
		repo := repository.New(pool)
		first := newUser(pair[0])
		if err := repo.InsertUser(t.Context(), &first, func() string { return "NEW0" }); err != nil {
			t.Fatal(err)
		}
		lonely := newUser("b@bücher.example")
		if err := repo.InsertUser(t.Context(), &lonely, func() string { return "NEW1" }); err != nil {
			t.Fatal(err)
		}
		olderServer(t, pool, pair[1])
		if _, err := repo.FillEmailKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		shared, err := repo.SharedMailboxes(t.Context())
		if err != nil || len(shared) != 1 || len(shared[0].Users) != 2 || shared[0].Users[0].UID != "NEW0" || shared[0].Users[1].UID != "OLD0" {
			t.Errorf("%q: listed are %v, %v", pair, shared, err)
		}
	}
}

func TestKeysAreFilledInWhileServersWriteAndByManyAtOnce(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	insertRows(t, pool, `INSERT INTO users (uid, email, email_folded, password_digest, created_at, updated_at)
		SELECT 'OLD' || n, n || '@bücher.example', n || '@bücher.example', '', now(), now() FROM generate_series(1, 5000) AS n`)
	repo := repository.New(pool)
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			for try := range 5 { // three of them and newcomers may refuse each other a page too often
				_, err := repo.FillEmailKeys(t.Context())
				if err == nil {
					return
				}
				if kind := problem.KindOf(err); try == 4 || kind != problem.InvalidRecord && kind != problem.Unavailable {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Go(func() { // newcomers of the same mailboxes: some before their key is there, some after
		for n := 1; n <= 5000; n += 50 {
			user := newUser(fmt.Sprintf("%d@xn--bcher-kva.example", n))
			err := repo.InsertUser(t.Context(), &user, func() string { return identity.NewUID("ID") })
			if err != nil && problem.KindOf(err) != problem.InvalidRecord {
				t.Error(err)
			}
		}
	})
	wait.Wait()
	shared, err := repo.SharedMailboxes(t.Context())
	var missing, accounts int
	if scan := pool.QueryRow(t.Context(), "SELECT count(*) FILTER (WHERE email_key IS NULL), count(*) FROM users").Scan(&missing, &accounts); scan != nil || err != nil {
		t.Fatal(scan, err)
	}
	if missing != len(shared) || accounts != 5000+len(shared) {
		t.Errorf("%d of %d users have no key, and %d mailboxes are shared", missing, accounts, len(shared))
	}
}

func TestServerFillsInKeysAndTheCommandLineListsCollisions(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": url}
	pool := newPool(t, url)
	if stdout, _, _ := barong(t, settings, "users", "collisions"); stdout != "every account has a mailbox of its own\n" {
		t.Errorf("without users: %s", stdout)
	}
	olderServer(t, pool, "a@bücher.example", "a@bu\u0308cher.example", "lonely@bücher.example")
	p := serve(t, settings)
	eventually(t, "the server computes keys and warns", func() bool {
		log := p.log.String()
		return strings.Contains(log, "keys of e-mails computed") && strings.Contains(log, "barong users collisions")
	})
	stdout, _, status := barong(t, settings, "users", "collisions")
	for _, want := range []string{"a@xn--bcher-kva.example", "OLD0", "OLD1", "a@bücher.example", "pending"} {
		if !strings.Contains(stdout, want) || strings.Contains(stdout, "OLD2") || status != 0 {
			t.Errorf("%d, and the list has no %s, or too much:\n%s", status, want, stdout)
		}
	}
	if stdout, _, _ := barong(t, settings, "migrate", "up"); !strings.Contains(stdout, "1 mailboxes have several accounts") {
		t.Errorf("migrate up says %s", stdout)
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}
