package endpoints

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barong/internal/events"
)

var (
	secret = SecretPrefix + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	older  = SecretPrefix + base64.StdEncoding.EncodeToString([]byte("fedcba9876543210fedcba9876543210"))
	key    = KeyPrefix + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
)

func noFiles(string) ([]byte, error) { return nil, os.ErrNotExist }

// Guards the meaning of each member of an endpoint, and that the previous secret and key sign for 24 hours.
func TestParseReadsEndpoints(t *testing.T) {
	t.Parallel()
	list, err := Parse([]byte(`
endpoints:
  - name: crm-1
    url: https://hooks.example.com:8443/barong
    types: [label.updated]
    full: true
    secret_file: current
    previous_secret: `+older+`
    key: `+key+`
    rotated_at: 2026-01-01T00:00:00Z
  - name: inside
    url: http://10.1.2.3:9000/
    secret: `+secret+`
    allow_networks: [10.1.0.0/16]
    enabled: false
`), func(path string) ([]byte, error) {
		if path != "current" {
			return nil, os.ErrNotExist
		}
		return []byte(secret + "\n"), nil
	})
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	crm, inside := list[0], list[1]
	rotated := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if !crm.Enabled || !crm.Full || !crm.Wants(events.LabelUpdated) || crm.Wants(events.UserCreated) || len(crm.Keys(rotated)) != 1 {
		t.Errorf("%+v", crm)
	}
	if during, after := crm.Secrets(rotated.Add(Rotation-time.Second)), crm.Secrets(rotated.Add(Rotation)); len(during) != 2 || len(after) != 1 || string(during[1])[:4] != "fedc" || string(after[0])[:4] != "0123" {
		t.Errorf("during the rotation %q, after it %q", during, after)
	}
	if inside.Enabled || !inside.Wants(events.OTPSigned) || inside.Keys(rotated) != nil || inside.Networks[0].String() != "10.1.0.0/16" {
		t.Errorf("%+v", inside)
	}
	if !strings.HasPrefix(PublicKey(crm.Key), PublicKeyPrefix) || len(crm.Key) != ed25519.PrivateKeySize {
		t.Error("the key has no public form")
	}
}

// Guards that each mistake is named, and that no error shows a secret or a URL.
func TestParseNamesMistakes(t *testing.T) {
	t.Parallel()
	const good = "name: a\n    url: https://example.com/token-in-path\n    "
	short := SecretPrefix + base64.StdEncoding.EncodeToString([]byte("0123456789"))
	for text, sentence := range map[string]string{
		good + "secret: " + short:                                                        "secret must be whsec_ and 24 to 64 bytes in base64",
		good + "secret: " + secret[6:]:                                                   "secret must be whsec_",
		good + "full: true":                                                              "secret or secret_file is missing",
		good + "secret: " + secret + "\n    secret_file: x":                              "exclude each other",
		good + "secret_file: x":                                                          "secret_file cannot be read",
		good + "secret: " + secret + "\n    previous_secret: " + older:                   "rotated_at is missing",
		good + "secret: " + secret + "\n    key: " + secret:                              "key must be whsk_",
		good + "secret: " + secret + "\n    types: [user.deleted]":                       `"user.deleted", which is no type`,
		good + "secret: " + secret + "\n    allow_networks: [10.0.0.1]":                  "is no network",
		good + "secret: " + secret + "\n    allow_networks: [0.0.0.0/0]":                 "is never allowed",
		good + "secret: " + secret + "\n    allow_networks: [169.254.169.254/32]":        "is never allowed",
		good + "secret: " + secret + "\n    full: " + secret:                             "cannot unmarshal",
		good + "sekret: " + secret:                                                       "field sekret not found",
		"name: A\n    url: https://example.com/\n    secret: " + secret:                  "name must be",
		"name: a\n    url: http://example.com/token-in-path\n    secret: " + secret:      "must begin with https://",
		"name: a\n    url: https://example.com:22/token-in-path\n    secret: " + secret:  "port 443 or 8443",
		"name: a\n    url: https://u:p@example.com/token-in-path\n    secret: " + secret: "must not contain a user",
		"name: a\n    url: /token-in-path\n    secret: " + secret:                        "url must be a URL",
		good + "secret: " + secret + "\n  - " + good + "secret: " + secret:               "stands in the file twice",
		"name: [": "not valid YAML",
	} {
		_, err := Parse([]byte("endpoints:\n  - "+text+"\n"), noFiles)
		if err == nil || !strings.Contains(err.Error(), sentence) {
			t.Errorf("%s\n\tis %v instead of %s", text, err, sentence)
			continue
		}
		for _, secret := range []string{short, secret[6:14], older, "token-in-path"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows %s: %v", secret, err)
			}
		}
	}
	if list, err := Parse(nil, noFiles); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// Guards that a changed file of a secret is read without a signal, and that an invalid file leaves the
// endpoints in force.
func TestSourceReadsChangedSecrets(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("secret", secret)
	write("webhooks.yml", "endpoints:\n  - name: a\n    url: https://example.com/\n    secret_file: secret\n")
	source, err := NewSource(filepath.Join(folder, "webhooks.yml"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	go source.Watch(t.Context(), 5*time.Millisecond)
	write("secret", older)
	deadline := time.Now().Add(10 * time.Second)
	for string(source.Endpoint("a").Secret[:4]) != "fedc" {
		if time.Now().After(deadline) {
			t.Fatal("the new secret is not in force")
		}
		time.Sleep(5 * time.Millisecond)
	}
	write("webhooks.yml", "endpoints: 7")
	source.Reload()
	if source.Endpoint("a") == nil || source.Endpoint("b") != nil {
		t.Error("an invalid file changed the endpoints")
	}
}
