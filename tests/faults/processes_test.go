package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"barong/internal/long"
)

func TestOneOfTwoServersThatIsKilled(t *testing.T) {
	long.Test(t)
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
	long.Test(t)
	p, who := startPostgres(t), newSigners(t)
	settings := map[string]string{"DATABASE_URL": p.url(), "BARONG_DRAIN_DELAY": "2s", "BARONG_REQUEST_TIMEOUT": "30s"} // for a disk that is slow for a moment
	first, second := serve(t, who, settings), serve(t, who, settings)
	l := newLoad(t, who, first, second)
	l.client.Timeout = time.Minute
	l.begin()
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
	long.Test(t)
	p, who := startPostgres(t), newSigners(t)
	dir := filepath.Join(t.TempDir(), "data")
	// A file system of two megabytes, in a namespace of the server's own.
	script := `mkdir -p "$0" && mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"`
	within := []string{"unshare", "--mount", "sh", "-c", script, dir}
	if os.Geteuid() != 0 {
		within = slices.Insert(within, 1, "--user", "--map-root-user")
	}
	if output, err := exec.Command(within[0], append(within[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("a small file system needs Linux with namespaces: %v: %s", err, output)
	}
	s := serve(t, who, map[string]string{"DATABASE_URL": p.url(), "BARONG_DATA_DIR": dir}, within...)
	l := startLoad(t, who, true, s)
	l.settle(500)
	time.Sleep(time.Second)
	l.verify(p)
	if l.answers[503] == 0 {
		t.Error("the disk never got full: this proves nothing")
	}
}
