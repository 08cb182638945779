package tests

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"barong/internal/identity"
	"barong/internal/keys"
	"barong/internal/long"
	"barong/repository"
)

// second is another server on the database of the first.
func (a *api) secondServer(s keySettings) *api {
	a.t.Helper()
	return start(a.t, func(o *setup) { o.apiKeys, o.pool = s, a.pool })
}

// activeKeysOfInactiveHolders counts what must never be.
func (a *api) activeKeysOfInactiveHolders() (n int) {
	a.t.Helper()
	if err := a.pool.QueryRow(a.t.Context(), `SELECT count(*) FROM api_keys k
		LEFT JOIN users u ON u.id = k.user_id LEFT JOIN service_accounts s ON s.id = k.service_account_id LEFT JOIN users o ON o.id = s.owner_id
		WHERE k.state = 'active' AND coalesce(u.state, s.state, o.state) <> 'active'`).Scan(&n); err != nil {
		a.t.Fatal(err)
	}
	return n
}

// raceRounds is how often each pair of operations races.
const raceRounds = 1000

// Two servers on one database: the one makes or activates a key while the other takes the right to
// have it away. Whatever comes first, no active key is left.
func TestNoKeyIsActiveWhoseHolderIsNot(t *testing.T) {
	t.Parallel()
	long.Test(t)
	settings := keySettings{users: true, accounts: true, sealer: sealerOf(t, keys.NewURL())}
	a := start(t, func(s *setup) { s.apiKeys = settings })
	b := a.secondServer(settings)
	inactive := a.user(nil)
	for name, take := range map[string]func(owner, robot string) answer{
		"a ban": func(owner, _ string) answer {
			return b.call(jsonForm, "createLabel", parameters{"user_uid": owner, "key": "fraud", "value": "yes"})
		},
		"deletion": func(_, robot string) answer {
			return b.call(jsonForm, "deleteServiceAccount", parameters{"uid": robot})
		},
		"an inactive owner": func(_, robot string) answer {
			return b.call(jsonForm, "updateServiceAccount", parameters{"uid": robot, "owner_uid": inactive})
		},
		"another owner who is banned meanwhile": func(owner, robot string) answer {
			next := b.activeUser()
			var banning sync.WaitGroup
			banning.Go(func() { a.call(jsonForm, "createLabel", parameters{"user_uid": next, "key": "fraud", "value": "yes"}) })
			defer banning.Wait()
			return b.call(jsonForm, "updateServiceAccount", parameters{"uid": robot, "owner_uid": next})
		},
	} {
		created, refused := 0, 0
		for round := range raceRounds {
			owner := a.activeUser()
			robot := a.robot(parameters{"owner_uid": owner})
			holder := []string{robot, owner}[round%2]
			if name != "a ban" {
				holder = robot
			}
			var kid string
			if round%4 >= 2 {
				kid = a.key(holder)
				a.must("updateAPIKey", parameters{"uid": holder, "kid": kid, "state": "inactive"})
			}
			var made, taken answer
			var racing sync.WaitGroup
			racing.Go(func() { taken = take(owner, robot) })
			racing.Go(func() {
				if kid != "" {
					made = a.call(jsonForm, "updateAPIKey", parameters{"uid": holder, "kid": kid, "state": "active"})
				} else {
					made = a.call(jsonForm, "createAPIKey", parameters{"uid": holder, "algorithm": "HS256"})
				}
			})
			racing.Wait()
			if taken.status != http.StatusCreated || made.status >= 500 {
				t.Fatalf("%s: %s, and the key %s", name, taken, made)
			}
			if made.status == http.StatusCreated {
				created++
			} else {
				refused++
			}
		}
		if n := a.activeKeysOfInactiveHolders(); n != 0 {
			t.Errorf("%s: %d active keys of inactive holders", name, n)
		}
		t.Logf("%s: %d keys came first, %d came too late", name, created, refused)
	}
}

// otp goes off while keys are made: a key that was there before is inactive, and one that is active
// was made afterwards.
func TestNoKeySurvivesThatOTPGoesOff(t *testing.T) {
	t.Parallel()
	long.Test(t)
	a := startWithKeys(t)
	for range raceRounds {
		owner := a.activeUser()
		a.enroll(owner)
		kid := a.key(owner)
		var made answer
		var racing sync.WaitGroup
		racing.Go(func() { made = a.call(jsonForm, "createAPIKey", parameters{"uid": owner, "algorithm": "HS256"}) })
		racing.Go(func() {
			if err := a.codes.Disable(t.Context(), owner); err != nil {
				t.Error(err)
			}
		})
		racing.Wait()
		if made.status != http.StatusCreated {
			t.Fatal(made)
		}
		if state := a.keyState(kid); state != "inactive" {
			t.Fatalf("a key of before is %s", state)
		}
	}
}

// Each operation that takes the right to have an active key away waits for one that is in the middle
// of making a key, and its key goes too.
func TestKeyThatIsBeingMadeGoesWithItsHolder(t *testing.T) {
	t.Parallel()
	a := startWithKeys(t)
	repo := repository.New(a.pool)
	allowed := repository.KeyHolders{Users: true, Accounts: true}
	for name, take := range map[string]func(owner, robot string){
		"a ban":    func(owner, _ string) { a.label(owner, "fraud", "yes") },
		"deletion": func(_, robot string) { a.must("deleteServiceAccount", parameters{"uid": robot}) },
		"an inactive owner": func(_, robot string) {
			a.must("updateServiceAccount", parameters{"uid": robot, "owner_uid": a.user(nil)})
		},
		"otp goes off": func(owner, _ string) {
			if err := a.codes.Disable(t.Context(), owner); err != nil {
				t.Error(err)
			}
		},
	} {
		owner := a.activeUser()
		a.enroll(owner)
		robot := a.robot(parameters{"owner_uid": owner})
		kid := unique("kid")
		done := make(chan struct{})
		err := repo.InTx(t.Context(), func(tx *repository.Repository) error {
			now := time.Now().UTC()
			key := identity.APIKey{KID: kid, Algorithm: "HS256", Scopes: []string{}, Sealed: []byte("x"), State: "active", CreatedAt: now, UpdatedAt: now}
			if stored, err := tx.InsertAPIKey(t.Context(), robot, key, allowed); err != nil || !stored {
				t.Fatalf("%s: %t %v", name, stored, err)
			}
			go func() {
				defer close(done)
				take(owner, robot)
			}()
			select {
			case <-done:
				t.Errorf("%s: it did not wait", name)
			case <-time.After(100 * time.Millisecond):
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		<-done
		if state := a.keyState(kid); state != "inactive" {
			t.Errorf("%s: the key is %s", name, state)
		}
	}
}
