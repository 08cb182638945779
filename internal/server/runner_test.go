package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/internal/auth"
	"barong/internal/server"
)

// shortTimeouts closes slow clients early, so that the tests are quick.
var shortTimeouts = server.Timeouts{Header: time.Second, Body: time.Second, BodyRate: 512 << 10, Progress: 200 * time.Millisecond, Answer: 200 * time.Millisecond, Idle: 200 * time.Millisecond}

// patientWithBodies allows a minute for a body: net/http would otherwise end the connection by
// that timeout before the one under test.
func patientWithBodies() server.Timeouts {
	p := shortTimeouts
	p.Body = time.Minute
	return p
}

// maxDelay is longer than all of shortTimeouts together.
const maxDelay = 3500 * time.Millisecond

// waitLimit is how long a test waits for what follows shortTimeouts: more than a loaded machine
// takes, and less than the time-outs that a broken server would fall back on.
const waitLimit = 8 * time.Second

// operation implements getUser with a configurable response.
type operation struct {
	generated.StrictServerInterface
	work   func(context.Context) error
	answer func(io.Writer) error
}

func (o operation) GetUser(ctx context.Context, _ generated.GetUserRequestObject) (generated.GetUserResponseObject, error) {
	if o.work != nil {
		return o, o.work(ctx)
	}
	return o, nil
}

func (o operation) VisitGetUserResponse(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusCreated)
	if o.answer != nil {
		return o.answer(w)
	}
	return nil
}

// listening is a server for one test, with memory for one large body.
type listening struct {
	t       testing.TB
	address string
	token   string
}

func listen(t testing.TB, o operation, timeout time.Duration, timeouts server.Timeouts) listening {
	t.Helper()
	return listenWith(t, o, timeout, timeouts, nil)
}

func listenWith(t testing.TB, o operation, timeout time.Duration, timeouts server.Timeouts, certificates *server.Certificates, change ...func(*server.Runner, *server.Options)) listening {
	t.Helper()
	private, value, err := signing.GenerateKey("HS256")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := signing.NewSigner("backend", "HS256", private)
	if err != nil {
		t.Fatal(err)
	}
	keychain, err := auth.ParseKeychain([]byte("keychain:\n"+auth.KeychainEntry("backend", "HS256", value)+
		"\nscopes: {read_users: {permitted_signers: [backend], mandatory_signers: [backend]}}"), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	token, err := signing.Token(signing.NewClaims(time.Now(), time.Hour), signer)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	options := server.Options{
		Operations: o, Keychain: auth.Fixed(keychain), Log: log, Clock: time.Now,
		BodyLimit: 16 << 20, BodyMemory: 1 << 20, InFlight: 8, Downloads: 8, Timeout: timeout, Timeouts: timeouts,
	}
	open := func() net.Listener {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return listener
	}
	life := server.Runner{
		Public: open(), TLS: certificates, Admin: server.OpenAdmin(open(), nil, log), Check: func(context.Context) error { return nil },
		Timeouts: timeouts, Timeout: timeout, Drain: time.Second, Log: log,
	}
	for _, apply := range change {
		apply(&life, &options)
	}
	if life.Handler, err = server.New(options); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = life.Serve(ctx) // some tests leave a request open that the drain cuts off
	}()
	t.Cleanup(func() { stop(); <-ended })
	return listening{t, life.Public.Addr().String(), token}
}

// connect opens a connection and sends a text.
func (l listening) connect(text string) net.Conn {
	l.t.Helper()
	connection, err := (&net.Dialer{}).DialContext(l.t.Context(), "tcp", l.address)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetReadDeadline(time.Now().Add(4 * maxDelay)); err != nil { // fails rather than waits forever
		l.t.Fatal(err)
	}
	if _, err := io.WriteString(connection, text); err != nil {
		l.t.Fatal(err)
	}
	return connection
}

// head returns the headers of a request with a body of that many bytes.
func (l listening) head(size int) string {
	return fmt.Sprintf("POST /api/v2/management/users/get HTTP/1.1\r\nHost: barong\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", l.token, size)
}

const user = `{"uid":"ID873B5CE1D2"}`

// status reads one response and returns its status.
func status(t testing.TB, reader *bufio.Reader) int {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return response.StatusCode
}

// cutOff fails the test unless the server closes the connection.
func cutOff(t testing.TB, connection net.Conn) {
	t.Helper()
	if err := connection.SetReadDeadline(time.Now().Add(waitLimit)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, connection)
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		t.Errorf("the connection is still open after %s", waitLimit)
	}
}

// drip sends a byte at intervals until the connection breaks.
func drip(connection net.Conn, b string) {
	for {
		if _, err := io.WriteString(connection, b); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestHeadersAtADripAreCutOff(t *testing.T) {
	t.Parallel()
	l := listen(t, operation{}, time.Minute, patientWithBodies())
	connection := l.connect("POST /api/v2/management/users/get HTTP/1.1\r\nHost: barong\r\nX-Slow: ")
	go drip(connection, "x")
	cutOff(t, connection)
	cutOff(t, l.connect("")) // a client that sends nothing at all is closed too
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	l := listen(t, operation{}, time.Second, shortTimeouts)
	for size, want := range map[int]int{12 << 10: http.StatusCreated, 32 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		head := strings.Replace(l.head(len(user)), "\r\n\r\n", "\r\nX-Large: "+strings.Repeat("x", size)+"\r\n\r\n", 1)
		if got := status(t, bufio.NewReader(l.connect(head+user))); got != want {
			t.Errorf("%d bytes: %d, want %d", size, got, want)
		}
	}
}

func TestBodiesAtADripAreCutOff(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 1000, "large": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, operation{}, time.Minute, shortTimeouts)
			connection := l.connect(l.head(size))
			go drip(connection, " ")
			if got := status(t, bufio.NewReader(connection)); got != http.StatusBadRequest {
				t.Error(got)
			}
			cutOff(t, connection)
		})
	}
}

// Large bodies share memory: a stalled one releases it long before the request's timeout.
func TestLargeBodyThatStallsGivesItsRoomBack(t *testing.T) {
	t.Parallel()
	l := listen(t, operation{}, 10*time.Second, shortTimeouts)
	l.connect(l.head(1<<20) + "{")
	time.Sleep(50 * time.Millisecond) // by now it holds the memory
	begin := time.Now()
	large := user + strings.Repeat(" ", 1<<20-len(user))
	if got := status(t, bufio.NewReader(l.connect(l.head(len(large))+large))); got != http.StatusCreated {
		t.Error(got)
	}
	if took := time.Since(begin); took > waitLimit {
		t.Errorf("it waited for %s", took)
	}
}

// A body that arrives steadily may take longer than the request's timeout.
func TestLargeBodyHasItsOwnTime(t *testing.T) {
	t.Parallel()
	timeouts := shortTimeouts
	timeouts.Body, timeouts.BodyRate = waitLimit, 1 // a part may be late on a loaded machine
	const requestTime = time.Second
	l := listen(t, worksFor(requestTime/4), requestTime, timeouts)
	large := user + strings.Repeat(" ", 1<<20-len(user))
	connection := l.connect(l.head(len(large)))
	const parts = 16
	for i := range parts {
		if _, err := io.WriteString(connection, large[i*len(large)/parts:(i+1)*len(large)/parts]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * requestTime / 2 / parts)
	}
	if got := status(t, bufio.NewReader(connection)); got != http.StatusCreated {
		t.Error(got)
	}
}

// worksFor takes that long, unless the request's context ends earlier.
func worksFor(long time.Duration) operation {
	return operation{work: func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(long):
			return nil
		}
	}}
}

func TestWorkMayTakeLongerThanReading(t *testing.T) {
	t.Parallel()
	work := shortTimeouts.Header + shortTimeouts.Body + 200*time.Millisecond
	l := listen(t, worksFor(work), work+waitLimit, shortTimeouts)
	if got := status(t, bufio.NewReader(l.connect(l.head(len(user))+user))); got != http.StatusCreated {
		t.Error(got)
	}
}

// answers writes a response body of that many bytes.
func answers(size int) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(make([]byte, size))
		return err
	}
}

// A response that the client does not read is aborted, and releases its place and its memory.
func TestAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	t.Parallel()
	timeouts := shortTimeouts
	timeouts.Progress, timeouts.Answer = time.Second, time.Second // a loaded machine is late with the first byte
	// More than the buffers of the operating system hold between the server and a client.
	const size = 16 << 20
	l := listen(t, operation{answer: answers(size)}, 10*time.Second, timeouts)
	connection := l.connect(l.head(len(user)) + user)
	if _, err := io.ReadFull(connection, make([]byte, 1)); err != nil { // the response has begun
		t.Fatal(err)
	}
	time.Sleep(maxDelay)
	received, err := io.Copy(io.Discard, connection)
	if received >= size {
		t.Errorf("%d bytes arrived", received)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server keeps the connection open")
	}
}

func TestConnectionWithoutRequestsEnds(t *testing.T) {
	t.Parallel()
	timeouts := patientWithBodies()
	timeouts.Idle = time.Second // a loaded machine is late with the second request
	l := listen(t, operation{}, time.Minute, timeouts)
	connection := l.connect(l.head(len(user)) + user)
	reader := bufio.NewReader(connection)
	for range 2 {
		if got := status(t, reader); got != http.StatusCreated {
			t.Error(got)
		}
		if _, err := io.WriteString(connection, l.head(len(user))+user); err != nil { // the connection stays open
			t.Fatal(err)
		}
	}
	cutOff(t, connection)
}
