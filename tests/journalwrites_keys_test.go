package tests

import (
	"errors"
	"testing"
	"time"

	"barong/internal/identity"
	"barong/internal/journal"
	"barong/repository"
)

// Guards that a code leaves a row when it is accepted, and no other time; and that a switch of otp leaves
// one row.
func TestCodesAndSwitchesOfOTPAreRecorded(t *testing.T) {
	t.Parallel()
	w := newJournaledWrites(t)
	account := func(otp bool) *journal.Account {
		return &journal.Account{State: "active", Role: "member", OTP: otp}
	}
	w.expect("enabled", w.user.UID, func(repo *repository.Repository) error {
		return repo.EnableOTP(t.Context(), w.user.UID, []byte("sealed"), w.now)
	}, journal.Changes{Account: account(false), OTP: &journal.Change[bool]{New: true}, Fields: []string{"otp_secret"}})
	accept := func(want bool) func(*repository.Repository) error {
		return func(repo *repository.Repository) error {
			accepted, err := repo.AcceptOTPStep(t.Context(), w.user.UID, 7)
			if accepted != want {
				t.Errorf("accepted: %t", accepted)
			}
			return err
		}
	}
	w.expect("accepted", w.user.UID, accept(true), journal.Changes{Account: account(true)})
	w.expect("used before", "", accept(false))
	w.expect("accepted elsewhere", w.user.UID, func(repo *repository.Repository) error {
		return repo.RecordOTPCode(t.Context(), w.user.UID)
	}, journal.Changes{Account: account(true)})
	disable := func(repo *repository.Repository) error { return repo.DisableOTP(t.Context(), w.user.UID, w.now) }
	w.expect("disabled", w.user.UID, disable, journal.Changes{Account: account(true), OTP: &journal.Change[bool]{Old: true}, Fields: []string{"otp_secret"}})
	w.expect("disabled again", w.user.UID, disable, journal.Changes{})
}

// Guards that service accounts and their API keys leave one row for each change, under the uid of the
// account.
func TestServiceAccountsAndAPIKeysAreRecorded(t *testing.T) {
	t.Parallel()
	w := newJournaledWrites(t)
	robot := identity.ServiceAccount{UID: "SIROBOT00001", Email: "robot@example.com", Role: "service_account", Owner: &w.user, CreatedAt: w.now, UpdatedAt: w.now}
	held := func(old, value *string, owner string) journal.Changes {
		return journal.Changes{ServiceAccount: &journal.HeldChange{ID: robot.UID, Old: old, New: value, Owner: owner}}
	}
	active, inactive, disabled := pointer("active"), pointer("inactive"), pointer("disabled")
	create := func(stored bool) func(*repository.Repository) error {
		return func(repo *repository.Repository) error {
			was, err := repo.InsertServiceAccount(t.Context(), &robot)
			if was != stored {
				t.Errorf("stored: %t", was)
			}
			return err
		}
	}
	w.expectAnswer("created", robot.UID, `{"uid":"SIROBOT00001"}`, create(true), held(nil, active, w.user.UID))
	w.expect("created again", "", create(false))

	holders := repository.KeyHolders{Users: true, Accounts: true}
	key := identity.APIKey{KID: "kid1", Algorithm: "HS256", Scopes: []string{"a"}, Sealed: []byte("x"), State: "active", CreatedAt: w.now, UpdatedAt: w.now}
	w.expectAnswer("key", robot.UID, `{"kid":"kid1"}`, func(repo *repository.Repository) error {
		_, err := repo.InsertAPIKey(t.Context(), robot.UID, key, holders)
		return err
	}, journal.Changes{APIKeys: []journal.HeldChange{{ID: "kid1", New: active}}})
	update := func(change repository.KeyChange) func(*repository.Repository) error {
		return func(repo *repository.Repository) error {
			_, err := repo.UpdateAPIKey(t.Context(), robot.UID, "kid1", change, holders, w.now)
			return err
		}
	}
	w.expect("scopes", robot.UID, update(repository.KeyChange{Scopes: []string{"b"}}), journal.Changes{Fields: []string{"scopes"}, APIKeys: []journal.HeldChange{{ID: "kid1", Old: active, New: active}}})
	w.expect("the same scopes", robot.UID, update(repository.KeyChange{Scopes: []string{"b"}}), journal.Changes{})
	w.expect("inactive", robot.UID, update(repository.KeyChange{State: inactive}), journal.Changes{APIKeys: []journal.HeldChange{{ID: "kid1", Old: active, New: inactive}}})
	w.expect("read", "", update(repository.KeyChange{}))
	w.expect("resealed", robot.UID, func(repo *repository.Repository) error {
		return w.repo.SealedKeys(t.Context(), func(page []repository.SealedKey) error {
			_, err := repo.ReplaceSealed(t.Context(), page[0], []byte("y"))
			return err
		})
	}, journal.Changes{Fields: []string{"secret"}, APIKeys: []journal.HeldChange{{ID: "kid1", Old: inactive, New: inactive}}})

	second := newUser("grace@example.com")
	if err := w.repo.InsertUser(t.Context(), &second, func() string { return "IDGRACE00001" }); err != nil {
		t.Fatal(err)
	}
	own := func(uid string) func(*repository.Repository) error {
		return func(repo *repository.Repository) error {
			_, err := repo.SetServiceAccountOwner(t.Context(), robot.UID, uid, w.now)
			return err
		}
	}
	w.expect("another owner", robot.UID, own(second.UID), held(active, pointer("pending"), second.UID))
	w.expect("the same owner", robot.UID, own(second.UID), journal.Changes{})
	w.expect("an owner who is not there", "", func(repo *repository.Repository) error {
		if err := own("IDNOBODY0001")(repo); err == nil {
			t.Error("an owner who is not there was set")
		}
		return nil
	})
	w.expect("a key of a holder who is not active", "", update(repository.KeyChange{State: active}))
	disable := func(repo *repository.Repository) error {
		_, err := repo.DisableServiceAccount(t.Context(), robot.UID, w.now)
		return err
	}
	w.expect("disabled", robot.UID, disable, held(pointer("pending"), disabled, second.UID))
	w.expect("disabled again", robot.UID, disable, journal.Changes{})
}

// Guards that a record holds inside of a transaction, and that nothing of it is left when that fails.
func TestRecordHoldsInATransaction(t *testing.T) {
	t.Parallel()
	w := newJournaledWrites(t)
	write := func(repo *repository.Repository, fail bool) error {
		return repo.InTx(t.Context(), func(tx *repository.Repository) error {
			if _, err := tx.LockUser(t.Context(), w.user.UID); err != nil {
				return err
			}
			if _, err := tx.UpdateUser(t.Context(), w.user.UID, identity.UserChanges{Role: pointer("admin")}, w.now); err != nil || !fail {
				return err
			}
			return identity.ErrRecordNotFound
		})
	}
	w.expect("rolled back", "", func(repo *repository.Repository) error {
		if err := write(repo, true); err == nil {
			t.Error("the transaction was committed")
		}
		return nil
	})
	w.expect("committed", w.user.UID, func(repo *repository.Repository) error { return write(repo, false) }, journal.Changes{
		Account: w.account("active", "member"), Role: &journal.Change[string]{Old: "member", New: "admin"},
	})
}

// Guards that a write that the database aborts, at the write or at the commit, is executed once when it is
// repeated: one effect, one row, and its key is spent.
func TestAnAbortedWriteIsExecutedOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"40001", "40P01"} {
		for _, trigger := range []string{
			"CREATE TRIGGER aborts BEFORE INSERT ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION abort_twice()",
			"CREATE CONSTRAINT TRIGGER aborts AFTER INSERT ON journal_inbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION abort_twice()",
		} {
			w := newJournaledWrites(t)
			for _, sql := range []string{
				"CREATE SEQUENCE attempts", // a transaction that is aborted does not take its numbers back
				"CREATE FUNCTION abort_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('attempts') < 3 THEN RAISE EXCEPTION 'provoked' USING ERRCODE = '" + code + "'; END IF; RETURN NEW; END $$",
				trigger,
			} {
				if _, err := w.pool.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			key := journal.Key{ID: [32]byte{7}, Until: time.Now().Add(time.Hour), Enforced: true}
			put := func(value string) error {
				label := identity.Label{Key: "email", Value: value, Scope: identity.ScopePrivate, UpdatedAt: w.now}
				_, err := w.repo.Recorded(newRecord(t, key)).PutLabel(t.Context(), w.user.UID, label, true, w.status)
				return err
			}
			if err := put("verified"); err != nil {
				t.Fatalf("%s: %v", code, err)
			}
			if err := put("rejected"); !errors.Is(err, repository.ErrKeySpent) {
				t.Errorf("%s: with the same key again: %v", code, err)
			}
			var attempts, labels, rows, keys int
			err := w.pool.QueryRow(t.Context(), `SELECT last_value, (SELECT count(*) FROM labels WHERE value = 'verified'), (SELECT count(*) FROM journal_inbox),
				(SELECT count(*) FROM idempotency_keys) FROM attempts`).Scan(&attempts, &labels, &rows, &keys)
			if err != nil || attempts < 3 || labels != 1 || rows != 1 || keys != 1 {
				t.Errorf("%s: %d attempts, %d labels, %d rows and %d keys, %v", code, attempts, labels, rows, keys, err)
			}
		}
	}
}
