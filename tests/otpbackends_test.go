package tests

import (
	"errors"
	"os"
	"testing"
	"time"

	"barong/internal/otp"
	"barong/repository"
)

// What every backend must do, whatever keeps its secrets. With
// BARONG_TEST_VAULT_ADDR and BARONG_TEST_VAULT_TOKEN a real Vault or OpenBao,
// whose TOTP engine is enabled, is asked too. A real one has its own clock: no
// test here sets it, and all keep two steps away from what is right by a hair.
func TestOTPBackendsDoTheSame(t *testing.T) {
	t.Parallel()
	backends := map[string]func(*repository.Repository, func() time.Time) otp.Backend{
		"database": local(t),
		"vault":    inVault(func(clock func() time.Time) string { return newVaultServer(t, clock).URL }, vaultToken),
	}
	if address := os.Getenv("BARONG_TEST_VAULT_ADDR"); address != "" {
		backends["real vault"] = inVault(func(func() time.Time) string { return address }, os.Getenv("BARONG_TEST_VAULT_TOKEN"))
	}
	for name, codes := range backends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, func(s *setup) { s.codes = codes })
			for name, test := range backendTests {
				t.Run(name, func(t *testing.T) { test(t, a) })
			}
		})
	}
}

// check fails the test unless the backend comes to this verdict.
func check(t *testing.T, a *api, uid, code string, want otp.Verdict) {
	t.Helper()
	if got, err := a.codes.Check(t.Context(), uid, code); err != nil || got != want {
		t.Errorf("%s: verdict %d, %v; want %d", code, got, err, want)
	}
}

func unknown(t *testing.T, a *api, uid, code string) {
	t.Helper()
	if verdict, err := a.codes.Check(t.Context(), uid, code); err == nil || err.(interface{ Message() string }).Message() != wrongCode {
		t.Errorf("without a secret: verdict %d, %v", verdict, err)
	}
}

var backendTests = map[string]func(t *testing.T, a *api){
	"a right code counts once": func(t *testing.T, a *api) {
		uid, secret := a.enrolled()
		check(t, a, uid, a.wrong(secret), otp.Wrong)
		check(t, a, uid, a.code(secret, 0), otp.Right)
		check(t, a, uid, a.code(secret, 0), otp.Used)
	},
	"a code that was accepted is recorded, and no other": func(t *testing.T, a *api) {
		uid, secret := a.enrolled()
		for _, step := range []struct {
			code string
			rows int
		}{{a.wrong(secret), 0}, {a.code(secret, 0), 1}, {a.code(secret, 0), 0}} {
			record := newRecord(t)
			verifier, err := otp.NewVerifier(a.codes, repository.New(a.pool), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = verifier.On(repository.New(a.pool).Recorded(record)).Verify(t.Context(), uid, step.code)
			var rows int
			err = a.pool.QueryRow(t.Context(), "SELECT count(*) FROM journal_inbox WHERE entry = $1 AND uid = $2", record.Entry, uid).Scan(&rows)
			if err != nil || rows != step.rows {
				t.Errorf("%s left %d rows, want %d: %v", step.code, rows, step.rows, err)
			}
		}
	},
	"one step of drift": func(t *testing.T, a *api) {
		uid, secret := a.enrolled()
		check(t, a, uid, a.code(secret, -90*time.Second), otp.Wrong)
		check(t, a, uid, a.code(secret, 90*time.Second), otp.Wrong)
		check(t, a, uid, a.code(secret, 0), otp.Right)
		check(t, a, uid, a.code(secret, 30*time.Second), otp.Right)
	},
	"users do not share secrets": func(t *testing.T, a *api) {
		uid, secret := a.enrolled()
		other, theirs := a.enrolled()
		check(t, a, other, a.code(secret, 0), otp.Wrong)
		check(t, a, uid, a.code(theirs, 0), otp.Wrong)
		check(t, a, uid, a.code(secret, 0), otp.Right)
	},
	"no secret": func(t *testing.T, a *api) {
		uid := a.user(nil)
		unknown(t, a, uid, "123456")
		if there, err := a.codes.Enrolled(t.Context(), uid); err != nil || there {
			t.Errorf("%t %v", there, err)
		}
		if err := a.codes.Disable(t.Context(), uid); err != nil {
			t.Errorf("nothing to forget: %v", err)
		}
	},
	"a secret is replaced and forgotten": func(t *testing.T, a *api) {
		uid, old := a.enrolled()
		secret := otp.NewSecret()
		if err := a.codes.Enroll(t.Context(), uid, "ada@example.com", secret); err != nil {
			t.Fatal(err)
		}
		check(t, a, uid, a.code(old, 0), otp.Wrong)
		check(t, a, uid, a.code(secret, 0), otp.Right)
		if there, err := a.codes.Enrolled(t.Context(), uid); err != nil || !there {
			t.Errorf("%t %v", there, err)
		}
		if user := a.must("getUser", parameters{"uid": uid}).object(t); user["otp"] != true {
			t.Error("otp is not on")
		}
		before := a.must("getUser", parameters{"uid": uid}).object(t)["updated_at"]
		a.clock.Advance(0)
		if err := a.codes.Disable(t.Context(), uid); err != nil {
			t.Fatal(err)
		}
		unknown(t, a, uid, a.code(secret, 0))
		user := a.must("getUser", parameters{"uid": uid}).object(t)
		if user["otp"] != false || user["updated_at"].(string) < before.(string) {
			t.Errorf("otp is not off: %v", user)
		}
	},
	"secrets of other lengths": func(t *testing.T, a *api) {
		for _, text := range []string{"JBSWY3DPEHPK3PXP", "gezdgnbv gy3tqojq gezdgnbv gy3tqojq", "MZXW6YTBOJRGC6RAMZXW6YTBOI======"} {
			secret, err := otp.ParseSecret(text)
			if err != nil {
				t.Fatal(err)
			}
			uid := a.user(nil)
			if err := a.codes.Enroll(t.Context(), uid, "ada@example.com", secret); err != nil {
				t.Fatal(err)
			}
			check(t, a, uid, a.code(secret, 0), otp.Right)
		}
	},
	"nobody to enroll": func(t *testing.T, a *api) {
		if err := a.codes.Enroll(t.Context(), "ID0000000000", "x", otp.NewSecret()); err == nil || errors.Is(err, otp.ErrMaintenance) {
			t.Error(err)
		}
		if err := a.codes.Disable(t.Context(), "ID0000000000"); err == nil {
			t.Error("nobody was disabled")
		}
	},
}
