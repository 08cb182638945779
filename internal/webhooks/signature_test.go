package webhooks

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"barong/internal/webhooks/endpoints"
)

func encoded(prefix, text string) string {
	return prefix + base64.StdEncoding.EncodeToString([]byte(text))
}

// Guards that receivers verify a message with the library of Standard Webhooks (v1) and with crypto/ed25519
// (v1a), by the new and by the previous secret and key during a rotation, and by the new ones only after it.
func TestReceiversVerifySignatures(t *testing.T) {
	t.Parallel()
	now := time.Now()
	newSecret, oldSecret := encoded(endpoints.SecretPrefix, "0123456789abcdef0123456789abcdef"), encoded(endpoints.SecretPrefix, "fedcba9876543210fedcba9876543210")
	newKey, oldKey := "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	for name, test := range map[string]struct {
		rotated time.Time
		old     bool
	}{
		"during the rotation": {now.Add(-time.Hour), true},
		"after it":            {now.Add(-25 * time.Hour), false},
	} {
		list, err := endpoints.Parse([]byte("endpoints:\n  - name: a\n    url: https://example.com/\n    secret: "+newSecret+"\n    previous_secret: "+oldSecret+
			"\n    key: "+encoded(endpoints.KeyPrefix, newKey)+"\n    previous_key: "+encoded(endpoints.KeyPrefix, oldKey)+
			"\n    rotated_at: "+test.rotated.UTC().Format(time.RFC3339)+"\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		header, message := http.Header{}, []byte(`{"type":"user.created"}`)
		if err := sign(header, list[0], "c28ba66f-0f57-5795-8c57-ee25c06f6303", now, message); err != nil {
			t.Fatal(err)
		}
		for secret, expected := range map[string]bool{newSecret: true, oldSecret: test.old, encoded("", "another secret, which is not known"): false} {
			judge, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := judge.Verify(message, header); (err == nil) != expected {
				t.Errorf("%s: the library says %v", name, err)
			}
			if judge.Verify([]byte(`{"type":"user.updated"}`), header) == nil {
				t.Errorf("%s: a changed message verifies", name)
			}
		}
		for seed, expected := range map[string]bool{newKey: true, oldKey: test.old} {
			public := ed25519.NewKeyFromSeed([]byte(seed)).Public().(ed25519.PublicKey)
			if verifies(public, header, message) != expected || verifies(public, header, []byte("{}")) {
				t.Errorf("%s: a signature v1a", name)
			}
		}
	}
}

// verifies is what a receiver of v1a does.
func verifies(public ed25519.PublicKey, header http.Header, message []byte) bool {
	signed := header.Get("Webhook-Id") + "." + header.Get("Webhook-Timestamp") + "." + string(message)
	for signature := range strings.FieldsSeq(header.Get("Webhook-Signature")) {
		if text, ok := strings.CutPrefix(signature, "v1a,"); ok {
			if value, err := base64.StdEncoding.DecodeString(text); err == nil && ed25519.Verify(public, []byte(signed), value) {
				return true
			}
		}
	}
	return false
}

// Guards the schedule of attempts, and that each wait is within a tenth of it.
func TestScheduleOfAttempts(t *testing.T) {
	t.Parallel()
	hours := time.Hour
	for i, expected := range []time.Duration{0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours} {
		least, _ := waitAfter(i, 0)
		middle, _ := waitAfter(i, 0.5)
		most, ok := waitAfter(i, 0.999999)
		if !ok || middle.Round(time.Millisecond) != expected || least.Round(time.Second) != (expected*9/10).Round(time.Second) || most > expected*11/10 {
			t.Errorf("attempt %d after %s, %s, %s", i+1, least, middle, most)
		}
	}
	if _, ok := waitAfter(10, 0); ok {
		t.Error("there is an eleventh attempt")
	}
}
