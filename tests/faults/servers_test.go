package faults

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/handlers"
	"barong/internal/auth"
)

// server is a running barong serve.
type server struct {
	t       testing.TB
	url     string // base URL of the operations
	admin   string // http://host:port
	command *exec.Cmd
	log     *logBuffer
	ended   chan error
}

// signers is who signs, and the keychain file that permits it. The scopes that are
// called stolen are the thief's, all others are signer's.
type signers struct {
	signer   *signing.Signer
	thief    *signing.Signer // whose key was stolen
	keychain string          // path
}

func newSigners(t testing.TB, stolen ...string) signers {
	t.Helper()
	var who signers
	var file strings.Builder
	file.WriteString("keychain:\n")
	for name, signer := range map[string]**signing.Signer{"backend": &who.signer, "thief": &who.thief} {
		private, value, err := signing.GenerateKey("ES256")
		if err != nil {
			t.Fatal(err)
		}
		if *signer, err = signing.NewSigner(name, "ES256", private); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&file, auth.KeychainEntry(name, "ES256", value))
	}
	file.WriteString("scopes:\n")
	for _, scope := range []string{"tools", "write_labels", "read_labels", "read_users", "write_users", "otp_sign", "write_documents", "read_phones", "write_phones", "read_service_accounts", "write_service_accounts", "write_apikeys", "write_attachments"} {
		signer := "backend"
		if slices.Contains(stolen, scope) {
			signer = "thief"
		}
		fmt.Fprintf(&file, "  %s: {permitted_signers: [%s], mandatory_signers: [%s]}\n", scope, signer, signer)
	}
	path := filepath.Join(t.TempDir(), "management_api.yml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	who.keychain = path
	return who
}

// ready reads the addresses from the line of the log that says the server serves.
func ready(line []byte) (listen, admin string, ok bool) {
	var told struct{ Msg, Listen, Admin string }
	err := json.Unmarshal(line, &told)
	return told.Listen, told.Admin, err == nil && told.Msg == "ready"
}

// serve starts a server and waits until it is ready. prefix is put before the
// command, to run it in other circumstances.
func serve(t testing.TB, who signers, settings map[string]string, prefix ...string) *server {
	t.Helper()
	arguments := slices.Concat(prefix, []string{binary, "serve"})
	s := &server{t: t, command: exec.Command(arguments[0], arguments[1:]...), log: &logBuffer{}, ended: make(chan error, 1)}
	all := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME"), "BARONG_LISTEN": "127.0.0.1:0", "BARONG_ADMIN_LISTEN": "127.0.0.1:0",
		"BARONG_MANAGEMENT_API": who.keychain, "BARONG_BCRYPT_COST": "4", "BARONG_REQUEST_TIMEOUT": "3s",
		"BARONG_DATA_DIR": t.TempDir(),
	}
	for name, value := range settings {
		all[name] = value
	}
	for name, value := range all {
		s.command.Env = append(s.command.Env, name+"="+value)
	}
	printed, err := s.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	started := make(chan [2]string, 1)
	go func() {
		lines := bufio.NewScanner(printed)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			fmt.Fprintln(s.log, lines.Text())
			if listen, admin, ok := ready(lines.Bytes()); ok {
				started <- [2]string{listen, admin}
			}
		}
		s.ended <- s.command.Wait()
	}()
	t.Cleanup(func() {
		_ = s.command.Process.Kill()
		if t.Failed() {
			for line := range strings.Lines(s.log.String()) {
				if strings.Contains(line, `"status":500`) {
					t.Logf("the server's log: %s", line)
				}
			}
		}
	})
	select {
	case addresses := <-started:
		s.url, s.admin = "http://"+addresses[0]+handlers.BasePath, "http://"+addresses[1]
	case err := <-s.ended:
		t.Fatalf("the server ended: %v\n%s", err, s.log)
	case <-time.After(time.Minute):
		t.Fatalf("the server did not get ready\n%s", s.log)
	}
	return s
}

// terminate asks the server to drain and to end, and waits until it has.
func (s *server) terminate() {
	s.t.Helper()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Errorf("the server did not end well: %v\n%s", err, s.log)
		}
	case <-time.After(40 * time.Second):
		s.t.Errorf("the server did not end")
	}
}

// logBuffer keeps the end of a log.
type logBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.text.Len() > 1<<20 {
		b.text.Next(b.text.Len() / 2)
	}
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}
