package tests

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"barong/internal/freeport"
)

// binaryDir is a folder for this run, which TestMain makes and removes.
var binaryDir string

// binary is barong, built once; with an S3 server it is the one of a release, which has the driver.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryDir, "barong")
	build := exec.Command("go", "build", "-trimpath", "-o", path, ".")
	build.Dir = ".." // the module of the server
	if withS3() {
		build.Dir = "../cloud"
	}
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build, whose packages are then in the cache
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return path, nil
})

func command(t testing.TB, settings map[string]string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "BARONG_LISTEN=127.0.0.1:0", "BARONG_ADMIN_LISTEN=127.0.0.1:0"}
	for name, value := range settings {
		c.Env = append(c.Env, name+"="+value)
	}
	return c
}

// barong runs a command to its end.
func barong(t testing.TB, settings map[string]string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	c := command(t, settings, args...)
	var out, err bytes.Buffer
	c.Stdout, c.Stderr = &out, &err
	if failure := c.Run(); failure != nil && c.ProcessState == nil {
		t.Fatal(failure)
	}
	return out.String(), err.String(), c.ProcessState.ExitCode()
}

// process is a running barong serve.
type process struct {
	t             testing.TB
	command       *exec.Cmd
	public, admin string // host:port
	log           *logBuffer
	ended         chan error
}

var readyText = regexp.MustCompile(`msg=ready listen=(\S+) .*admin=(\S+)`)

// ready reads the addresses from the line of the log that says the server serves.
func ready(line []byte) (listen, admin string, ok bool) {
	if found := readyText.FindSubmatch(line); found != nil {
		return string(found[1]), string(found[2]), true
	}
	var told struct{ Msg, Listen, Admin string }
	err := json.Unmarshal(line, &told)
	return told.Listen, told.Admin, err == nil && told.Msg == "ready"
}

func serve(t testing.TB, settings map[string]string) *process {
	t.Helper()
	return serveBy(t, command(t, settings, "serve"))
}

// serveBy is the server that a command becomes.
func serveBy(t testing.TB, c *exec.Cmd) *process {
	t.Helper()
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	return awaitReady(t, c, stderr)
}

// awaitReady starts the server, and waits until its log, read from stderr, says that
// it serves.
func awaitReady(t testing.TB, c *exec.Cmd, stderr io.Reader) *process {
	t.Helper()
	p := &process{t: t, command: c, log: &logBuffer{}, ended: make(chan error, 1)}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	started := make(chan [2]string, 1)
	go func() {
		lines := bufio.NewScanner(io.TeeReader(stderr, p.log))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if listen, admin, ok := ready(lines.Bytes()); ok {
				started <- [2]string{listen, admin}
			}
		}
		p.ended <- p.command.Wait()
	}()
	t.Cleanup(func() { _ = p.command.Process.Kill() })
	select {
	case addresses := <-started:
		p.public, p.admin = addresses[0], addresses[1]
	case err := <-p.ended:
		t.Fatalf("the server ended: %v\n%s", err, p.log)
	case <-time.After(3 * time.Minute): // a private Postgres is made, on a busy machine
		t.Fatalf("the server did not get ready\n%s", p.log)
	}
	return p
}

// freeAddress is one that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// stops waits for the process to end well.
func (p *process) stops() {
	p.t.Helper()
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Errorf("the server ended with %v\n%s", err, p.log)
		}
	case <-time.After(time.Minute):
		p.t.Fatalf("the server did not stop\n%s", p.log)
	}
}

func status(t testing.TB, url string) int {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}
