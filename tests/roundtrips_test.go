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
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false } // which an idle second would add
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return repository.New(pool), counted
}

// Guards that an operation is one round trip, with a record or without.
func TestEveryOperationIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	plain, counted := countedRepository(t, url)
	repo := plain
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Second)
	status := repository.NewAccountStatus(identity.DefaultPolicy())
	insert := func() (identity.User, error) {
		user := newUser(unique("user") + "@example.com")
		user.CreatedAt, user.UpdatedAt = now, now
		user.Phones = []identity.Phone{{Country: "GB", Number: unique("44790000"), ValidatedAt: &now}}
		user.Profiles = []identity.Profile{{State: "partial", Review: "drafted", Metadata: []byte(`{"a": 1}`)}}
		user.Labels = []identity.Label{{Key: "profile", Value: "partial", Scope: identity.ScopePrivate, CreatedAt: now, UpdatedAt: now}}
		err := repo.InsertUser(ctx, &user, func() string { return identity.NewUID("ID") })
		return user, err
	}
	someone, err := insert()
	if err != nil {
		t.Fatal(err)
	}
	newRobot := func() identity.ServiceAccount {
		return identity.ServiceAccount{UID: unique("Robot"), Email: unique("robot") + "@example.com", Role: "member", Owner: &someone, CreatedAt: now, UpdatedAt: now}
	}
	robot, disabled := newRobot(), newRobot()
	for _, account := range []*identity.ServiceAccount{&robot, &disabled} {
		if stored, err := repo.InsertServiceAccount(ctx, account); err != nil || !stored {
			t.Fatal(stored, err)
		}
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
		"profile": func() error {
			p := identity.Profile{State: "partial", Review: []string{"verified", "rejected"}[counted.n%2], CreatedAt: now, UpdatedAt: now}
			_, err := repo.InsertProfile(ctx, someone.UID, p, status)
			return err
		},
		"latest profile": func() error { _, err := repo.LatestProfile(ctx, someone.UID); return err },
		"user updated": func() error {
			_, err := repo.UpdateUser(ctx, someone.UID, identity.UserChanges{Data: &someone.UID}, now)
			return err
		},
		"phones": func() error { _, err := repo.Phones(ctx, someone.UID); return err },
		"phone added and deleted, in two": func() error {
			phone := identity.Phone{Country: "GB", Number: "442079460018", ValidatedAt: &now, CreatedAt: now, UpdatedAt: now}
			if err := repo.InsertPhone(ctx, someone.UID, phone); err != nil {
				return err
			}
			counted.n-- // the first of the two
			_, _, err := repo.DeletePhone(ctx, someone.UID, []string{phone.Number})
			return err
		},
		"service account by uid":    func() error { _, err := repo.ServiceAccount(ctx, robot.UID); return err },
		"service account by e-mail": func() error { _, err := repo.ServiceAccountByEmail(ctx, robot.Email); return err },
		"service account created": func() error {
			account := newRobot()
			_, err := repo.InsertServiceAccount(ctx, &account)
			return err
		},
		"service accounts listed": func() error {
			_, _, err := repo.ListServiceAccounts(ctx, repository.OwnerFilter{UID: someone.UID}, page)
			return err
		},
		"another owner": func() error {
			_, err := repo.SetServiceAccountOwner(ctx, robot.UID, someone.UID, now)
			return err
		},
		"service account disabled": func() error { _, err := repo.DisableServiceAccount(ctx, disabled.UID, now); return err },
		"API key created": func() error {
			key := identity.APIKey{KID: unique("kid"), Algorithm: "HS256", Scopes: []string{}, Sealed: []byte("x"), State: "active", CreatedAt: now, UpdatedAt: now}
			_, err := repo.InsertAPIKey(ctx, robot.UID, key, repository.KeyHolders{Accounts: true})
			return err
		},
		"API key updated": func() error {
			_, err := repo.UpdateAPIKey(ctx, robot.UID, "none", repository.KeyChange{Scopes: []string{"a"}}, repository.KeyHolders{Accounts: true}, now)
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
		for attempt := range 6 {
			counted.n = 0
			repo = plain
			if attempt >= 3 {
				repo = plain.Recorded(newRecord(t))
			}
			if err := operation(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if (attempt == 2 || attempt == 5) && counted.n != 1 {
				t.Errorf("%s took %d round trips in attempt %d", name, counted.n, attempt)
			}
		}
	}
}
