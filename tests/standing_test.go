package tests

import (
	"math/rand/v2"
	"testing"
	"time"

	"barong/internal/identity"
	"barong/repository"
)

// The policy of package identity is what defines level and state; the database
// computes them. Keys are few and alike, so that they meet often: beginnings of
// each other, and with characters that a pattern of SQL would take for more.
func TestDatabaseComputesTheStandingThatThePolicyDefines(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo := repository.New(pool)
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	key := func() string {
		return pick("ban", "ban_", "bank", "ban_k", "banxk", "b_n", "email", "Email ", "phone", "lock", "lock-1", "l%", "страх", "стр")
	}
	trigger := func() string { return key() + pick("", "", "*") }
	value := func() string { return pick("yes", "no", "yes_", " YES") }
	requirements := func() []identity.Requirement {
		var some []identity.Requirement
		for range random.IntN(4) {
			some = append(some, identity.Requirement{Key: key(), Value: value()})
		}
		return some
	}
	now := time.Now().UTC()
	states := map[string]int{}
	for range 300 {
		policy := identity.Policy{ActivationRequirements: requirements(), Levels: requirements()}
		for range random.IntN(4) {
			next := identity.Trigger{State: pick("banned", "it's", "locked")}
			for range random.IntN(4) {
				next.Keys = append(next.Keys, trigger())
			}
			policy.StateTriggers = append(policy.StateTriggers, next)
		}
		user := newUser(unique("user") + "@example.com")
		user.CreatedAt, user.UpdatedAt = now, now
		taken := map[string]bool{}
		for range random.IntN(6) {
			l := identity.Label{Key: identity.NormalizeLabel(key()), Value: identity.NormalizeLabel(value()), Scope: pick("private", "private", "public")}
			if !taken[l.Key+l.Scope] {
				taken[l.Key+l.Scope] = true
				user.Labels = append(user.Labels, l)
			}
		}
		if err := repo.InsertUser(t.Context(), &user, func() string { return identity.NewUID("ID") }); err != nil {
			t.Fatal(err)
		}
		change := identity.Label{Key: "neutral", Value: "one", Scope: identity.ScopePrivate, CreatedAt: now, UpdatedAt: now}
		if _, err := repo.PutLabel(t.Context(), user.UID, change, true, repository.NewAccountStatus(policy)); err != nil {
			t.Fatal(err)
		}
		found, err := repo.FindUser(t.Context(), repository.ByUID(user.UID))
		if err != nil {
			t.Fatal(err)
		}
		if level, state := policy.Level(found.Labels), policy.State(found.Labels); found.Level != level || found.State != state {
			t.Errorf("seed %d: the database says %d, %s, the policy %d, %s\n%+v\n%+v", seed, found.Level, found.State, level, state, policy, found.Labels)
		}
		states[found.State]++
	}
	if len(states) < 5 {
		t.Errorf("only these states came up: %v", states)
	}
}

// Another server is in the middle of a change: it has the lock, and a label that
// nobody sees yet.
func TestChangeOfALabelSeesWhatTheOneBeforeItLeft(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo := repository.New(pool)
	status := repository.NewAccountStatus(identity.DefaultPolicy())
	user := newUser("ada@example.com")
	if err := repo.InsertUser(t.Context(), &user, func() string { return "ID1" }); err != nil {
		t.Fatal(err)
	}
	other, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Rollback(t.Context()) }()
	for _, statement := range []string{
		`SELECT id FROM users WHERE uid = 'ID1' FOR NO KEY UPDATE`,
		`INSERT INTO labels (user_id, key, value, scope, created_at, updated_at) SELECT id, 'email', 'verified', 'private', now(), now() FROM users`,
	} {
		if _, err := other.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error)
	go func() {
		_, err := repo.PutLabel(t.Context(), "ID1", identity.Label{Key: "phone", Value: "verified", Scope: identity.ScopePrivate}, true, status)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if found, err := repo.FindUser(t.Context(), repository.ByUID("ID1")); err != nil || found.Level != 2 || found.State != identity.StateActive {
		t.Errorf("level %d, state %s, %v", found.Level, found.State, err)
	}
}
