package faults

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestOneOfTwoServersThatIsKilled(t *testing.T) {
	p, who := startPostgres(t), newSigners(t)
	first := serve(t, who, map[string]string{"DATABASE_URL": p.url()})
	second := serve(t, who, map[string]string{"DATABASE_URL": p.url()})
	l := startLoad(t, who, false, first, second)
	l.settle(200)
	if err := first.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	l.settle(200)
	l.verify(p)
}

func TestRollingRestart(t *testing.T) {
	p, who := startPostgres(t), newSigners(t)
	settings := map[string]string{"DATABASE_URL": p.url()}
	first, second := serve(t, who, settings), serve(t, who, settings)
	l := startLoad(t, who, false, first, second)
	for range 2 {
		// As a load balancer does it: away from the one that goes, before it goes.
		l.settle(100)
		l.aim(second)
		first.terminate()
		first = serve(t, who, settings)
		l.aim(first)
		l.settle(100)
		second.terminate()
		second = serve(t, who, settings)
		l.aim(first, second)
	}
	l.settle(100)
	l.verify(p)
	if l.answers[0] > 0 || l.answers[503] > 0 {
		t.Errorf("a rolling restart was noticed: %v", l.answers)
	}
}

func TestDiskOfTheDocumentsThatIsFull(t *testing.T) {
	p, who := startPostgres(t), newSigners(t)
	dir := filepath.Join(t.TempDir(), "data")
	// A file system of two megabytes, in a namespace of the server's own.
	script := `mkdir -p "$0" && mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"`
	if output, err := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, dir, "true").CombinedOutput(); err != nil {
		t.Skipf("a small file system needs Linux with user namespaces: %v: %s", err, output)
	}
	s := serve(t, who, map[string]string{"DATABASE_URL": p.url(), "BARONG_DATA_DIR": dir},
		"unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, dir)
	l := startLoad(t, who, true, s)
	l.settle(500)
	time.Sleep(time.Second)
	l.verify(p)
	if l.answers[503] == 0 {
		t.Error("the disk never got full: this proves nothing")
	}
}
