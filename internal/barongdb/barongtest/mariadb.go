package barongtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"barong/internal/freeport"

	"github.com/go-sql-driver/mysql"
)

// ErrNoMariaDB says that this machine has no programs of MariaDB.
var ErrNoMariaDB = errors.New("MariaDB's programs mariadbd and mariadb-install-db are not installed (Debian: mariadb-server)")

// MariaDBServer is a running server without any data of value: it does not wait for the disk.
type MariaDBServer struct {
	dir     string
	socket  string
	port    int
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
	exit    error         // after that
}

// StartMariaDB starts a server in a new temporary folder, with a user barong who may do everything and has
// the password [Password]. It listens on a Unix socket and on a free TCP port of 127.0.0.1. The end of ctx
// does not stop it: Stop does, which also removes the folder.
//
// With BARONG_TEST_MYSQL it takes a server that runs instead, a MySQL for example: that of the Unix socket with
// this path, on which root needs no password.
func StartMariaDB(ctx context.Context) (*MariaDBServer, error) {
	if socket := os.Getenv("BARONG_TEST_MYSQL"); socket != "" {
		s := &MariaDBServer{socket: socket}
		return s, s.awaitReady(ctx)
	}
	daemon, err := program("mariadbd")
	if err != nil {
		return nil, err
	}
	installer, err := program("mariadb-install-db")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "barongtest-") // a path that a socket's name has room for
	if err != nil {
		return nil, err
	}
	s := &MariaDBServer{dir: dir, socket: filepath.Join(dir, "mariadb.sock"), ended: make(chan struct{})}
	if err := s.start(ctx, daemon, installer); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Password is what barong logs in with. Errors must not contain it.
const Password = "pass-w0rd:of/Barong"

func (s *MariaDBServer) start(ctx context.Context, daemon, installer string) error {
	account, options, err := s.chooseAccount()
	if err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	options = append(options, "--datadir="+data)
	install := exec.CommandContext(ctx, installer, append([]string{"--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"}, options...)...)
	// A server that starts, as the installation does for a moment, deletes the temporary tables of others in its
	// folder for them.
	install.Env = append(os.Environ(), "TMPDIR="+s.dir)
	install.Dir, install.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: account}
	if output, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w: %s", err, output)
	}
	if s.port, err = freeport.Find(); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "mariadb.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	options = append(options, "--tmpdir="+s.dir, "--socket="+s.socket, "--port="+strconv.Itoa(s.port), "--bind-address=127.0.0.1", "--skip-name-resolve",
		"--pid-file="+filepath.Join(data, "mariadb.pid"), "--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci",
		"--local-infile=1", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-buffer-pool-size=256M", "--innodb-log-file-size=256M")
	s.process = exec.Command(daemon, append([]string{"--no-defaults"}, options...)...) //nolint:noctx // it outlives ctx
	s.process.Stdout, s.process.Stderr = log, log
	s.process.Dir, s.process.SysProcAttr = s.dir, &syscall.SysProcAttr{Setpgid: true, Credential: account}
	if err := s.run(); err != nil {
		return err
	}
	return s.awaitReady(ctx)
}

// chooseAccount makes the folder that of the user whom the server runs as: this one, or where that is root,
// mysql. The account is nil for this user.
func (s *MariaDBServer) chooseAccount() (account *syscall.Credential, options []string, err error) {
	if err := os.Chmod(s.dir, 0o755); err != nil || os.Geteuid() != 0 {
		return nil, nil, err
	}
	found, err := user.Lookup("mysql")
	if err != nil {
		return nil, []string{"--user=root"}, nil //nolint:nilerr // a machine without that user: root must be asked for
	}
	uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, nil, err
	}
	account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return account, nil, os.Chown(s.dir, int(account.Uid), int(account.Gid))
}

// run starts the process, and lets it die with this one where the system can.
func (s *MariaDBServer) run() error {
	started := make(chan error)
	go func() {
		dieWithParent(s.process.SysProcAttr)
		err := s.process.Start()
		started <- err
		if err == nil {
			s.exit = s.process.Wait()
			close(s.ended)
		}
	}()
	return <-started
}

func (s *MariaDBServer) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	root, err := sql.Open("mysql", "root@unix("+s.socket+")/mysql")
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for {
		err := root.PingContext(ctx)
		if err == nil {
			break
		}
		select {
		case <-s.ended:
			text, _ := os.ReadFile(filepath.Join(s.dir, "mariadb.log"))
			return fmt.Errorf("mariadbd ended: %w: %s", errors.Join(s.exit, err), text)
		case <-ctx.Done():
			return fmt.Errorf("mariadbd does not answer: %w", err)
		case <-time.After(30 * time.Millisecond):
		}
	}
	for _, host := range []string{"localhost", "127.0.0.1"} {
		_, err := root.ExecContext(ctx, "CREATE USER 'barong'@'"+host+"' IDENTIFIED BY '"+Password+"'")
		if failure, ok := errors.AsType[*mysql.MySQLError](err); err != nil && (!ok || failure.Number != userExists) {
			return err
		}
		if _, err := root.ExecContext(ctx, "GRANT ALL ON *.* TO 'barong'@'"+host+"'"); err != nil {
			return err
		}
	}
	if _, err := root.ExecContext(ctx, "SET GLOBAL local_infile = 1"); err != nil {
		return err
	}
	return root.QueryRowContext(ctx, "SELECT @@port").Scan(&s.port)
}

// userExists is the number of the error ER_CANNOT_USER.
const userExists = 1396

// Stop ends the server and removes its folder.
func (s *MariaDBServer) Stop() {
	if s.process != nil && s.process.Process != nil {
		_ = s.process.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.ended:
		case <-time.After(20 * time.Second):
			_ = s.process.Process.Kill()
			<-s.ended
		}
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// Socket is the path of the server's Unix socket.
func (s *MariaDBServer) Socket() string { return s.socket }

// Address is the server's host and port.
func (s *MariaDBServer) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// program returns the path of a program of MariaDB. Those of servers are not always in PATH.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/opt/homebrew/bin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", ErrNoMariaDB
}
