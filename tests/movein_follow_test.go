package tests

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// follower is a running barong import --follow.
type follower struct {
	t              testing.TB
	stdout, stderr logBuffer
	signal         func()
	ended          chan error
}

func (m moveIn) follow() *follower {
	m.t.Helper()
	f := &follower{t: m.t, ended: make(chan error, 1)}
	c := command(m.t, m.settings, "import", "--follow", "1s", "--batch", "300", "--refused", filepath.Join(m.dir, "refused"))
	c.Stdout, c.Stderr = &f.stdout, &f.stderr
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() { f.ended <- c.Wait() }()
	f.signal = func() { _ = c.Process.Signal(syscall.SIGTERM) }
	m.t.Cleanup(func() { _ = c.Process.Kill() })
	return f
}

// stop ends the follower, which must succeed.
func (f *follower) stop() {
	f.t.Helper()
	f.signal()
	select {
	case err := <-f.ended:
		if err != nil {
			f.t.Errorf("%v\n%s", err, &f.stderr)
		}
	case <-time.After(time.Minute):
		f.t.Fatal("it does not end")
	}
}

// eventually waits for a condition, at most a minute.
func (f *follower) eventually(what string, holds func() bool) {
	f.t.Helper()
	for began := time.Now(); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			f.t.Fatalf("not within a minute: %s\n%s%s", what, &f.stdout, &f.stderr)
		}
	}
}

// Guards that a copy that follows a Barong in use equals it afterwards, also where this server's database
// ends all connections meanwhile.
func TestCopyFollowsABarongInUse(t *testing.T) {
	t.Parallel()
	const users, changes = 600, 150
	m := newMoveIn(t)
	m.source.Bulk(t, users)
	f := m.follow()
	f.eventually("it follows", func() bool { return strings.Contains(f.stderr.String(), "following: ") })
	const seed = 20261130
	r := rand.New(rand.NewPCG(seed, seed))
	var deleted []string
	changed := func(runs int) {
		t.Helper()
		f.eventually("it says that runs changed something", func() bool { return strings.Count(f.stdout.String(), " updated, ") >= runs })
	}
	for n := range changes {
		if n == changes/2 {
			changed(1)
		}
		if uid := m.changeAtRandom(r, n, users); uid != "" {
			deleted = append(deleted, uid)
		}
		if n%50 == 25 {
			m.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		}
		time.Sleep(20 * time.Millisecond)
	}
	want := m.fresh().exportedSorted()
	f.eventually("the copy equals Barong", func() bool { return slices.Equal(m.exportedSorted(deleted...), want) })
	changed(2)
	f.stop()
}

// Guards that a follower outlives an outage of Barong's database, and says so once.
func TestFollowingGoesOnAfterAnOutage(t *testing.T) {
	t.Parallel()
	m := newMoveIn(t)
	m.source.Bulk(t, 5)
	f := m.follow()
	f.eventually("it follows", func() bool { return strings.Contains(f.stderr.String(), "following: ") })
	m.source.Exec(t, "RENAME TABLE labels TO labels_away")
	f.eventually("it says that a run failed", func() bool { return strings.Contains(f.stderr.String(), "another run is made") })
	time.Sleep(3 * time.Second)
	m.source.Exec(t, "UPDATE users SET email = 'changed@example.com' WHERE id = 3")
	m.source.Exec(t, "RENAME TABLE labels_away TO labels")
	f.eventually("the change is here", func() bool { return m.count("SELECT count(*) FROM users WHERE email = 'changed@example.com'") == 1 })
	f.eventually("it says that runs succeed", func() bool { return strings.Contains(f.stderr.String(), "runs succeed again") })
	f.stop()
	if text := f.stderr.String(); strings.Count(text, "another run is made") != 1 || !strings.Contains(text, "runs succeed again") {
		t.Error(text)
	}
}

func TestFollowingNeedsADatabaseAndAPause(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	for _, wrong := range [][]string{{"--follow", "1s", "users.ndjson"}, {"--follow", "10ms", "--from", "mysql://a@b/c"}, {"--follow", "1s", "--dry-run", "--from", "mysql://a@b/c"}} {
		if _, stderr := b.run(2, append([]string{"import"}, wrong...)...); !strings.Contains(stderr, "--follow") {
			t.Errorf("%v: %s", wrong, stderr)
		}
	}
}
