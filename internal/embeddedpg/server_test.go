package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// helperDir makes this test binary the process that starts the server of a folder and waits to be
// killed.
const helperDir = "EMBEDDEDPG_HELPER_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(helperDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Start(context.Background(), options(dir))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.URL())
	time.Sleep(time.Hour)
}

// options trade safety for speed: the data of a test need not survive a crash.
func options(dir string) Options {
	return Options{Dir: dir, Settings: map[string]string{"fsync": "off"}}
}

// folder returns a folder that other users may traverse. Those of t.TempDir they may not, so root
// would have to run every server in a namespace.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "embeddedpg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func query[T any](t *testing.T, url, sql string) T {
	t.Helper()
	var value T
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// keep stores data that checkKept finds.
func keep(t *testing.T, s *Server) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 42 AS n"); err != nil {
		t.Fatal(err)
	}
}

func checkKept(t *testing.T, s *Server) {
	t.Helper()
	if got := query[int](t, s.URL(), "SELECT n FROM kept"); got != 42 {
		t.Errorf("kept %d, want 42", got)
	}
}

func reachable(t *testing.T, url string) bool {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return false
	}
	conn.Close(t.Context())
	return true
}

// runs reports whether a process runs. A zombie, whose parent has not yet waited for it, does not
// run although its number is in use.
func runs(t *testing.T, pid int) bool {
	t.Helper()
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	if err == nil {
		return !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
	}
	// Without ps, or when the process ended meanwhile: its parent will wait for it soon.
	for range 500 {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return false
		}
		time.Sleep(10 * time.Millisecond)
	}
	return true
}

func postmasterPID(t *testing.T, dir string) int {
	t.Helper()
	p, err := readPIDFile(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	return p.pid
}

func TestDataSurvivesARestartAndStopLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, options(dir))
	keep(t, s)
	pid := postmasterPID(t, dir)
	stop(t, s)
	if runs(t, pid) {
		t.Error("the postmaster still runs")
	}
	if _, err := os.Stat(s.socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket's folder is still there: %v", err)
	}

	again := start(t, options(dir))
	checkKept(t, again)
}

func TestServerListensOnNothingButAPrivateSocket(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	o := options(dir)
	o.Settings["listen_addresses"] = "*"
	s := start(t, o)
	for setting, want := range map[string]string{
		"listen_addresses": "",
		"fsync":            "off", // Settings may override a default that only protects data
		"max_connections":  "100",
		"TimeZone":         "UTC",
		"server_encoding":  "UTF8",
		"lc_messages":      "C",
		"is_superuser":     "on",
	} {
		if got := query[string](t, s.URL(), "SHOW "+setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if got := query[string](t, s.URL(), "SELECT current_database() || ' ' || current_user"); got != "barong barong" {
		t.Errorf("connected as %q", got)
	}
	if got := query[string](t, s.URL(), "SHOW server_version"); got != s.Version() {
		t.Errorf("Version() is %q, want %q", s.Version(), got)
	}
	info, err := os.Lstat(s.socket)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder has mode %v", info.Mode())
	}
}

func TestWritesAreDurableUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Dir: folder(t)})
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		if got := query[string](t, s.URL(), "SHOW "+setting); got != "on" {
			t.Errorf("%s is %s", setting, got)
		}
	}
}

func TestDataDirectoryOfAnotherVersionIsRefusedAndUntouched(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	data := filepath.Join(dir, "data")
	for name, content := range map[string]string{"PG_VERSION": "9\n", "base/1/112": "precious"} {
		writeFile(t, filepath.Join(data, name), content)
	}
	before := tree(t, data)
	_, err := Start(t.Context(), options(dir))
	if !errors.Is(err, ErrNoBinaries) {
		t.Fatalf("got %v", err)
	}
	for _, remedy := range []string{"PostgreSQL 9", "DATABASE_URL", "BARONG_PG_BIN", "pg_upgrade", data} {
		if !strings.Contains(err.Error(), remedy) {
			t.Errorf("the error does not mention %s:\n%v", remedy, err)
		}
	}
	if after := tree(t, data); after != before {
		t.Errorf("the data directory changed from\n%sto\n%s", before, after)
	}
}

func TestFolderThatIsNoDataDirectoryIsRefusedAndUntouched(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	data := filepath.Join(dir, "data")
	writeFile(t, filepath.Join(data, "letters.txt"), "dear diary")
	before := tree(t, data)
	if _, err := Start(t.Context(), options(dir)); err == nil || !strings.Contains(err.Error(), "PG_VERSION") {
		t.Errorf("got %v", err)
	}
	if after := tree(t, data); after != before {
		t.Errorf("the folder changed from\n%sto\n%s", before, after)
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	// A process that another test forks now would have the file open for writing, and it could not be executed.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tree returns everything that describes a folder's content.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		owner := info.Sys().(*syscall.Stat_t).Uid
		var content []byte
		if info.Mode().IsRegular() {
			if content, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		fmt.Fprintln(&text, path, info.Mode(), info.ModTime(), owner, string(content))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestServerThatCannotStartTellsWhy(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	o := options(dir)
	o.Settings["shared_buffers"] = "plenty"
	_, err := Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "plenty") {
		t.Fatalf("got %v, want PostgreSQL's own words", err)
	}
	start(t, options(dir)) // a second attempt succeeds
}

func TestInterruptedStartLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, options(dir)); err == nil {
		t.Fatal("started within the time that initdb alone takes")
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a data directory: %v", err)
	}
	start(t, options(dir))
}

func TestStopWithoutTimeStillStopsTheServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s, err := Start(t.Context(), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ended); err != nil && !errors.Is(err, context.Canceled) { // nil: it was faster than the first look
		t.Errorf("got %v", err)
	}
	if reachable(t, s.URL()) {
		t.Error("the server is still running")
	}
	start(t, options(dir))
}

func BenchmarkColdStart(b *testing.B) {
	for b.Loop() {
		s, err := Start(b.Context(), Options{Dir: folder(b)})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func BenchmarkWarmStart(b *testing.B) {
	o := Options{Dir: folder(b)}
	for i := 0; b.Loop(); i++ {
		if i == 0 {
			b.ResetTimer()
		}
		s, err := Start(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
