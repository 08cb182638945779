package faults

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/totp"

	"barong/internal/long"
)

const (
	documentsKey = "base64key://c29tZSBrZXkgb2YgMzIgYnl0ZXMsIG9ubHkgaGVyZSE="
	otpSecret    = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

// TestBackupByDumpWhileServing does what docs/operations.md says of backups, with
// BARONG_TEST_PGDUMP=1, where pg_dump and pg_restore are installed.
func TestBackupByDumpWhileServing(t *testing.T) {
	long.Test(t)
	if os.Getenv("BARONG_TEST_PGDUMP") == "" {
		t.Skip("BARONG_TEST_PGDUMP is empty")
	}
	p, who := startPostgres(t), newSigners(t)
	b := startBackedUp(t, p, who)
	known := b.known()
	dump := filepath.Join(t.TempDir(), "barong.dump")
	execute(t, "pg_dump", "--format=custom", "--file", dump, p.url())
	b.load.settle(100) // of these the database dump knows nothing
	data := b.copyData()
	b.load.settle(100)
	b.end()

	p.exec("CREATE DATABASE restored")
	restored := databaseOf(t, p.url(), "restored")
	execute(t, "pg_restore", "--exit-on-error", "--no-owner", "--dbname", restored, dump)
	b.check(restored, data, known)
}

// TestBackupByCopyAndLogToAPointInTime copies the data directory of a running
// database server, keeps its log, and restores the moment before a mistake.
func TestBackupByCopyAndLogToAPointInTime(t *testing.T) {
	long.Test(t)
	archive := openDir(t)
	if err := os.Chmod(archive, 0o777); err != nil { // root's server is the user postgres
		t.Fatal(err)
	}
	p, who := &postgres{t: t, dir: filepath.Join(openDir(t), "pg")}, newSigners(t)
	p.settings = map[string]string{"archive_mode": "on", "archive_command": "cp %p " + archive + "/%f"}
	p.start()
	b := startBackedUp(t, p, who)
	copied := p.backup()
	b.load.settle(200)
	known := b.known()
	var moment time.Time
	p.row("SELECT clock_timestamp()", &moment)
	data := b.copyData()
	b.load.settle(100)
	b.end()
	p.exec("TRUNCATE users CASCADE") // the mistake
	var segment string
	p.row("SELECT pg_walfile_name(pg_switch_wal())", &segment)
	p.eventually("the log to be archived", func() error {
		_, err := os.Stat(filepath.Join(archive, segment))
		return err
	})
	p.kill()

	copied.settings = map[string]string{
		"restore_command":        "cp " + archive + "/%f %p",
		"recovery_target_time":   moment.UTC().Format("2006-01-02 15:04:05.000000+00"),
		"recovery_target_action": "promote",
	}
	copied.start()
	copied.eventually("the recovery to end", func() error {
		if copied.number("SELECT pg_is_in_recovery()::int") == 1 {
			return errors.New("it goes on")
		}
		return nil
	})
	b.check(copied.url(), data, known)
}

// backedUp is a server under load whose users have documents, some of them codes.
type backedUp struct {
	t        *testing.T
	who      signers
	data     string // the data directory
	server   *server
	load     *load
	enrolled []string
}

func startBackedUp(t *testing.T, p *postgres, who signers) *backedUp {
	t.Helper()
	b := &backedUp{t: t, who: who, data: t.TempDir()}
	b.server = serve(t, who, b.settings(p.url(), b.data))
	b.load = startLoad(t, who, true, b.server)
	b.load.settle(100)
	b.enrolled = slices.Collect(maps.Keys(b.known()))[:3]
	for _, uid := range b.enrolled {
		if status, body := b.load.call("PUT", "/labels", map[string]any{"user_uid": uid, "key": "email", "value": "verified"}); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		b.barong(0, b.settings(p.url(), b.data), "otp", "import", uid, otpSecret)
	}
	return b
}

func (b *backedUp) settings(database, data string) map[string]string {
	return map[string]string{"DATABASE_URL": database, "BARONG_DATA_DIR": data, "BARONG_DOCUMENTS_KEY": documentsKey}
}

// known is what has been acknowledged so far.
func (b *backedUp) known() map[string]acknowledged {
	b.load.mutex.Lock()
	defer b.load.mutex.Unlock()
	known := make(map[string]acknowledged, len(b.load.users))
	for uid, user := range b.load.users {
		known[uid] = *user
		kept := known[uid]
		kept.open = slices.Clone(user.open)
		for step := user.step + 1; step <= user.tried; step++ {
			kept.open = append(kept.open, step)
		}
		known[uid] = kept
	}
	return known
}

func (b *backedUp) end() {
	b.t.Helper()
	b.load.stop()
	b.server.terminate()
}

// copyData copies keys and documents, as they are at that moment. A file that is
// being written is gone under its first name when it is done.
func (b *backedUp) copyData() string {
	b.t.Helper()
	to := b.t.TempDir()
	err := filepath.WalkDir(b.data, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(b.data, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, 0o600)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return to
}

// check holds a restored database and data directory against what was known when
// they were backed up.
func (b *backedUp) check(database, data string, known map[string]acknowledged) {
	t := b.t
	t.Helper()
	settings := b.settings(database, data)
	if out := b.barong(0, settings, "migrate", "status"); strings.Contains(out, "pending") {
		t.Errorf("steps are pending: %s", out)
	}
	if out := b.barong(0, settings, "users", "recount"); !strings.Contains(out, "the count was right") {
		t.Errorf("after a restore of everything: %s", out)
	}
	verified := b.barong(0, settings, "documents", "verify", "--read")
	documents, steps := 0, 0
	s := serve(t, b.who, settings)
	b.load.aim(s)
	for uid, user := range known {
		b.load.read(uid, &user)
		documents += user.documents
		steps += user.step
		if user.documents > 0 {
			b.readDocuments(s, uid)
		}
	}
	for _, wrong := range b.load.wrong {
		t.Error(wrong)
	}
	if len(known) < 20 || documents < 20 || steps < 20 {
		t.Errorf("%d users, %d labels and %d documents prove little", len(known), steps, documents)
	}
	for _, uid := range b.enrolled {
		b.sign(uid, http.StatusCreated)
	}
	fmt.Printf("backup %-45s users %d  documents %d  after: %s", t.Name(), len(known), documents, verified)
	s.terminate()

	// Without the keys it is worth little.
	if err := os.Remove(filepath.Join(data, "otp", "secrets.key")); err != nil {
		t.Fatal(err)
	}
	other := serve(t, b.who, settings)
	b.load.aim(other)
	b.sign(b.enrolled[0], http.StatusUnprocessableEntity)
	other.terminate()
	settings["BARONG_DOCUMENTS_KEY"] = strings.Replace(documentsKey, "c29", "c28", 1)
	b.barong(0, settings, "documents", "verify")
	b.barong(1, settings, "documents", "verify", "--read")

	// A store from before the database lacks what the database has.
	files, err := filepath.Glob(filepath.Join(data, "documents", "doc-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the copy has no documents: %v", err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if out := b.barong(1, settings, "documents", "verify"); strings.Count(out, "its file is gone") < documents {
		t.Errorf("%d documents have no file, and it says: %s", documents, out)
	}
}

// readDocuments gets every document of a user by its URL.
func (b *backedUp) readDocuments(s *server, uid string) {
	b.t.Helper()
	_, body := b.load.call("POST", "/users/get", map[string]any{"uid": uid})
	var user userView
	if err := json.Unmarshal(body, &user); err != nil {
		b.t.Fatal(err)
	}
	for _, document := range user.Documents {
		answer, err := http.Get(document.Upload)
		if err != nil {
			b.t.Fatal(err)
		}
		content, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if want, _ := base64.StdEncoding.DecodeString(picture); err != nil || answer.StatusCode != http.StatusOK || !bytes.Equal(content, want) {
			b.t.Errorf("a document of %s from %s: %d, %d bytes, %v", uid, s.url, answer.StatusCode, len(content), err)
		}
	}
}

func (b *backedUp) sign(uid string, want int) {
	b.t.Helper()
	code, err := totp.GenerateCode(otpSecret, time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	before := len(b.load.wrong)
	status, body := b.load.call("POST", "/otp/sign", map[string]any{"user_uid": uid, "otp_code": code})
	b.load.wrong = b.load.wrong[:before] // a 422 is what may be wanted here
	if status != want {
		b.t.Errorf("a code of %s was answered %d %s", uid, status, body)
	}
}

// barong runs a command, which must end with that status, and returns its output.
func (b *backedUp) barong(status int, settings map[string]string, arguments ...string) string {
	b.t.Helper()
	c := exec.Command(binary, arguments...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for name, value := range settings {
		c.Env = append(c.Env, name+"="+value)
	}
	output, err := c.CombinedOutput()
	if c.ProcessState == nil || c.ProcessState.ExitCode() != status {
		b.t.Fatalf("barong %v: %v: %s", arguments, err, output)
	}
	return string(output)
}

// backup copies the data directory of a running server: pg_basebackup does the
// same, and is not everywhere.
func (p *postgres) backup() *postgres {
	p.t.Helper()
	ctx := context.WithoutCancel(p.t.Context())
	connection, err := pgx.Connect(ctx, p.url()) // the backup ends with its connection
	if err != nil {
		p.t.Fatal(err)
	}
	defer connection.Close(ctx)
	start, stop := "pg_backup_start", "pg_backup_stop()"
	if p.number("SELECT current_setting('server_version_num')::int") < 150000 {
		start, stop = "pg_start_backup", "pg_stop_backup(false)"
	}
	arguments := "('test', true)"
	if start == "pg_start_backup" {
		arguments = "('test', true, false)"
	}
	if _, err := connection.Exec(ctx, "SELECT "+start+arguments); err != nil {
		p.t.Fatal(err)
	}
	copied := &postgres{t: p.t, dir: filepath.Join(openDir(p.t), "copy")}
	// What vanishes meanwhile is not needed: the log has it.
	if output, err := exec.Command("cp", "-a", p.dir, copied.dir).CombinedOutput(); err != nil && !strings.Contains(string(output), "No such file") && !strings.Contains(string(output), "replaced while being copied") {
		p.t.Fatalf("%v: %s", err, output)
	}
	var label string
	if err := connection.QueryRow(ctx, "SELECT labelfile FROM "+stop).Scan(&label); err != nil {
		p.t.Fatal(err)
	}
	data := filepath.Join(copied.dir, "data")
	for _, gone := range []string{"../starting.lock", "../users.lock", "../running.lock", "../postgres.log", "postmaster.pid", "postmaster.opts", "pg_wal"} {
		if err := os.RemoveAll(filepath.Join(data, gone)); err != nil {
			p.t.Fatal(err)
		}
	}
	owner, err := os.Stat(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		p.t.Fatal(err)
	}
	for name, content := range map[string]*string{"backup_label": &label, "recovery.signal": new(string), "pg_wal": nil} {
		path := filepath.Join(data, name)
		var err error
		if content == nil {
			err = os.Mkdir(path, 0o700)
		} else {
			err = os.WriteFile(path, []byte(*content), 0o600)
		}
		if err := errors.Join(err, giveTo(path, owner)); err != nil {
			p.t.Fatal(err)
		}
	}
	return copied
}

// giveTo makes a file that of whoever owns another.
func giveTo(path string, like fs.FileInfo) error {
	owner, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}

// row reads one value.
func (p *postgres) row(sql string, into ...any) {
	p.t.Helper()
	connection, err := pgx.Connect(p.t.Context(), p.url())
	if err != nil {
		p.t.Fatal(err)
	}
	defer connection.Close(p.t.Context())
	if err := connection.QueryRow(p.t.Context(), sql).Scan(into...); err != nil {
		p.t.Fatal(err)
	}
}

func databaseOf(t *testing.T, server, name string) string {
	t.Helper()
	parsed, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Path = "/" + name
	return parsed.String()
}

func execute(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if output, err := exec.Command(name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, output)
	}
}
