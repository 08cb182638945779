package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"barong/clients/go/signing"
	"barong/internal/auth"
)

// served is one of the two servers that are compared, as its own process.
type served struct {
	command *exec.Cmd
	address string // host:port
	admin   string // the same; empty of the ceiling
	ready   time.Duration
	stop    func()
}

func (s *served) pid() int { return s.command.Process.Pid }

// party signs the requests.
type party struct {
	signer   *signing.Signer
	keychain string // the file
	token    string
}

// signerName is in the keychain, for every scope.
const signerName = "bench"

// validity is for all signatures of a run.
const validity = 12 * time.Hour

func newParty(dir, algorithm string) (*party, error) {
	private, value, err := signing.GenerateKey(algorithm)
	if err != nil {
		return nil, err
	}
	p := &party{keychain: filepath.Join(dir, "management_api.yml")}
	if p.signer, err = signing.NewSigner(signerName, algorithm, private); err != nil {
		return nil, err
	}
	if p.token, err = signing.Token(signing.NewClaims(time.Now(), validity), p.signer); err != nil {
		return nil, err
	}
	var file strings.Builder
	fmt.Fprintf(&file, "keychain:\n%s\nscopes:\n", auth.KeychainEntry(signerName, algorithm, value))
	for _, scope := range []string{
		"tools", "read_users", "write_users", "read_labels", "write_labels", "otp_sign", "write_documents",
		"read_phones", "write_phones", "read_service_accounts", "write_service_accounts", "write_apikeys", "write_attachments",
	} {
		fmt.Fprintf(&file, "  %s: {permitted_signers: [%s], mandatory_signers: [%s]}\n", scope, signerName, signerName)
	}
	return p, os.WriteFile(p.keychain, []byte(file.String()), 0o600)
}

// envelope is the parameters with one signature.
func (p *party) envelope(parameters string) ([]byte, error) {
	if !json.Valid([]byte(parameters)) {
		return nil, fmt.Errorf("%s is no JSON", parameters)
	}
	return signing.Envelope([]byte(parameters), signing.NewClaims(time.Now(), validity), p.signer)
}

// readyLine is the line of the log that has the addresses, as text or as JSON.
var readyLine = regexp.MustCompile(`ready"?[ ,]"?listen"?[=:]"?([^\s"]+)"?[ ,]"?admin"?[=:]"?([^\s"]+)`)

// startServer runs barong serve of a build. Its log goes to a file, as it would in
// production, at its usual level.
func startServer(ctx context.Context, o options, binary string, p *party, database string) (*served, error) {
	name := "server"
	if binary == o.against {
		name = "against"
	}
	return startServerAs(ctx, o, name, binary, p, database)
}

// startServerAs is startServer with a name for log and data directory, and further settings.
func startServerAs(ctx context.Context, o options, name, binary string, p *party, database string, settings ...string) (*served, error) {
	logFile := filepath.Join(o.dir, name+".log")
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// The checkpoint of an earlier run belongs to another copy of the database: with it nothing would be sealed.
	if err := os.Remove(filepath.Join(o.dir, name, "journal.checkpoint")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	command := exec.CommandContext(ctx, binary, "serve")
	command.Env = append(os.Environ(), "DATABASE_URL="+database, "BARONG_LISTEN=127.0.0.1:0", "BARONG_ADMIN_LISTEN=127.0.0.1:0",
		"BARONG_MANAGEMENT_API="+p.keychain, "BARONG_DATA_DIR="+filepath.Join(o.dir, name), "BARONG_OTP_KEY="+otpKey,
		"BARONG_MGN_API_KEYS_USER=true", "BARONG_MGN_API_KEYS_SA=true")
	command.Env = append(command.Env, settings...)
	command.Stderr = log
	began := time.Now()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%s cannot be run, make build builds it: %w", binary, err)
	}
	s := &served{command: command}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	s.stop = func() {
		_ = command.Process.Signal(os.Interrupt)
		<-ended
	}
	for time.Since(began) < time.Minute {
		select {
		case <-ended:
			return nil, fmt.Errorf("the server ended, see %s", logFile)
		default:
		}
		content, err := os.ReadFile(logFile)
		if err != nil {
			return nil, err
		}
		if found := readyLine.FindSubmatch(content); found != nil {
			s.address, s.admin, s.ready = string(found[1]), string(found[2]), time.Since(began)
			return s, nil
		}
		time.Sleep(time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("the server did not get ready, see %s", logFile)
}

// startCeiling runs this program once more.
func startCeiling(ctx context.Context, database string) (*served, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self, "ceiling", database)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	s := &served{command: command, stop: func() {
		_ = input.Close()
		_ = command.Wait()
	}}
	line, err := bufio.NewReader(output).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil && !errors.Is(err, io.EOF) || !ok {
		s.stop()
		return nil, fmt.Errorf("the ceiling did not start: %q", line)
	}
	s.address = address
	return s, nil
}
