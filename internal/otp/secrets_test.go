package otp

import (
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// rfcSecret is the key of RFC 6238, appendix B, for SHA-1.
var rfcSecret = Secret(base32.StdEncoding.EncodeToString([]byte("12345678901234567890")))

func TestCodesAreThoseOfRFC6238(t *testing.T) {
	t.Parallel()
	// Appendix B has eight digits: these are the last six.
	for seconds, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if step, ok := rfcSecret.Step(code, time.Unix(seconds, 0)); !ok || step != seconds/30 {
			t.Errorf("at %d: step %d, %t", seconds, step, ok)
		}
		for _, drift := range []int64{-30, 30} {
			if step, ok := rfcSecret.Step(code, time.Unix(seconds+drift, 0)); !ok || step != seconds/30 {
				t.Errorf("at %d and %d: step %d, %t", seconds, drift, step, ok)
			}
		}
		for _, late := range []int64{-60, 60, 3600} {
			if _, ok := rfcSecret.Step(code, time.Unix(seconds+late, 0)); ok && seconds+late > 0 {
				t.Errorf("the code of %d is right %d seconds off", seconds, late)
			}
		}
	}
}

func TestNoOtherTextIsACode(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "28708", "2870820", "287O82", "-87082", "+87082", "28708\x00", "２８７０８２", "٢٨٧٠٨٢", "28 082", "0x2870"} {
		if wellFormed(code) {
			t.Errorf("%q is well formed", code)
		}
		if _, ok := rfcSecret.Step(code, time.Unix(59, 0)); ok {
			t.Errorf("%q is right", code)
		}
	}
	if !wellFormed("287082") || !wellFormed("000000") {
		t.Error("six digits are not well formed")
	}
	if _, ok := Secret("no base32").Step("287082", time.Unix(59, 0)); ok {
		t.Error("a secret that is none has codes")
	}
}

func TestSecretsAreReadAsPeopleCopyThem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq", " GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ\n", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ======",
	} {
		if got, err := ParseSecret(text); err != nil || got != rfcSecret {
			t.Errorf("%q: %s %v", text, got, err)
		}
	}
	if got, err := ParseSecret("JBSWY3DPEHPK3PXPJA"); err != nil || got != "JBSWY3DPEHPK3PXPJA" {
		t.Errorf("88 bits: %s %v", got, err)
	}
	for _, text := range []string{"", "ABC", "JBSWY3DP", "JBSWY3DPEHPK3PX1", "JBSWY3DPEHPK3PXPA", strings.Repeat("A", 206), "ünicode", "JBSWY3DP=EHPK3PXP"} {
		if got, err := ParseSecret(text); err == nil {
			t.Errorf("%q became %s", text, got)
		} else if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

func TestNewSecretsHave160BitsAndDiffer(t *testing.T) {
	t.Parallel()
	seen := map[Secret]bool{}
	for range 1000 {
		secret := NewSecret()
		if parsed, err := ParseSecret(string(secret)); err != nil || parsed != secret || len(secret) != 32 || seen[secret] {
			t.Fatalf("%s %v", secret, err)
		}
		seen[secret] = true
	}
}

func TestURLIsReadByAuthenticators(t *testing.T) {
	t.Parallel()
	text := rfcSecret.URL("Acme & Sons", "ada+otp@example.com")
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "otpauth" || parsed.Host != "totp" || parsed.Path != "/Acme & Sons:ada+otp@example.com" {
		t.Errorf("%s %v", text, err)
	}
	for name, want := range map[string]string{"secret": string(rfcSecret), "issuer": "Acme & Sons", "algorithm": "SHA1", "digits": "6", "period": "30"} {
		if got := parsed.Query().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if strings.Contains(text, "+Sons") {
		t.Errorf("authenticators show the plus: %s", text)
	}
}

func TestLockGrowsToAnHour(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]time.Duration{
		0: 0, 1: 0, 4: 0, 5: time.Minute, 6: 2 * time.Minute, 10: 32 * time.Minute, 11: time.Hour, 12: time.Hour, 1 << 20: time.Hour,
	} {
		if got := lockTime(failures); got != want {
			t.Errorf("%d failures: %s", failures, got)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add("gezd gnbv gy3t qojq")
	f.Add("JBSWY3DPEHPK3PXPJA======")
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := ParseSecret(text)
		if err != nil {
			return
		}
		again, err := ParseSecret(string(secret))
		if err != nil || again != secret {
			t.Fatalf("%q became %q, then %q, %v", text, secret, again, err)
		}
		if _, err := url.Parse(secret.URL("Barong", "ada")); err != nil {
			t.Fatal(err)
		}
		right := 0
		for code := range 20 {
			if _, ok := secret.Step(fmt.Sprintf("%06d", code), time.Unix(1e9, 0)); ok {
				right++
			}
		}
		if right > 3 {
			t.Fatalf("%q has %d codes", secret, right)
		}
	})
}
