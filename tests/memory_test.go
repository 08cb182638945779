package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/internal/long"
)

// uploads is how many documents of 10 MiB come at once.
const uploads = 20

// uploadMemory is what the process may take while they do, in bytes: the room for
// large bodies that is set below, and as much again for everything else: what the
// garbage collector has not found yet, above all.
const uploadMemory = 512 << 20

func TestTwentyUploadsOfTenMiBAtOnceStayWithinTheirMemory(t *testing.T) {
	long.Test(t)
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the memory of a process is read from /proc, which this system does not have")
	}
	for _, f := range forms {
		t.Run(string(f), func(t *testing.T) {
			dir := t.TempDir()
			keychain := filepath.Join(dir, "management_api.yml")
			if err := os.WriteFile(keychain, []byte(keychainFile()), 0o600); err != nil {
				t.Fatal(err)
			}
			p := serve(t, map[string]string{
				"BARONG_DATA_DIR": dir, "DATABASE_URL": newDatabase(t), "BARONG_MANAGEMENT_API": keychain,
				"BARONG_BODY_MEMORY": strconv.Itoa(256 << 20), "BARONG_REQUEST_TIMEOUT": "2m",
			})
			claims := signing.NewClaims(time.Now(), 5*time.Minute)
			authorization := bearer(t, claims)
			post := func(path, contentType string, body []byte) (int, string) {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.public+"/api/v2/management"+path, bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Content-Type", contentType)
				request.Header.Set("Authorization", authorization)
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					return 0, err.Error()
				}
				got := read(t, response)
				return got.status, string(got.body)
			}
			_, user := post("/users/import", "application/json", marshal(t, parameters{"email": "ada@example.com", "password_digest": digest}))
			var imported struct{ UID string }
			if err := json.Unmarshal([]byte(user), &imported); err != nil {
				t.Fatal(err, user)
			}
			body, contentType := inForm(t, f, passport(imported.UID, png(10<<20)), claims)
			before := memory(t, p.command.Process.Pid, highWater)
			start := time.Now()
			failed := make(chan string, uploads)
			for range uploads {
				go func() {
					status, answer := post("/documents", contentType, body)
					if status == http.StatusCreated {
						answer = ""
					}
					failed <- answer
				}()
			}
			for range uploads {
				if answer := <-failed; answer != "" {
					t.Error(answer)
				}
			}
			took := time.Since(start)
			peak := memory(t, p.command.Process.Pid, highWater)
			t.Logf("%d uploads of 10 MiB in %s: at most %d MiB, %d MiB before", uploads, took.Round(time.Millisecond), peak>>20, before>>20)
			if peak > uploadMemory {
				t.Errorf("the server took %d MiB, more than %d", peak>>20, uploadMemory>>20)
			}
			p.signal(syscall.SIGTERM)
			p.stops()
		})
	}
}

// idleMemory is what the process may take when the start is over and nobody calls,
// in bytes: it takes about 75 MB, half of them pages of the program (docs/performance.md).
const idleMemory = 90 << 20

// ofBinary adds to a bound of memory what the drivers that a release has take, where the
// tests run with its binary: about 42 MB.
func ofBinary(bound int) int {
	if withS3() {
		bound += 50 << 20
	}
	return bound
}

func TestAnIdleServerTakesLittleMemory(t *testing.T) {
	long.Test(t)
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the memory of a process is read from /proc, which this system does not have")
	}
	t.Parallel()
	p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t)})
	limit := ofBinary(idleMemory)
	var taken int
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if taken = memory(t, p.command.Process.Pid, resident); taken <= limit {
			break
		}
	}
	if taken > limit {
		t.Errorf("the server takes %d MiB, more than %d", taken>>20, limit>>20)
	}
	if got := status(t, "http://"+p.admin+"/readyz"); got != http.StatusOK {
		t.Errorf("it answers %d afterwards", got)
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}

// inForm writes a request's body in one of its forms.
func inForm(t testing.TB, f form, given parameters, claims signing.Claims) (body []byte, contentType string) {
	t.Helper()
	switch f {
	case envelopeForm:
		envelope, err := signing.Envelope(marshal(t, given), claims, backend().signer)
		if err != nil {
			t.Fatal(err)
		}
		return envelope, "application/json"
	case jsonForm:
		return marshal(t, given), "application/json"
	default:
		values := url.Values{}
		for name, value := range given {
			values.Set(name, fmt.Sprint(value))
		}
		return []byte(values.Encode()), "application/x-www-form-urlencoded"
	}
}

// What /proc tells of the memory of a process: what is resident, and the most that
// ever was.
var (
	resident  = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)
	highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
)

// memory is what a process takes by one of those measures, in bytes.
func memory(t testing.TB, pid int, measure *regexp.Regexp) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := measure.FindSubmatch(status)
	if found == nil {
		t.Fatalf("no %s in %s", measure, status)
	}
	kilobytes, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// runMeasured runs a command to its end and returns the most memory that it took, in bytes.
// The rusage of a process does not say: its maximum includes what the parent had when it
// forked.
func runMeasured(t testing.TB, c *exec.Cmd) (peak int) {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for {
		select {
		case <-ended:
			return peak
		case <-time.After(20 * time.Millisecond):
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
			if found := highWater.FindSubmatch(status); found != nil {
				kilobytes, _ := strconv.Atoi(string(found[1]))
				peak = max(peak, kilobytes<<10)
			}
		}
	}
}

func TestLargeBodiesWaitForMemoryAndSmallOnesDoNot(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.bodyMemory, s.timeout = 1<<20, 5*time.Second })
	uid := a.user(nil)

	large := passport(uid, png(300_000))
	var stop func()
	eventually(t, "a large body does not find memory", func() bool {
		if stop != nil {
			stop() // they were cut off, or the large body came before them
		}
		stop = a.stallingUploads(2)
		got := a.call(jsonForm, "createDocument", large)
		if !strings.Contains(string(got.body), "busy with other large requests") {
			return false
		}
		got.refused(t, http.StatusServiceUnavailable, "The server is busy with other large requests, try again later")
		return got.header.Get("Retry-After") == "5"
	})
	a.must("createDocument", passport(uid, png(1000)))
	stop()
	eventually(t, "the memory is free again", func() bool { return a.call(jsonForm, "createDocument", large).status == http.StatusCreated })
}

// stallingUploads are requests that have sent most of a large body and do not get on, until the returned function
// is called, or for 10 s: the server then cuts them off.
func (a *api) stallingUploads(n int) (stop func()) {
	a.t.Helper()
	var group sync.WaitGroup
	var writers []*io.PipeWriter
	for range n {
		reader, writer := io.Pipe()
		writers = append(writers, writer)
		request, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.url+"/documents", reader)
		if err != nil {
			a.t.Fatal(err)
		}
		request.ContentLength = 600_000
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", bearer(a.t, signing.NewClaims(a.clock.Now(), time.Minute)))
		group.Go(func() {
			if response, err := http.DefaultTransport.RoundTrip(request); err == nil {
				response.Body.Close()
			}
		})
		_, _ = writer.Write(append([]byte("{"), bytes.Repeat([]byte(" "), 500_000)...)) // fails where the request has ended
	}
	return func() {
		for _, writer := range writers {
			writer.CloseWithError(io.ErrUnexpectedEOF)
		}
		group.Wait()
	}
}

// Idle senders of large bodies, known or not, hold what they have sent and no more.
func TestIdleSendersDoNotDelayAnUpload(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.bodyMemory = 16 << 20 })
	uid := a.user(nil)
	token := bearer(t, signing.NewClaims(a.clock.Now(), time.Minute))
	upload := func(f form) time.Duration {
		t.Helper()
		begin := time.Now()
		if got := a.call(f, "createDocument", passport(uid, png(1<<20))); got.status != http.StatusCreated {
			t.Error(got)
		}
		return time.Since(begin)
	}
	alone := upload(envelopeForm)
	for i := range 32 {
		connection, err := net.Dial("tcp", strings.TrimPrefix(a.root, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		head := "POST /api/v2/management/documents HTTP/1.1\r\nHost: barong\r\nContent-Type: application/json\r\nContent-Length: 16777216\r\n"
		if i%2 == 0 {
			head += "Authorization: " + token + "\r\n"
		}
		if _, err := io.WriteString(connection, head+"\r\n"+strings.Repeat(" ", 512)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(200 * time.Millisecond) // all of it is being read
	for _, f := range forms {
		// Whoever holds memory and sends nothing loses it after 10 s.
		if took := upload(f); took > alone+9*time.Second {
			t.Errorf("an upload as %s took %s, and %s without idle senders", f, took, alone)
		}
	}
}
