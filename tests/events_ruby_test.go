package tests

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Guards that a consumer like Barong's own, in Ruby with bunny and openssl, declares the exchange, verifies
// and reads the messages.
func TestARubyConsumerReadsEvents(t *testing.T) {
	t.Parallel()
	e, url := newEvents(t), newBrokerURL(t)
	if exec.Command("ruby", "-e", "require 'bunny'").Run() != nil {
		if os.Getenv("BARONG_TEST_RABBITMQ") != "" {
			t.Fatal("BARONG_TEST_RABBITMQ is set, and Ruby has no bunny")
		}
		t.Skip("this machine has no Ruby with bunny")
	}
	key, err := brokerKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	public := filepath.Join(t.TempDir(), "public.pem")
	if err := os.WriteFile(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	ruby := exec.CommandContext(t.Context(), "ruby", "consumers/bunny.rb", url, public, "1", "label.updated")
	ruby.Stderr = os.Stderr
	ruby.WaitDelay = time.Second
	input, err := ruby.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := ruby.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ruby.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	if !lines.Scan() || lines.Text() != "bound" {
		t.Fatalf("the consumer printed %q", lines.Text())
	}
	e.sealedRows(t, e.user.UID, 3)
	publish(t, e.publisherOptions(t, url, newMessageCounts().counts()))
	for range 3 {
		if !lines.Scan() {
			t.Fatal("the consumer has ended")
		}
		var got struct {
			Good, Current bool
			RoutingKey    string `json:"routing_key"`
			ContentType   string `json:"content_type"`
			JTI           string
			MessageID     string `json:"message_id"`
			Event         struct {
				Name   string
				Record struct{ User struct{ UID, Email string } }
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if !got.Good || !got.Current || got.RoutingKey != "label.updated" || got.ContentType != "application/octet-stream" || got.JTI == "" ||
			got.JTI != got.MessageID || got.Event.Name != labelUpdated || got.Event.Record.User.UID != e.user.UID || got.Event.Record.User.Email != e.user.Email {
			t.Errorf("the consumer read %s", lines.Text())
		}
	}
	if _, err := input.Write([]byte("enough\n")); err != nil {
		t.Error(err)
	}
	if err := ruby.Wait(); err != nil {
		t.Error(err)
	}
}
