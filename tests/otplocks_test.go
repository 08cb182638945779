package tests

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"barong/internal/otp"
	"barong/internal/problem"
	"barong/repository"
)

func TestOTPIsLockedAfterFiveFailuresForAGrowingTime(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	fail := func() {
		t.Helper()
		a.sign(jsonForm, uid, a.wrong(secret), "").refused(t, http.StatusUnprocessableEntity, wrongCode)
	}
	for range 5 {
		fail()
	}
	for _, lock := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		lock *= time.Minute
		for _, code := range []string{a.wrong(secret), a.code(secret, 0), "1"} {
			a.locked(uid, code, lock)
		}
		a.lockShortened(lock - 30*time.Second)
		a.locked(uid, a.code(secret, 0), 30*time.Second)
		a.lockShortened(30 * time.Second)
		fail()
	}
	a.lockShortened(time.Hour)
	a.verifiedAs(attested, a.sign(jsonForm, uid, a.code(secret, 0), "")) // which starts the count afresh
	for range 4 {
		fail()
	}
	a.clock.Advance(time.Minute)
	a.verifiedAs(attested, a.sign(jsonForm, uid, a.code(secret, 0), ""))
	other, theirs := a.enrolled()
	for range 6 {
		a.sign(jsonForm, uid, a.wrong(secret), "")
	}
	a.verifiedAs(attested, a.sign(jsonForm, other, a.code(theirs, 0), "")) // a lock is one user's
}

// locked fails the test unless a code is refused for about as long as this.
func (a *api) locked(uid, code string, lock time.Duration) {
	a.t.Helper()
	got := a.sign(jsonForm, uid, code, "")
	got.refused(a.t, http.StatusTooManyRequests, lockedOut)
	seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
	if wait := time.Duration(seconds) * time.Second; err != nil || wait > lock || wait < lock-25*time.Second {
		a.t.Errorf("Retry-After is %q, the lock %s", got.header.Get("Retry-After"), lock)
	}
}

// lockShortened moves all locks to the past, as time that passes would: the clock of
// the database is nobody's to set.
func (a *api) lockShortened(by time.Duration) {
	a.t.Helper()
	if _, err := a.pool.Exec(a.t.Context(), "UPDATE otp_failures SET locked_until = locked_until - make_interval(secs => $1)", by.Seconds()); err != nil {
		a.t.Fatal(err)
	}
}

// TestOTPLocksGoByTheClockOfTheDatabase asks two servers whose clocks are hours apart,
// on one database. The clock of a server decides which code is right, and no more.
func TestOTPLocksGoByTheClockOfTheDatabase(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"an hour ahead": time.Hour, "an hour behind": -time.Hour, "a second ahead": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			uid, secret := a.enrolled()
			repo := repository.New(a.pool)
			verifier := func(skew time.Duration) (*otp.Verifier, func() time.Time) {
				clock := func() time.Time { return a.clock.Now().Add(skew) }
				v, err := otp.NewVerifier(skewed{a.codes, secret, clock}, repo, nil)
				if err != nil {
					t.Fatal(err)
				}
				return v, clock
			}
			right, _ := verifier(0)
			wrong, wrongClock := verifier(skew)
			if err := wrong.Verify(t.Context(), uid, a.wrong(secret)); problem.KindOf(err) != problem.Rejected {
				t.Fatal(err)
			}
			code, err := totp.GenerateCode(string(secret), a.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			if err := right.Verify(t.Context(), uid, code); err != nil {
				t.Errorf("one wrong code, and a server whose clock is %s: %v", name, err)
			}
			// A lock of one server is one of the other's, and lasts as long.
			for range 5 {
				if err := wrong.Verify(t.Context(), uid, a.wrong(secret)); problem.KindOf(err) != problem.Rejected {
					t.Fatal(err)
				}
			}
			for _, v := range []*otp.Verifier{right, wrong} {
				var refused *problem.Error
				if err := v.Verify(t.Context(), uid, "000000"); !errors.As(err, &refused) || refused.Kind != problem.TooManyRequests ||
					refused.RetryAfter > time.Minute || refused.RetryAfter < 30*time.Second {
					t.Errorf("under the lock: %v %+v", err, refused)
				}
			}
			a.lockShortened(time.Minute)
			code, err = totp.GenerateCode(string(secret), wrongClock())
			if err != nil {
				t.Fatal(err)
			}
			if err := wrong.Verify(t.Context(), uid, code); err != nil {
				t.Errorf("after the lock: %v", err)
			}
		})
	}
}

// skewed is a backend whose codes are right by a clock of its own.
type skewed struct {
	otp.Backend
	secret otp.Secret
	clock  func() time.Time
}

func (s skewed) Check(_ context.Context, _, code string) (otp.Verdict, error) {
	if _, ok := s.secret.Step(code, s.clock()); ok {
		return otp.Right, nil
	}
	return otp.Wrong, nil
}

func TestOTPUsedCodeNeitherLocksNorClears(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	a.verifiedAs(attested, a.sign(jsonForm, uid, a.code(secret, 0), ""))
	for range 4 {
		a.sign(jsonForm, uid, a.wrong(secret), "").refused(t, http.StatusUnprocessableEntity, wrongCode)
	}
	for range 10 {
		a.sign(jsonForm, uid, a.code(secret, 0), "").refused(t, http.StatusUnprocessableEntity, usedCode)
	}
	a.sign(jsonForm, uid, a.wrong(secret), "").refused(t, http.StatusUnprocessableEntity, wrongCode)
	a.sign(jsonForm, uid, a.wrong(secret), "").refused(t, http.StatusTooManyRequests, lockedOut)
}

func TestOTPGuessersWhoAskAtOnceLearnNoMoreThanFiveAnswers(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	answers := concurrently(func(i int) answer {
		if i == clients-1 {
			return a.sign(jsonForm, uid, a.code(secret, 0), "")
		}
		return a.sign(jsonForm, uid, a.wrong(secret), "")
	})
	failed, refused, won := count(answers, http.StatusUnprocessableEntity), count(answers, http.StatusTooManyRequests), count(answers, http.StatusCreated)
	// The right one may come before the fifth failure, and starts the count afresh.
	if won == 0 && failed != 5 || won == 1 && (failed < 5 || failed > 9) || failed+refused+won != clients {
		t.Errorf("%d were told that the code is wrong, %d were locked out, %d won", failed, refused, won)
	}
}
