//go:build clients

package tests

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// standardWebhooks is the library of Standard Webhooks for JavaScript.
const standardWebhooks = "standardwebhooks@1.1.1"

// verifyWebhook reads a message and verifies it. A message that was changed must be refused.
const verifyWebhook = `
const {Webhook} = require('standardwebhooks');
const {secret, headers, body} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const webhook = new Webhook(secret);
console.log(webhook.verify(body, headers).type);
try { webhook.verify(body + ' ', headers); } catch { process.exit(0); }
console.error('a changed message verifies'); process.exit(1);`

// Guards that receivers in JavaScript can verify a message with the published library.
func TestAWebhookVerifiesInJavaScript(t *testing.T) {
	folder := t.TempDir()
	install := exec.CommandContext(t.Context(), "npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", standardWebhooks)
	if output, err := install.CombinedOutput(); err != nil {
		t.Fatalf("the library comes from npm (Node 20): %v: %s", err, output)
	}
	r := newReceiver(t)
	h, _ := hooksByClock(t, r)
	h.deliver(t, "ID0000000002")
	m := r.messages()[0]
	headers := map[string]string{}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		headers[name] = m.header.Get(name)
	}
	input, err := json.Marshal(map[string]any{"secret": r.secret, "headers": headers, "body": string(m.body)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "verify.cjs"), []byte(verifyWebhook), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "node", "verify.cjs")
	run.Dir, run.Stdin = folder, bytes.NewReader(input)
	if output, err := run.CombinedOutput(); err != nil || string(output) != m.kind+"\n" {
		t.Errorf("%v: %s", err, output)
	}
}
