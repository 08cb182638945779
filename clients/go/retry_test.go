package barong_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	barong "barong/clients/go"
	"barong/clients/go/api"
)

// call calls an operation. Its flags are the outcomes after which the client must retry if
// writes are not retried.
type call struct {
	send                      func(context.Context, *barong.Client) error
	again429, again503, again bool // after 429, after 503, after a lost connection
}

// withWrites returns whether a call must be retried if writes are: also after the failures that
// only its idempotency key makes harmless.
func (c call) withWrites(operation string, again bool) bool { return again || operation != "signOTP" }

const someUID = "ID873B5CE1D2"

// calls contains all operations.
var calls = map[string]call{
	"getTimestamp": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.GetTimestampWithResponse(ctx, nil)
		return err
	}, true, true, true},
	"listLabels": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.ListLabelsWithResponse(ctx, api.ListLabelsParameters{UserUID: someUID})
		return err
	}, true, true, true},
	"filterUsersByLabel": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.FilterUsersByLabelWithResponse(ctx, api.FilterUsersByLabelParameters{Key: "email"})
		return err
	}, true, true, true},
	"listUsers": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.ListUsersWithResponse(ctx, api.ListUsersParameters{})
		return err
	}, true, true, true},
	"getUser": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.GetUserWithResponse(ctx, api.GetUserParameters{UID: new(someUID)})
		return err
	}, true, true, true},
	"updateLabel": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.UpdateLabelWithResponse(ctx, api.UpdateLabelParameters{UserUID: someUID, Key: "email", Value: "verified"})
		return err
	}, true, true, true},
	"createLabel": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.CreateLabelWithResponse(ctx, api.CreateLabelParameters{UserUID: someUID, Key: "email", Value: "verified"})
		return err
	}, true, false, false},
	"deleteLabel": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.DeleteLabelWithResponse(ctx, api.DeleteLabelParameters{UserUID: someUID, Key: "email"})
		return err
	}, true, false, false},
	"createUser": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.CreateUserWithResponse(ctx, api.CreateUserParameters{})
		return err
	}, true, false, false},
	"importUser": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.ImportUserWithResponse(ctx, api.ImportUserParameters{})
		return err
	}, true, false, false},
	"createDocument": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.CreateDocumentWithResponse(ctx, api.CreateDocumentParameters{})
		return err
	}, true, false, false},
	"updateUser": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.UpdateUserWithResponse(ctx, api.UpdateUserParameters{UID: someUID, Role: new("admin")})
		return err
	}, true, false, false},
	"createProfile": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.CreateProfileWithResponse(ctx, api.CreateProfileParameters{UID: someUID})
		return err
	}, true, false, false},
	"createPhone": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.CreatePhoneWithResponse(ctx, api.CreatePhoneParameters{UID: someUID, Number: "442079460018"})
		return err
	}, true, false, false},
	"listPhones": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.ListPhonesWithResponse(ctx, api.ListPhonesParameters{UID: someUID})
		return err
	}, true, true, true},
	"deletePhone": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.DeletePhoneWithResponse(ctx, api.DeletePhoneParameters{UID: someUID, Number: "442079460018"})
		return err
	}, true, false, false},
	"getServiceAccount": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.GetServiceAccountWithResponse(ctx, api.GetServiceAccountParameters{UID: new(someUID)})
		return err
	}, true, true, true},
	"listServiceAccounts": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.ListServiceAccountsWithResponse(ctx, api.ListServiceAccountsParameters{})
		return err
	}, true, true, true},
	"createServiceAccount": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.CreateServiceAccountWithResponse(ctx, api.CreateServiceAccountParameters{ServiceAccountRole: "sa_maker"})
		return err
	}, true, false, false},
	"updateServiceAccount": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.UpdateServiceAccountWithResponse(ctx, api.UpdateServiceAccountParameters{UID: someUID})
		return err
	}, true, false, false},
	"deleteServiceAccount": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.DeleteServiceAccountWithResponse(ctx, api.DeleteServiceAccountParameters{UID: someUID})
		return err
	}, true, false, false},
	"createAPIKey": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.CreateAPIKeyWithResponse(ctx, api.CreateAPIKeyParameters{UID: someUID, Algorithm: "HS256"})
		return err
	}, true, false, false},
	"updateAPIKey": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.UpdateAPIKeyWithResponse(ctx, api.UpdateAPIKeyParameters{UID: someUID, Kid: "61d025b8573501c2"})
		return err
	}, true, false, false},
	"createAttachment": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.CreateAttachmentWithResponse(ctx, api.CreateAttachmentParameters{})
		return err
	}, true, false, false},
	"signOTP": {func(ctx context.Context, c *barong.Client) error {
		_, err := c.SignOTPWithResponse(ctx, api.SignOTPParameters{UserUID: someUID, OTPCode: "123456"})
		return err
	}, false, false, false},
}

// swift returns a client with minimal waits.
func swift(t *testing.T, url string, options ...barong.Option) *barong.Client {
	t.Helper()
	// A server of another test that is closed closes idle connections of the default transport, and a response
	// without a body that just came over one of them is lost.
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	client, err := barong.New(url, barong.Envelope(newSigner(t, "one", "EdDSA")),
		append([]barong.Option{barong.WithHTTPClient(&http.Client{Transport: own}), barong.WithBackoff(time.Millisecond, 2*time.Millisecond), barong.WithMaxRetryAfter(time.Millisecond)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// counting starts a server that handles every request with handle and counts the requests.
func counting(t *testing.T, handle http.HandlerFunc) (url string, count *atomic.Int64) {
	t.Helper()
	count = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		count.Add(1)
		handle(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, count
}

func answering(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func attempts(again bool) int64 {
	if again {
		return 3
	}
	return 1
}

func TestARequestIsSentAgainOnlyIfItIsNotCarriedOutTwice(t *testing.T) {
	t.Parallel()
	if len(calls) != len(api.Operations) {
		t.Errorf("the test knows %d operations of %d", len(calls), len(api.Operations))
	}
	lost := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	broken := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "{")
	}
	pending := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusConflict)
	}
	for _, operation := range api.Operations {
		c, known := calls[operation.ID]
		if !known {
			t.Errorf("the test does not know %s", operation.ID)
			continue
		}
		for outcome, want := range map[string]struct {
			handle     http.HandlerFunc
			again      bool // if writes are not retried
			withWrites bool
		}{
			"429":                   {answering(http.StatusTooManyRequests), c.again429, c.again429},
			"503":                   {answering(http.StatusServiceUnavailable), c.again503, c.withWrites(operation.ID, c.again503)},
			"409, being executed":   {pending, c.again503, c.withWrites(operation.ID, c.again503)},
			"no response":           {lost, c.again, c.withWrites(operation.ID, c.again)},
			"half a response":       {broken, c.again, c.withWrites(operation.ID, c.again)},
			"409":                   {answering(http.StatusConflict), false, false},
			"500":                   {answering(http.StatusInternalServerError), false, false},
			"502 of a proxy":        {answering(http.StatusBadGateway), false, false},
			"422":                   {answering(http.StatusUnprocessableEntity), false, false},
			"a redirect":            {answering(http.StatusTemporaryRedirect), false, false},
			"an unexpected success": {answering(http.StatusNoContent), false, false},
		} {
			for retried, again := range map[bool]bool{false: want.again, true: want.withWrites} {
				t.Run(fmt.Sprintf("%s after %s, writes retried: %t", operation.ID, outcome, retried), func(t *testing.T) {
					t.Parallel()
					url, count := counting(t, want.handle)
					if err := c.send(t.Context(), swift(t, url, barong.WithRetriedWrites(retried))); err == nil {
						t.Error("no error")
					}
					if got := count.Load(); got != attempts(again) {
						t.Errorf("it was sent %d times, want %d", got, attempts(again))
					}
				})
			}
		}
		t.Run(operation.ID+" without a connection", func(t *testing.T) {
			t.Parallel()
			dials := 0
			transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				dials++
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			}}
			err := c.send(t.Context(), swift(t, "http://127.0.0.1:1", barong.WithHTTPClient(&http.Client{Transport: transport})))
			if !errors.Is(err, syscall.ECONNREFUSED) || dials != 3 {
				t.Errorf("%d attempts, and the error is %v", dials, err)
			}
		})
	}
}

func TestAServerThatCannotBeVerifiedIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(answering(http.StatusCreated))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(server.Close)
	var log strings.Builder
	client := swift(t, server.URL, barong.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	if err := calls["getTimestamp"].send(t.Context(), client); err == nil || strings.Count(log.String(), "barong request") != 1 {
		t.Errorf("the error is %v, the attempts are %s", err, &log)
	}
}

func TestTheNumberOfAttemptsIsSet(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]int64{0: 1, 1: 1, 2: 2, 5: 5} {
		url, count := counting(t, answering(http.StatusServiceUnavailable))
		_ = calls["getUser"].send(t.Context(), swift(t, url, barong.WithAttempts(most)))
		if got := count.Load(); got != want {
			t.Errorf("with %d attempts, it was sent %d times", most, got)
		}
	}
}

// Guards that an envelope signed for a retry is the same request to a server that enforces jti, and that
// another call is another request.
func TestTheAttemptsOfACallHaveTheSameJTI(t *testing.T) {
	t.Parallel()
	url, stub := startStub(func(_ string, attempt int, w http.ResponseWriter) bool {
		if attempt == 3 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	folder, _ := keys()
	backend, err := barong.LoadSigner("backend-1", filepath.Join(folder, "backend-1.pem"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := barong.New(url, barong.Envelope(backend), barong.WithBackoff(time.Millisecond, time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	user, err := client.GetUserWithResponse(t.Context(), api.GetUserParameters{Email: new("ada@example.com")})
	if err != nil || user.JSON201.UID != someUID {
		t.Fatalf("the user is %v (%v)", user, err)
	}
	first := slices.Clone(stub.jtis)
	if len(first) != 3 || len(slices.Compact(first)) != 1 || first[0] == "" {
		t.Errorf("the attempts have the jtis %v", stub.jtis)
	}
	_, _ = client.GetUserWithResponse(t.Context(), api.GetUserParameters{Email: new("ada@example.com")})
	if len(stub.jtis) < 4 || stub.jtis[3] == stub.jtis[0] {
		t.Errorf("another call has the jti of the first: %v", stub.jtis)
	}
}

func TestRetryAfterIsHonouredInBothFormsAndBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header      func() string
		most        time.Duration
		least, upTo time.Duration
	}{
		"seconds":         {func() string { return "1" }, time.Minute, time.Second, 10 * time.Second},
		"a date":          {func() string { return time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat) }, time.Minute, 900 * time.Millisecond, 10 * time.Second},
		"more than bound": {func() string { return "3600" }, 50 * time.Millisecond, 50 * time.Millisecond, 10 * time.Second},
		"a date long ago": {func() string { return "Sun, 06 Nov 1994 08:49:37 GMT" }, time.Minute, 0, 20 * time.Second},
		"less than 0":     {func() string { return "-5" }, time.Minute, 0, 20 * time.Second},
		"neither":         {func() string { return "soon" }, time.Minute, 0, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, count := counting(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", test.header())
				w.WriteHeader(http.StatusTooManyRequests)
			})
			start := time.Now()
			_ = calls["createUser"].send(t.Context(), swift(t, url, barong.WithAttempts(2), barong.WithMaxRetryAfter(test.most)))
			if took := time.Since(start); took < test.least || took > test.upTo || count.Load() != 2 {
				t.Errorf("%d attempts in %s", count.Load(), took)
			}
		})
	}
}

func TestNoAttemptIsWaitedForBeyondTheTimeOfTheCall(t *testing.T) {
	t.Parallel()
	url, count := counting(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	start := time.Now()
	err := calls["getUser"].send(t.Context(), swift(t, url, barong.WithTimeout(30*time.Second), barong.WithMaxRetryAfter(time.Hour)))
	if failure, ok := errors.AsType[*barong.Error](err); !ok || failure.RetryAfter != time.Minute || count.Load() != 1 || time.Since(start) > 20*time.Second {
		t.Errorf("%d attempts, and the error is %v", count.Load(), err)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	url, count := counting(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
		time.AfterFunc(20*time.Millisecond, cancel)
	})
	start := time.Now()
	err := calls["getUser"].send(ctx, swift(t, url, barong.WithMaxRetryAfter(time.Minute)))
	if err == nil || count.Load() != 1 || time.Since(start) > 10*time.Second {
		t.Errorf("%d attempts in %s, and the error is %v", count.Load(), time.Since(start), err)
	}
}

func TestAnAttemptThatTakesTooLongIsGivenUp(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int64{"getUser": 3, "createUser": 3, "signOTP": 1} {
		attempts := int64(0) // counted before they reach a server: a busy machine may not get that far
		standing := roundTripper(func(r *http.Request) (*http.Response, error) {
			attempts++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		err := calls[id].send(t.Context(), swift(t, "http://127.0.0.1:1", barong.WithAttemptTimeout(50*time.Millisecond), barong.WithHTTPClient(&http.Client{Transport: standing})))
		if !errors.Is(err, context.DeadlineExceeded) || attempts != want {
			t.Errorf("%s: %d attempts, and the error is %v", id, attempts, err)
		}
	}
}

func TestWaitsGrowAndAreSpreadOut(t *testing.T) {
	t.Parallel()
	longest := map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond, 4: 500 * time.Millisecond, 60: 500 * time.Millisecond}
	for attempt, most := range longest {
		low, high := most, time.Duration(0)
		for range 1000 {
			wait := barong.WaitAfter(attempt, 100*time.Millisecond, 500*time.Millisecond)
			if wait < 0 || wait > most {
				t.Fatalf("after attempt %d: %s", attempt, wait)
			}
			low, high = min(low, wait), max(high, wait)
		}
		if low > most/10 || high < most*9/10 {
			t.Errorf("after attempt %d waits are from %s to %s, want 0 to %s", attempt, low, high, most)
		}
	}
}

func TestTheLevelOfARecordSaysWhetherSomebodyMustLook(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusNotFound: "INFO", http.StatusUnprocessableEntity: "INFO", http.StatusTemporaryRedirect: "INFO",
		http.StatusTooManyRequests: "WARN", http.StatusInternalServerError: "WARN", http.StatusServiceUnavailable: "WARN",
	} {
		var log strings.Builder
		url, _ := counting(t, answering(status))
		_ = calls["createUser"].send(t.Context(), swift(t, url, barong.WithAttempts(1), barong.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))))
		if !strings.Contains(log.String(), "level="+want) {
			t.Errorf("%d: %s", status, &log)
		}
	}
}

func TestTheLogHasAttemptsAndNoSecrets(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	url, _ := counting(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "abc")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	for _, signing := range []*barong.Signing{barong.Envelope(newSigner(t, "one", "HS256")), barong.Bearer(newSigner(t, "one", "HS256"))} {
		signing.JTI = func() string { return "secret-jti" }
		client, err := barong.New(url, signing, barong.WithLogger(logger), barong.WithBackoff(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = client.GetUserWithResponse(t.Context(), api.GetUserParameters{Email: new("secret@example.com")})
	}
	for _, want := range []string{"level=WARN", "method=POST", "path=/api/v2/management/users/get", "attempt=1", "attempt=3", "status=503", "request_id=abc", "duration="} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log.String())
		}
	}
	for _, secret := range []string{"secret", "Bearer", "eyJ", "payload"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q: %s", secret, log.String())
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 6 {
		t.Errorf("%d records for 6 attempts", n)
	}
}

func TestAnIteratorEndsWithTheFirstErrorOrWhenItsCallerDoes(t *testing.T) {
	t.Parallel()
	url, stub := startStub(func(_ string, attempt int, w http.ResponseWriter) bool {
		if attempt != 2 {
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	client := newExampleClient(url)
	var got []string
	var failed error
	for user, err := range client.ListAllUsers(t.Context(), api.ListUsersParameters{Limit: new(int64(2))}) {
		if err != nil {
			failed = err
			continue
		}
		got = append(got, user.UID)
	}
	if failure, ok := errors.AsType[*barong.Error](failed); !ok || failure.Status != http.StatusInternalServerError || !slices.Equal(got, []string{"ID1", "ID2"}) {
		t.Errorf("the users are %v, the error is %v", got, failed)
	}
	for range client.ListAllUsers(t.Context(), api.ListUsersParameters{Limit: new(int64(1)), Page: new(int64(3))}) {
		break
	}
	if n := stub.requests["/users/list"]; n != 3 {
		t.Errorf("%d pages were requested, want 3", n)
	}
	notPages, _ := counting(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "[]")
	})
	for _, err := range newExampleClient(notPages).ListAllUsers(t.Context(), api.ListUsersParameters{}) {
		if err == nil {
			t.Error("a list without the headers of a page is taken for one")
		}
	}
}
