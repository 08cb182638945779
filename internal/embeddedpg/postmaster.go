package embeddedpg

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pidFile is the content of postmaster.pid, which the server writes.
type pidFile struct {
	pid       int
	socketDir string // "" when the server has no socket
	port      string
}

// readPIDFile fails while the server has not finished writing the file.
func readPIDFile(data string) (pidFile, error) {
	path := filepath.Join(data, "postmaster.pid")
	text, err := os.ReadFile(path)
	if err != nil {
		return pidFile{}, err
	}
	// Process id, data directory, start time, port, folder of the socket, …
	lines := strings.Split(string(text), "\n")
	if len(lines) < 6 {
		return pidFile{}, fmt.Errorf("%s is not complete", path)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid < 2 {
		return pidFile{}, fmt.Errorf("%s names no process", path)
	}
	return pidFile{pid: pid, port: lines[3], socketDir: lines[4]}, nil
}

// clearStalePIDFile removes postmaster.pid when its process id belongs to another program now: ids
// repeat, especially across containers, and PostgreSQL would take that program for a server. If a
// server answers, it was started by hand, which is an error. A file of a dead process stays:
// PostgreSQL evaluates it, including its shared memory.
func clearStalePIDFile(ctx context.Context, data string) error {
	p, err := readPIDFile(data)
	if err != nil || p.socketDir == "" || syscall.Kill(p.pid, 0) != nil {
		return nil
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "unix", filepath.Join(p.socketDir, ".s.PGSQL."+p.port))
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("a server that was started by hand (process %d) is running on %s: stop it first", p.pid, data)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // which proves nothing about a server
	}
	return os.Remove(filepath.Join(data, "postmaster.pid"))
}

// defaults are the settings that Options.Settings may override. The settings that keep committed
// data safe (fsync, synchronous_commit) stay on unless Options.Settings change them.
var defaults = map[string]string{
	"shared_buffers":  "128MB",
	"max_connections": "100",
	"timezone":        "UTC",
	"log_timezone":    "UTC",

	// DETAIL, CONTEXT, statements and parameters contain user data: whole rows, e-mails, phones.
	// The message names the constraint, which is enough.
	"log_error_verbosity":               "terse",
	"log_min_error_statement":           "panic",
	"log_parameter_max_length":          "0",
	"log_parameter_max_length_on_error": "0",
}

// arguments is the command line of the server. The last of several equal settings applies, and all
// of them take precedence over postgresql.conf.
func arguments(data, socket string, settings map[string]string) []string {
	args := []string{"-D", data}
	for _, group := range []map[string]string{defaults, settings, {
		"listen_addresses":        "",
		"port":                    port,
		"unix_socket_directories": socket,
		"unix_socket_permissions": "0700",
		"logging_collector":       "off",
		"log_destination":         "stderr",
	}} {
		for _, name := range slices.Sorted(maps.Keys(group)) {
			args = append(args, "-c", name+"="+group[name])
		}
	}
	return args
}

// postmaster is a server that this process has started.
type postmaster struct {
	process   *os.Process
	ended     chan struct{}
	logPath   string
	logOffset int64 // where the lines of this server begin
}

// launch starts the server and does not wait until it is ready. The end of ctx does not stop the
// server.
func (c *cluster) launch(ctx context.Context, bin binaries, as account, socket string) (*postmaster, error) {
	if err := clearStalePIDFile(ctx, c.data()); err != nil {
		return nil, err
	}
	if err := removeSocket(socket); err != nil {
		return nil, err
	}
	running, err := lock(ctx, c.path(runningLock), syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer running.Close() // without unlock: from the start the lock belongs to the server
	log, err := os.OpenFile(c.path("postgres.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &postmaster{ended: make(chan struct{}), logPath: log.Name()}
	if p.logOffset, err = log.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}

	cmd := as.command(context.Background(), c.data(), bin.path("postgres"), arguments(c.data(), socket, c.options.Settings)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{running}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.process = cmd.Process
	go func() {
		err := cmd.Wait()
		close(p.ended)
		if c.needed.Load() {
			c.log.Error("the embedded PostgreSQL has ended", "error", err, "log", p.logPath)
		}
	}()
	return p, nil
}

// kill stops a server that failed to start. SIGQUIT is PostgreSQL's "immediate" shutdown, which
// also ends its children.
func (p *postmaster) kill() {
	_ = p.process.Signal(syscall.SIGQUIT)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(-p.process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}

// logTail returns the end of this server's log, at most 2 KiB.
func (p *postmaster) logTail() string {
	f, err := os.Open(p.logPath)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, p.logOffset, 1<<20))
	if err != nil {
		return err.Error()
	}
	return tail(text)
}

// tail returns the last 2 KiB of text, from the beginning of a line.
func tail(text []byte) string {
	const most = 2 << 10
	text = bytes.TrimSpace(text)
	if len(text) > most {
		text = text[len(text)-most:]
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return string(text)
}

// run runs a short-lived program of PostgreSQL; its error contains the output.
func run(cmd *exec.Cmd) error {
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if text := tail(output); text != "" {
		return fmt.Errorf("%s: %w:\n%s", filepath.Base(cmd.Path), err, text)
	}
	return fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
}
