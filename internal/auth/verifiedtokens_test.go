package auth_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/internal/auth"
)

// bearer returns the outcome of authorising a token at a time.
func bearer(t testing.TB, k *auth.Keychain, token string, at time.Time) string {
	t.Helper()
	c, err := k.ParseBearer("Bearer " + token)
	if err == nil {
		_, err = k.Authorize(c, writeLabels, at)
	}
	return outcome(t, err)
}

func tokenOf(t testing.TB, p party, claims signing.Claims) string {
	t.Helper()
	token, err := signing.Token(claims, p.signer)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestARememberedTokenExpires(t *testing.T) {
	t.Parallel()
	k := keychainOf(t, alex())
	token := tokenOf(t, alex(), signing.NewClaims(now, time.Minute))
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, allowed}, {64 * time.Second, allowed}, {65 * time.Second, unverified}, {time.Hour, unverified}, {0, allowed}, {-time.Hour, unverified}} {
		if got := bearer(t, k, token, now.Add(step.after)); got != step.want {
			t.Errorf("after %s: %s, want %s", step.after, got, step.want)
		}
	}
	if c, err := k.ParseBearer("Bearer " + token); err != nil || c.Remembered() {
		t.Errorf("it is remembered still, %v", err)
	}
}

func TestOnlyATokenThatHasHeldIsRemembered(t *testing.T) {
	t.Parallel()
	k := keychainOf(t, alex())
	claims := signing.NewClaims(now, time.Minute)
	good := tokenOf(t, alex(), claims)
	isRemembered := func(token string) bool {
		c, err := k.ParseBearer("Bearer " + token)
		return err == nil && c.Remembered()
	}
	if isRemembered(good) {
		t.Error("a token is known that nobody has used")
	}
	if bearer(t, k, good, now) != allowed || !isRemembered(good) {
		t.Error("a token that has held is not known")
	}
	body, signature := good[:strings.LastIndexByte(good, '.')+1], good[strings.LastIndexByte(good, '.')+1:]
	flipped := []byte(signature)
	flipped[9] ^= 1
	for name, forged := range map[string]string{
		"another signature":     body + string(flipped),
		"no signature":          body,
		"half the signature":    good[:len(good)-100],
		"other claims":          tokenOf(t, impostor(), signing.NewClaims(now, time.Hour)),
		"more than a signature": good + "AA",
		"signed by an impostor": tokenOf(t, impostor(), claims),
	} {
		for range 2 {
			if got := bearer(t, k, forged, now); got != unverified || isRemembered(forged) {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
	long := claims
	long.Subject = strings.Repeat("x", 4<<10)
	if token := tokenOf(t, alex(), long); bearer(t, k, token, now) != allowed || isRemembered(token) {
		t.Error("a token of any length is remembered")
	}
}

func TestARememberedTokenIsHeldAgainstTheScope(t *testing.T) {
	t.Parallel()
	k := keychain(t, "")
	token := tokenOf(t, jeff(), signing.NewClaims(now, time.Minute))
	for range 2 { // jeff may sign, but his signature alone is not enough
		if got := bearer(t, k, token, now); got != incomplete {
			t.Error(got)
		}
	}
	c, err := k.ParseBearer("Bearer " + token)
	if err != nil || !c.Remembered() {
		t.Fatal("it is not remembered", err)
	}
	if _, err := k.Authorize(c, auth.Operation{Scope: "no such scope"}, now); outcome(t, err) != unverified {
		t.Error(err)
	}
}

func TestARememberedTokenIsHeldAgainstItsOperation(t *testing.T) {
	t.Parallel()
	k := keychainOf(t, alex())
	claims := signing.NewClaims(now, time.Minute)
	claims.Operation = "createLabel"
	token := tokenOf(t, alex(), claims)
	for _, step := range []struct{ operation, want string }{{"createLabel", allowed}, {"deleteLabel", unverified}, {"", unverified}, {"createLabel", allowed}} {
		c, err := k.ParseBearer("Bearer " + token)
		if err == nil {
			_, err = k.Authorize(c, auth.Operation{ID: step.operation, Scope: "write_labels"}, now)
		}
		if got := outcome(t, err); got != step.want {
			t.Errorf("%q: %s, want %s", step.operation, got, step.want)
		}
	}
}

func TestANewKeychainRemembersNothing(t *testing.T) {
	t.Parallel()
	token := tokenOf(t, alex(), signing.NewClaims(now, time.Minute))
	before, without := keychainOf(t, alex()), keychainOf(t, impostor()) // the impostor has the same name and another key
	if got := bearer(t, before, token, now); got != allowed {
		t.Fatal(got)
	}
	if got := bearer(t, without, token, now); got != unverified {
		t.Errorf("the token is good under another key: %s", got)
	}
	known, err := before.ParseBearer("Bearer " + token)
	if err != nil || !known.Remembered() {
		t.Fatal("it is not remembered", err)
	}
	if _, err := without.Authorize(known, writeLabels, now); outcome(t, err) != unverified {
		t.Errorf("what one keychain remembers is good for another: %v", err)
	}
}

// The cache evicts asynchronously, soon after it is full.
func TestTokensBeyondTheBoundAreForgotten(t *testing.T) {
	t.Parallel()
	p := newParty("alex", "HS256")()
	k := keychainOf(t, p)
	const many = 1500
	tokens := make([]string, many)
	for i := range tokens {
		claims := signing.NewClaims(now, time.Minute)
		claims.Subject = fmt.Sprint(i)
		tokens[i] = tokenOf(t, p, claims)
		if got := bearer(t, k, tokens[i], now); got != allowed {
			t.Fatal(got)
		}
	}
	forgotten := func() (list []string) {
		for _, token := range tokens {
			if c, err := k.ParseBearer("Bearer " + token); err == nil && !c.Remembered() {
				list = append(list, token)
			}
		}
		return list
	}
	for deadline := time.Now().Add(10 * time.Second); len(forgotten()) < many-1024; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d tokens of %d are forgotten", len(forgotten()), many)
		}
	}
	if got := bearer(t, k, forgotten()[0], now); got != allowed {
		t.Errorf("a forgotten token: %s", got)
	}
}

func TestTokensAreRememberedForManyAtOnce(t *testing.T) {
	t.Parallel()
	p := newParty("alex", "HS256")()
	k := keychainOf(t, p)
	token, expired := tokenOf(t, p, signing.NewClaims(now, time.Minute)), tokenOf(t, p, signing.NewClaims(now.Add(-time.Hour), time.Minute))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 200 {
				if bearer(t, k, token, now) != allowed || bearer(t, k, expired, now) != unverified {
					t.Error("one request is taken for another")
				}
			}
		})
	}
	wait.Wait()
}
