package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	sdkapi "barong/clients/go/api"
	"barong/clients/go/signing"
	"barong/handlers"
	"barong/internal/app"
	"barong/internal/auth"
	"barong/internal/config"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/internal/otp"
	"barong/internal/server"
	"barong/repository"
)

// api is a server of the test's own, on a database of its own.
type api struct {
	t      testing.TB
	url    string
	client *sdkapi.Client
	pool   *pgxpool.Pool
	clock  *clock
	log    *logBuffer
	codes  otp.Backend // of one-time codes
	store  *documents.Store
	files  string // the directory of the store, unless the test chose another
	root   string // of the server: http://host:port
}

// setup is what a test may have otherwise.
type setup struct {
	policy    identity.Policy
	bodyLimit int64
	timeout   time.Duration
	keychain  string // the file
	codes     func(*repository.Repository, func() time.Time) otp.Backend
	storage   documents.Options
	docs      *server.Docs
	publicURL string

	bodyMemory int64
	inFlight   int
	downloads  int
	rates      string // BARONG_RATE_LIMITS
	database   string // parameters of the database's URL
	apiKeys    keySettings

	idempotency string // BARONG_IDEMPOTENCY
	requireKeys bool   // BARONG_IDEMPOTENCY_REQUIRE

	pool *pgxpool.Pool // of another server, whose database this one shares; nil: a database of its own
}

func start(t testing.TB, change ...func(*setup)) *api {
	t.Helper()
	s := setup{policy: identity.DefaultPolicy(), bodyLimit: 16 << 20, timeout: 30 * time.Second, keychain: keychainFile(), codes: local(t), bodyMemory: 256 << 20, inFlight: 512, downloads: 32, docs: &server.Docs{}}
	for _, apply := range change {
		apply(&s)
	}
	keychain, err := auth.ParseKeychain([]byte(s.keychain), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	rates, err := server.ParseRateLimits(s.rates, keychain)
	if err != nil {
		t.Fatal(err)
	}
	if s.pool == nil {
		s.pool = newPool(t, with(newDatabase(t), s.database), repository.Timeouts(s.timeout))
	}
	a := &api{t: t, pool: s.pool, clock: &clock{now: time.Now().UTC()}, log: &logBuffer{}}
	listening := httptest.NewUnstartedServer(nil)
	a.root = "http://" + listening.Listener.Addr().String()
	a.openStore(s.storage)
	repo := repository.New(a.pool)
	a.codes = s.codes(repo, a.clock.Now)
	handler, err := app.Service{
		Settings: config.Config{
			BodyLimit: s.bodyLimit, BodyMemory: s.bodyMemory, InFlight: s.inFlight, Downloads: s.downloads, Timeout: s.timeout,
			PublicURL: s.publicURL, BcryptCost: 4, APIKeysUser: s.apiKeys.users, APIKeysSA: s.apiKeys.accounts,
			Idempotency: s.idempotency, IdempotencyRequire: s.requireKeys,
		},
		APIKeys: s.apiKeys.sealer,
		Policy:  s.policy, UIDPrefix: "ID", Repo: repo, Documents: a.store, OTP: a.codes, Signer: self().signer,
		Keychain: auth.Fixed(keychain), Rates: rates, Docs: s.docs, Clock: a.clock.Now,
		Log: slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	listening.Config.Handler = handler
	listening.Start()
	t.Cleanup(func() { holdsNothingPersonal(t, a.log.String()) })
	t.Cleanup(listening.Close)
	a.url = a.root + handlers.BasePath
	a.client, err = sdkapi.NewClient(a.url, sdkapi.WithHTTPClient(&http.Client{Transport: validating{t}}))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// clock is time that a test can set.
type clock struct {
	mutex sync.Mutex
	now   time.Time
}

func (c *clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

func (c *clock) Advance(by time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(by)
}

type logBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// form is one of the three ways in which a request arrives.
type form string

const (
	envelopeForm form = "envelope"
	jsonForm     form = "json"
	formForm     form = "form"
)

var forms = []form{envelopeForm, jsonForm, formForm}

// inEachForm runs a test once for each form of a request, on a server of its own.
func inEachForm(t *testing.T, test func(t *testing.T, a *api, f form)) {
	for _, f := range forms {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			test(t, start(t), f)
		})
	}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// object is the answer's JSON object.
func (x answer) object(t testing.TB) map[string]any {
	t.Helper()
	return decode[map[string]any](t, x.body)
}

// list is the answer's JSON array of objects.
func (x answer) list(t testing.TB) []map[string]any {
	t.Helper()
	return decode[[]map[string]any](t, x.body)
}

func decode[value any](t testing.TB, body []byte) value {
	t.Helper()
	var v value
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%s: %s", err, body)
	}
	return v
}

type parameters = map[string]any

// call sends a request, signed by backend, and returns the answer.
func (a *api) call(f form, operation string, given parameters) answer {
	a.t.Helper()
	if given == nil {
		given = parameters{}
	}
	claims := signing.NewClaims(a.clock.Now(), time.Minute)
	switch f {
	case envelopeForm:
		envelope, err := signing.Envelope(marshal(a.t, given), claims, backend().signer)
		if err != nil {
			a.t.Fatal(err)
		}
		return a.send(operation, "application/json", envelope, "")
	case jsonForm:
		return a.send(operation, "application/json", marshal(a.t, given), bearer(a.t, claims))
	default:
		values := url.Values{}
		for name, value := range given {
			switch value := value.(type) {
			case nil: // a form has no null: it leaves the parameter out
			case map[string]any:
				values.Set(name, string(marshal(a.t, value)))
			default:
				values.Set(name, fmt.Sprint(value))
			}
		}
		return a.send(operation, "application/x-www-form-urlencoded", []byte(values.Encode()), bearer(a.t, claims))
	}
}

func bearer(t testing.TB, claims signing.Claims) string {
	t.Helper()
	token, err := signing.Token(claims, backend().signer)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

func marshal(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// send goes through the method of the generated client that is named after the operation.
func (a *api) send(operation, contentType string, body []byte, authorization string, edit ...sdkapi.RequestEditorFn) answer {
	a.t.Helper()
	method := reflect.ValueOf(a.client).MethodByName(strings.ToUpper(operation[:1]) + operation[1:] + "WithBody")
	edit = append(edit, func(_ context.Context, r *http.Request) error {
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		return nil
	})
	call, ok := method.Interface().(func(context.Context, string, io.Reader, ...sdkapi.RequestEditorFn) (*http.Response, error))
	if !ok {
		a.t.Fatalf("the client has no method for %s", operation)
	}
	response, err := call(a.t.Context(), contentType, bytes.NewReader(body), edit...)
	if err != nil {
		a.t.Fatal(err)
	}
	return read(a.t, response)
}

func read(t testing.TB, response *http.Response) answer {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: response.StatusCode, header: response.Header, body: body}
}

// must calls an operation that has to succeed.
func (a *api) must(operation string, given parameters) answer {
	a.t.Helper()
	got := a.call(envelopeForm, operation, given)
	if got.status != http.StatusCreated && got.status != http.StatusOK {
		a.t.Fatalf("%s %v answered %d %s", operation, given, got.status, got.body)
	}
	return got
}

// refused fails the test unless the answer is an error with this status and this
// sentence, or with a list of sentences, the first of which stands in brackets.
func (x answer) refused(t testing.TB, status int, sentences ...string) {
	t.Helper()
	var want any = sentences[0]
	if strings.HasPrefix(sentences[0], "[") {
		list := make([]any, len(sentences))
		for i, sentence := range sentences {
			list[i] = strings.Trim(sentence, "[]")
		}
		want = list
	}
	if got := x.object(t)["error"]; x.status != status || !reflect.DeepEqual(got, want) {
		t.Errorf("answered %d %v\n    want %d %v", x.status, got, status, want)
	}
}

// digest is a hash that nobody knows the password of.
const digest = "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"

// user imports a user and returns its uid. Every parameter that is not given is
// filled in with something of no importance.
func (a *api) user(given parameters) string {
	a.t.Helper()
	complete := parameters{"email": unique("user") + "@example.com", "password_digest": digest}
	for name, value := range given {
		complete[name] = value
	}
	return a.must("importUser", complete).object(a.t)["uid"].(string)
}

// label gives a user a private label.
func (a *api) label(uid, key, value string) {
	a.t.Helper()
	a.must("updateLabel", parameters{"user_uid": uid, "key": key, "value": value})
}

// standing is the level and the state of a user.
func (a *api) standing(uid string) (level int, state string) {
	a.t.Helper()
	user := a.must("getUser", parameters{"uid": uid}).object(a.t)
	return int(user["level"].(float64)), user["state"].(string)
}

func (x answer) String() string { return fmt.Sprintf("%d %s", x.status, bytes.TrimSpace(x.body)) }
