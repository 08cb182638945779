package tests

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"barong/internal/identity"
	"barong/repository"
)

// trips counts how often somebody waits for the database: each time that
// something is sent after something was received.
type trips struct {
	mutex   sync.Mutex
	waiting bool
	n       int
}

type countedConn struct {
	net.Conn
	trips *trips
}

func (c countedConn) Write(p []byte) (int, error) {
	c.trips.mutex.Lock()
	if !c.trips.waiting {
		c.trips.waiting = true
		c.trips.n++
	}
	c.trips.mutex.Unlock()
	return c.Conn.Write(p)
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.trips.mutex.Lock()
	if n > 0 {
		c.trips.waiting = false
	}
	c.trips.mutex.Unlock()
	return n, err
}

// countedRepository works on a single connection, whose round trips it counts.
func countedRepository(t *testing.T, url string) (*repository.Repository, *trips) {
	t.Helper()
	config := newPool(t, url).Config()
	counted := &trips{}
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return countedConn{conn, counted}, err
	}
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return repository.New(pool), counted
}

func TestEveryOperationIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	repo, counted := countedRepository(t, url)
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Second)
	status := repository.NewAccountStatus(identity.DefaultPolicy())
	insert := func() (identity.User, error) {
		user := newUser(unique("user") + "@example.com")
		user.CreatedAt, user.UpdatedAt = now, now
		user.Phones = []identity.Phone{{Country: "GB", Number: unique("44790000"), ValidatedAt: &now}}
		user.Profile = &identity.Profile{State: "partial", Metadata: []byte(`{"a": 1}`)}
		user.Labels = []identity.Label{{Key: "profile", Value: "partial", Scope: identity.ScopePrivate, CreatedAt: now, UpdatedAt: now}}
		err := repo.InsertUser(ctx, &user, func() string { return identity.NewUID("ID") })
		return user, err
	}
	someone, err := insert()
	if err != nil {
		t.Fatal(err)
	}
	label := func(value string) identity.Label {
		return identity.Label{Key: "email", Value: value, Scope: identity.ScopePrivate, CreatedAt: now, UpdatedAt: now}
	}
	page := repository.Page{Number: 1, Size: 10}
	from := now.Unix()
	listed := []identity.User{{ID: someone.ID}}
	for name, operation := range map[string]func() error{
		"import":        func() error { _, err := insert(); return err },
		"get by uid":    func() error { _, err := repo.FindUser(ctx, repository.ByUID(someone.UID)); return err },
		"get by e-mail": func() error { _, err := repo.FindUser(ctx, repository.ByEmail(someone.Email)); return err },
		"get by phone":  func() error { _, err := repo.FindUser(ctx, repository.ByPhone(someone.Phones[0].Number)); return err },
		"labels":        func() error { _, err := repo.Labels(ctx, someone.UID); return err },
		"list":          func() error { _, _, err := repo.ListUsers(ctx, repository.Range{}, page); return err },
		"list by dates": func() error { _, _, err := repo.ListUsers(ctx, repository.Range{From: &from}, page); return err },
		"list by a filter": func() error {
			_, _, err := repo.FilterUsers(ctx, repository.UserFilter{Role: "member"}, repository.Range{}, page)
			return err
		},
		"relations of a page": func() error { return repo.LoadRelations(ctx, listed) },
		"filter": func() error {
			_, _, err := repo.FilterUsersByLabel(ctx, repository.LabelFilter{Key: "profile"}, repository.Range{}, page)
			return err
		},
		"filter by dates": func() error {
			_, _, err := repo.FilterUsersByLabel(ctx, repository.LabelFilter{Key: "profile"}, repository.Range{From: &from}, page)
			return err
		},
		"label created and deleted, in two": func() error {
			if err := repo.CreateLabel(ctx, someone.UID, identity.Label{Key: "fraud", Value: "yes", Scope: identity.ScopePrivate, CreatedAt: now, UpdatedAt: now}, status); err != nil {
				return err
			}
			counted.n-- // the first of the two
			_, err := repo.DeleteLabel(ctx, someone.UID, "fraud", identity.ScopePrivate, status, now)
			return err
		},
		"label updated": func() error {
			_, err := repo.PutLabel(ctx, someone.UID, label([]string{"verified", "pending"}[counted.n%2]), true, status)
			return err
		},
		"document": func() error {
			_, err := repo.InsertDocument(ctx, someone.UID, identity.Document{
				Type: "Passport", Number: "1", File: identity.File{Filename: "a.png", ContentType: "image/png", Size: 1, Object: unique("object")},
				CreatedAt: now, UpdatedAt: now,
			}, true, status)
			return err
		},
		"attachment": func() error {
			return repo.InsertAttachment(ctx, &identity.Attachment{
				UserUID: &someone.UID, File: identity.File{Filename: "a.png", ContentType: "image/png", Size: 1, Object: unique("object")},
				CreatedAt: now, UpdatedAt: now,
			})
		},
	} {
		// Statements are prepared, and totals of filters met, the first time.
		for attempt := range 3 {
			counted.n = 0
			if err := operation(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if attempt == 2 && counted.n != 1 {
				t.Errorf("%s took %d round trips", name, counted.n)
			}
		}
	}
}
