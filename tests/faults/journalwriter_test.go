package faults

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"barong/internal/identity"
	"barong/internal/journal"
	"barong/repository"
)

// journalWriterURL is the variable that makes this program a writer of a database in place of the tests.
const journalWriterURL = "BARONG_FAULTS_JOURNAL_WRITER"

// journaledUsers is the number of users that writers write to.
const journaledUsers = 6

func journaledUID(n int) string { return fmt.Sprintf("IDJOURNAL%03d", n) }

// journalWriter makes recorded writes of every kind until it is killed. Refused
// writes, such as an eleventh phone, are part of it.
type journalWriter struct {
	pool   *pgxpool.Pool
	repo   *repository.Repository
	status *repository.AccountStatus
}

// writeJournal writes with several goroutines until the process is killed. It returns only an error of the
// connection.
func writeJournal(url string) error {
	pool, err := repository.Open(context.Background(), url)
	if err != nil {
		return err
	}
	w := &journalWriter{pool, repository.New(pool), repository.NewAccountStatus(identity.DefaultPolicy())}
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for {
				writes := w.writes()
				_ = writes[random(int64(len(writes)))](context.Background(), w.recorded(), journaledUID(random(journaledUsers)))
			}
		})
	}
	running.Wait()
	return nil
}

// recorded is the repository with a record, and a key of its own.
func (w *journalWriter) recorded() *repository.Repository {
	key := journal.Key{Until: time.Now().Add(time.Hour), Enforced: true}
	rand.Read(key.ID[:])
	return w.repo.Recorded(&journal.Record{
		Entry: uuid.Must(uuid.NewV7()), At: time.Now(), Operation: "test", Form: journal.Command, Signers: []string{"cli:test"}, Keys: []journal.Key{key},
	})
}

func random(n int64) int {
	drawn, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		panic(err)
	}
	return int(drawn.Int64())
}

func name(prefix string) string { return prefix + strings.ToUpper(rand.Text()[:12]) }

// writes are the kinds of writes.
func (w *journalWriter) writes() []func(ctx context.Context, repo *repository.Repository, uid string) error {
	now := time.Now().UTC().Truncate(time.Second)
	file := func(kind string) identity.File {
		return identity.File{Filename: "a.png", ContentType: "image/png", Size: 1, Object: name(kind), Digest: make([]byte, 32)}
	}
	value := []string{"verified", "pending", "rejected"}[random(3)]
	number := fmt.Sprintf("4479%08d", random(12)) // so few that they collide
	holders := repository.KeyHolders{Users: true, Accounts: true}
	return []func(ctx context.Context, repo *repository.Repository, uid string) error{
		func(ctx context.Context, repo *repository.Repository, uid string) error {
			_, err := repo.PutLabel(ctx, uid, identity.Label{Key: "email", Value: value, Scope: identity.ScopePrivate, UpdatedAt: now}, true, w.status)
			return err
		},
		func(ctx context.Context, repo *repository.Repository, uid string) error {
			_, err := repo.DeleteLabel(ctx, uid, "email", identity.ScopePrivate, w.status, now)
			return err
		},
		func(ctx context.Context, repo *repository.Repository, uid string) error {
			role := []string{"member", "admin", "trader"}[random(3)]
			_, err := repo.UpdateUser(ctx, uid, identity.UserChanges{Role: &role}, now)
			return err
		},
		func(ctx context.Context, repo *repository.Repository, uid string) error {
			_, err := repo.InsertDocument(ctx, uid, identity.Document{Type: "Passport", Number: "1", File: file("doc-"), CreatedAt: now, UpdatedAt: now}, true, w.status)
			return err
		},
		func(ctx context.Context, repo *repository.Repository, uid string) error {
			review := []string{"verified", "rejected"}[random(2)]
			_, err := repo.InsertProfile(ctx, uid, identity.Profile{State: "partial", Review: review, CreatedAt: now, UpdatedAt: now}, w.status)
			return err
		},
		func(ctx context.Context, repo *repository.Repository, uid string) error {
			return repo.InsertPhone(ctx, uid, identity.Phone{Country: "GB", Number: number, ValidatedAt: &now, CreatedAt: now, UpdatedAt: now})
		},
		func(ctx context.Context, repo *repository.Repository, uid string) error {
			_, _, err := repo.DeletePhone(ctx, uid, []string{number})
			return err
		},
		func(ctx context.Context, repo *repository.Repository, uid string) error {
			return repo.InsertAttachment(ctx, &identity.Attachment{UserUID: &uid, File: file("att-"), CreatedAt: now, UpdatedAt: now})
		},
		func(ctx context.Context, repo *repository.Repository, _ string) error {
			state := identity.StateActive
			_, err := repo.InsertServiceAccount(ctx, &identity.ServiceAccount{
				UID: name("SI"), Email: name("robot") + "@example.com", Role: "member", OwnLevel: new(int), OwnState: &state, CreatedAt: now, UpdatedAt: now,
			})
			return err
		},
		func(ctx context.Context, repo *repository.Repository, uid string) error {
			_, err := repo.InsertAPIKey(ctx, uid, identity.APIKey{KID: name("kid"), Algorithm: "HS256", Scopes: []string{}, Sealed: []byte("x"), State: "active", CreatedAt: now, UpdatedAt: now}, holders)
			return err
		},
		func(ctx context.Context, repo *repository.Repository, uid string) error { // steps without a gap
			var last int64
			err := w.pool.QueryRow(ctx, "SELECT last_step FROM otp_secrets JOIN users ON users.id = user_id WHERE uid = $1", uid).Scan(&last)
			if err == nil {
				_, err = repo.AcceptOTPStep(ctx, uid, last+1)
			}
			return err
		},
	}
}
