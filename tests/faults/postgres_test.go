package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/internal/embeddedpg"
)

// postgres is a database server of a test's own, which the test may treat badly.
type postgres struct {
	t        testing.TB
	dir      string
	settings map[string]string
	server   *embeddedpg.Server
}

func startPostgres(t testing.TB) *postgres {
	t.Helper()
	p := &postgres{t: t, dir: filepath.Join(openDir(t), "pg")}
	p.start()
	return p
}

// openDir is a folder that other users can walk through, so that root's server runs
// as the user postgres, and a pooler of that user can reach its socket.
func openDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for path := dir; path != filepath.Clean(os.TempDir()); path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// start starts it, for the first time or again, and waits until it answers.
func (p *postgres) start() {
	p.t.Helper()
	server, err := embeddedpg.Start(p.t.Context(), embeddedpg.Options{Dir: p.dir, Settings: p.settings})
	if err != nil {
		p.t.Fatal(err)
	}
	p.server = server
	p.t.Cleanup(func() {
		p.signal(syscall.SIGCONT)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			p.t.Log(err)
		}
	})
}

func (p *postgres) url() string { return p.server.URL() }

// pid is that of the postmaster, 0 where none has written its file.
func (p *postgres) pid() int {
	text, err := os.ReadFile(filepath.Join(p.dir, "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(first))
	return pid
}

// signal sends a signal to the postmaster, and then to its children: each of them
// has a session of its own.
func (p *postgres) signal(s syscall.Signal) {
	pid := p.pid()
	if pid == 0 {
		return
	}
	if s != syscall.SIGCONT { // one that runs might start another child now
		_ = syscall.Kill(pid, syscall.SIGSTOP)
	}
	children, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	_ = syscall.Kill(pid, s)
	for child := range strings.FieldsSeq(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(pid, s)
		}
	}
}

// kill ends all of it at once, as a power cut does.
func (p *postgres) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	p.eventually("the database server to be gone", func() error {
		if err := p.ping(); err == nil {
			return errors.New("it answers")
		}
		return nil
	})
}

func (p *postgres) ping() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	connection, err := pgx.Connect(ctx, p.url())
	if err != nil {
		return err
	}
	return connection.Close(ctx)
}

// exec runs a statement as the owner of the server.
func (p *postgres) exec(sql string) {
	p.t.Helper()
	connection, err := pgx.Connect(p.t.Context(), p.url())
	if err != nil {
		p.t.Fatal(err)
	}
	defer connection.Close(p.t.Context())
	if _, err := connection.Exec(p.t.Context(), sql); err != nil {
		p.t.Fatal(err)
	}
}

// number is the single number that a query returns.
func (p *postgres) number(sql string) (n int64) {
	p.t.Helper()
	connection, err := pgx.Connect(p.t.Context(), p.url())
	if err != nil {
		p.t.Fatal(err)
	}
	defer connection.Close(p.t.Context())
	if err := connection.QueryRow(p.t.Context(), sql).Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

// standby makes a copy of p that streams from it and waits for it to confirm each
// commit, so that it can take its place without a loss. p is stopped meanwhile.
func (p *postgres) standby() *postgres {
	p.t.Helper()
	if err := p.server.Stop(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	copied := &postgres{t: p.t, dir: filepath.Join(openDir(p.t), "standby")}
	if output, err := exec.Command("cp", "-a", p.dir, copied.dir).CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %s", err, output)
	}
	for _, lock := range []string{"starting.lock", "users.lock", "running.lock", "postgres.log"} {
		_ = os.Remove(filepath.Join(copied.dir, lock))
	}
	marker := filepath.Join(copied.dir, "data", "standby.signal")
	if err := os.WriteFile(marker, nil, 0o644); err != nil {
		p.t.Fatal(err)
	}
	p.settings = map[string]string{"synchronous_standby_names": "*"}
	p.start()
	socket, err := pgx.ParseConfig(p.url())
	if err != nil {
		p.t.Fatal(err)
	}
	copied.settings = map[string]string{"primary_conninfo": fmt.Sprintf("host=%s user=%s", socket.Host, socket.User)}
	copied.start()
	p.eventually("the standby to stream", func() error {
		if p.number("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 0 {
			return errors.New("it does not")
		}
		return nil
	})
	return copied
}

func (p *postgres) eventually(what string, attempt func() error) {
	p.t.Helper()
	var err error
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = attempt(); err == nil {
			return
		}
	}
	p.t.Fatalf("waited for %s in vain: %v", what, err)
}

// pause stops all of it, as a machine that hangs does.
func (p *postgres) pause() { p.signal(syscall.SIGSTOP) }

func (p *postgres) resume() { p.signal(syscall.SIGCONT) }

// promote makes a standby the primary. One that has hung cancels queries that are in the way of what it has
// to catch up with: the request is made until it is granted.
func (p *postgres) promote() {
	p.t.Helper()
	p.eventually("the standby to take writes", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		connection, err := pgx.Connect(ctx, p.url())
		if err != nil {
			return err
		}
		defer connection.Close(ctx)
		var standby bool
		if err := connection.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&standby); err != nil || !standby {
			return err
		}
		_, err = connection.Exec(ctx, "SELECT pg_promote(false)")
		return errors.Join(err, errors.New("it is a standby still"))
	})
}

// numbers are the numbers that a query returns.
func (p *postgres) numbers(sql string) []int64 {
	p.t.Helper()
	connection, err := pgx.Connect(p.t.Context(), p.url())
	if err != nil {
		p.t.Fatal(err)
	}
	defer connection.Close(p.t.Context())
	rows, err := connection.Query(p.t.Context(), sql)
	if err != nil {
		p.t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}
