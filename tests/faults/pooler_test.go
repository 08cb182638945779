package faults

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/internal/long"
)

// TestPoolerInTransactionMode runs with BARONG_TEST_PGBOUNCER=1, where PgBouncer is
// installed. The setting that it needs of pgx is in docs/operations.md.
func TestPoolerInTransactionMode(t *testing.T) {
	long.Test(t)
	if os.Getenv("BARONG_TEST_PGBOUNCER") == "" {
		t.Skip("BARONG_TEST_PGBOUNCER is empty")
	}
	p, who := startPostgres(t), newSigners(t)
	// Where docs/operations.md says that time-outs are set behind a pooler.
	p.exec("ALTER ROLE CURRENT_USER SET statement_timeout = '60s'")
	pooler := startPooler(t, p)
	s := serve(t, who, map[string]string{"DATABASE_URL": pooler.url})
	pooled, err := pgx.Connect(t.Context(), pooler.url)
	if err != nil {
		t.Fatal(err)
	}
	var limit string
	if err := errors.Join(pooled.QueryRow(t.Context(), "SHOW statement_timeout").Scan(&limit), pooled.Close(t.Context())); err != nil || limit != "1min" {
		t.Errorf("behind the pooler a statement may take %s (%v)", limit, err)
	}
	l := startLoad(t, who, true, s)
	l.settle(200)
	pooler.kill()
	time.Sleep(time.Second)
	pooler.start()
	l.settle(200)
	p.kill()
	p.start()
	l.settle(200)
	l.verify(p)
}

// pooler is a PgBouncer in transaction mode.
type pooler struct {
	t       *testing.T
	dir     string
	account *user.User
	url     string
	command *exec.Cmd
}

const poolerPort = "6432"

func startPooler(t *testing.T, p *postgres) *pooler {
	t.Helper()
	upstream, err := pgx.ParseConfig(p.url())
	if err != nil {
		t.Fatal(err)
	}
	// A short path, as sockets need it, that an ordinary user can enter: it refuses to be root.
	dir, err := os.MkdirTemp("/tmp", "bouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b := &pooler{t: t, dir: dir}
	if b.account, err = user.Current(); err != nil {
		t.Fatal(err)
	}
	if b.account.Uid == "0" {
		if b.account, err = user.Lookup("postgres"); err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(b.account.Uid)
		if err := os.Chown(dir, uid, -1); err != nil {
			t.Fatal(err)
		}
	}
	settings := fmt.Sprintf(`[databases]
barong = host=%s port=%d user=%s dbname=barong
[pgbouncer]
pool_mode = transaction
listen_addr =
unix_socket_dir = %s
unix_socket_mode = 0777
listen_port = %s
auth_type = any
logfile = %s/log
default_pool_size = 8
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
`, upstream.Host, upstream.Port, upstream.User, dir, poolerPort, dir)
	if err := os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	b.url = "postgres:///barong?" + url.Values{
		"host": {dir}, "port": {poolerPort}, "user": {upstream.User}, "sslmode": {"disable"}, "default_query_exec_mode": {"exec"},
	}.Encode()
	b.start()
	t.Cleanup(b.kill)
	return b
}

func (b *pooler) start() {
	b.t.Helper()
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		path = "/usr/sbin/pgbouncer" // which PATH need not have
	}
	b.command = exec.Command(path, filepath.Join(b.dir, "pgbouncer.ini"))
	b.command.Stderr = io.Discard
	if os.Geteuid() == 0 {
		uid, _ := strconv.Atoi(b.account.Uid)
		gid, _ := strconv.Atoi(b.account.Gid)
		b.command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	if err := b.command.Start(); err != nil {
		b.t.Fatal(err)
	}
	for range 3000 { // a minute
		if _, err = os.Stat(filepath.Join(b.dir, ".s.PGSQL."+poolerPort)); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	text, _ := os.ReadFile(filepath.Join(b.dir, "log"))
	b.t.Fatalf("the pooler does not listen: %v\n%s", err, text)
}

func (b *pooler) kill() {
	if err := b.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		b.t.Error(err)
	}
	_ = b.command.Wait()
	_ = os.Remove(filepath.Join(b.dir, ".s.PGSQL."+poolerPort))
}
