package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/internal/auth"
	"barong/internal/problem"
)

// keychainOf returns a keychain with these signers, which have no scopes.
func keychainOf(t testing.TB, signers ...string) *auth.Keychain {
	t.Helper()
	file := "keychain:\n"
	for _, id := range signers {
		_, value, err := signing.GenerateKey("HS256")
		if err != nil {
			t.Fatal(err)
		}
		file += auth.KeychainEntry(id, "HS256", value) + "\n"
	}
	k, err := auth.ParseKeychain([]byte(file), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func limitsOf(t testing.TB, text string, keychain *auth.Keychain) *RateLimits {
	t.Helper()
	limits, err := ParseRateLimits(text, keychain)
	if err != nil {
		t.Fatal(err)
	}
	return limits
}

func TestMostSpecificRuleAboutASignerAndAnOperationCounts(t *testing.T) {
	t.Parallel()
	keychain := keychainOf(t, "backend", "back:office=1")
	limits := limitsOf(t, "*=100/s, createUser = 5/s burst 20,back:office=1:*=none,backend:signOTP=600/m, backend:*=7/h", keychain)
	for _, c := range []struct{ signer, operation, want string }{
		{"somebody", "getUser", `"*";q=100;w=1`},
		{"somebody", "createUser", `"createUser";q=20;w=4`},
		{"backend", "signOTP", `"backend:signOTP";q=600;w=60`},
		{"backend", "createUser", `"backend:*";q=7;w=3600`},
		{"back:office=1", "createUser", ""},
	} {
		if got := limits.rule(c.signer, c.operation).policy; got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.signer, c.operation, got, c.want)
		}
	}
	if rule := limitsOf(t, "createUser=1/s", keychain).rule("backend", "getUser"); rule != nil {
		t.Errorf("an operation that no rule is about: %v", rule)
	}
	if limits, err := ParseRateLimits(" ", keychain); limits != nil || err != nil {
		t.Errorf("no rules: %v, %v", limits, err)
	}
}

func TestRulesThatCannotBeMeantAreRefusedByTheirPlace(t *testing.T) {
	t.Parallel()
	keychain := keychainOf(t, "backend", `quo"te`)
	for text, want := range map[string]string{
		"*=1/s, makeUser=5/s":    "rule 2: there is no such operation",
		"nobody:*=5/s":           "rule 1: the keychain has no such signer",
		"*:getUser=5/s, *=1/s,,": "rule 3: a rule is written as",
		"*=1/s,*:*=2/s":          "rule 2: another rule is about the same",
		"getUser":                "a rule is written as",
		"getUser=":               "a rate is written as",
		"getUser=5":              "a rate is written as",
		"getUser=0/s":            "a rate is written as",
		"getUser=-1/s":           "a rate is written as",
		"getUser=5/day":          "a rate is written as",
		"getUser=5000000/s":      "a rate is written as",
		"getUser=5/s burst 0":    "behind burst stands a number",
		"getUser=5/s burst many": "behind burst stands a number",
		`quo"te:*=5/s`:           "must be of ASCII",
	} {
		if _, err := ParseRateLimits(text, keychain); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "makeUser") || strings.Contains(err.Error(), "nobody") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestQuotaIsUsedUpAndComesBack(t *testing.T) {
	t.Parallel()
	keychain := keychainOf(t, "a", "b")
	limits := limitsOf(t, "*=2/s burst 3", keychain)
	now := time.Now()
	call := func(signer string) (state string, err error) {
		header := http.Header{}
		err = limits.allow(header, keychain, []string{signer}, "getUser", now)
		if policy := header.Get("RateLimit-Policy"); policy != `"*";q=3;w=2` {
			t.Errorf("the policy is %s", policy)
		}
		return header.Get("RateLimit"), err
	}
	for _, want := range []string{`"*";r=2;t=1`, `"*";r=1;t=1`, `"*";r=0;t=2`} {
		if got, err := call("a"); err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	for range 2 { // a rejected request takes no token
		got, err := call("a")
		if problem.KindOf(err) != problem.TooManyRequests || got != `"*";r=0;t=2` {
			t.Errorf("%s, %v", got, err)
		}
		if err, _ := err.(*problem.Error); err == nil || err.RetryAfter != time.Second/2 || err.Reason != problem.RateLimited { //nolint:errorlint // allow does not wrap it
			t.Errorf("%#v", err)
		}
	}
	if got, err := call("b"); err != nil || got != `"*";r=2;t=1` {
		t.Errorf("another signer has a bucket of its own: %s, %v", got, err)
	}
	now = now.Add(time.Second / 2)
	if got, err := call("a"); err != nil || got != `"*";r=0;t=2` {
		t.Errorf("half a second later: %s, %v", got, err)
	}
}

func TestRequestOfTwoSignersCountsForBothOrForNeither(t *testing.T) {
	t.Parallel()
	keychain := keychainOf(t, "a", "b")
	limits := limitsOf(t, "a:*=10/s, b:*=2/m", keychain)
	now := time.Now()
	call := func(signers ...string) (string, error) {
		header := http.Header{}
		err := limits.allow(header, keychain, signers, "getUser", now)
		return header.Get("RateLimit"), err
	}
	for _, want := range []string{`"b:*";r=1;t=30`, `"b:*";r=0;t=60`} {
		if got, err := call("a", "b"); err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	if got, err := call("a", "b"); err == nil || got != `"b:*";r=0;t=60` {
		t.Errorf("one of them has nothing left: %s, %v", got, err)
	}
	if got, err := call("a"); err != nil || got != `"a:*";r=7;t=1` {
		t.Errorf("the other one paid for what was refused: %s, %v", got, err)
	}
}

func TestQuotasOfSignersWhoLeftTheKeychainAreDropped(t *testing.T) {
	t.Parallel()
	limits := limitsOf(t, "*=1/s, createUser=1/s", keychainOf(t, "stays"))
	before, now := keychainOf(t, "stays", "leaves"), time.Now()
	for _, operation := range []string{"getUser", "createUser"} {
		if err := limits.allow(http.Header{}, before, []string{"stays", "leaves"}, operation, now); err != nil {
			t.Fatal(err)
		}
	}
	if len(limits.buckets) != 4 {
		t.Errorf("%d buckets", len(limits.buckets))
	}
	if err := limits.allow(http.Header{}, keychainOf(t, "stays"), []string{"stays"}, "getUser", now); err == nil {
		t.Error("who stays begins anew")
	}
	if len(limits.buckets) != 2 {
		t.Errorf("%d buckets are left of one signer under two rules", len(limits.buckets))
	}
}

func BenchmarkRateLimits(b *testing.B) {
	keychain := keychainOf(b, "backend")
	limits := limitsOf(b, "*=1000000/s", keychain)
	signers, now := []string{"backend"}, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		if err := limits.allow(http.Header{}, keychain, signers, "getUser", now); err != nil {
			b.Fatal(err)
		}
	}
}
