package tests

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"barong/internal/events"
	"barong/internal/webhooks"
	"barong/internal/webhooks/endpoints"
	"barong/repository"
)

// delivered is a message that a receiver got.
type delivered struct {
	id, kind, uid string
	sequence      int64
	replayed      bool
	body          []byte
	header        http.Header
}

// receiver is an endpoint on a machine of the test, which judges each message by the library of Standard
// Webhooks.
type receiver struct {
	*httptest.Server
	secret string

	mutex  sync.Mutex
	got    []delivered
	answer func(m delivered, w http.ResponseWriter) // nil: 204
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{secret: endpoints.SecretPrefix + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))}
	judge, err := standardwebhooks.NewWebhook(r.secret)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		if err := judge.VerifyIgnoringTimestamp(body, request.Header); err != nil {
			t.Errorf("a message does not verify: %v", err)
		}
		var m struct {
			Type string `json:"type"`
			Data struct {
				UID      string `json:"uid"`
				Sequence int64  `json:"sequence"`
			} `json:"data"`
		}
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
		}
		got := delivered{request.Header.Get("Webhook-Id"), m.Type, m.Data.UID, m.Data.Sequence, request.Header.Get("Barong-Replay") != "", body, request.Header}
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.got = append(r.got, got)
		if r.answer != nil {
			r.answer(got, w)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.Close)
	return r
}

// messages returns what has arrived so far.
func (r *receiver) messages() []delivered {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return slices.Clone(r.got)
}

func (r *receiver) answers(answer func(m delivered, w http.ResponseWriter)) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.answer = answer
}

// hookedService is a service with one endpoint, named crm, at a receiver.
type hookedService struct {
	*webhooks.Service
	pool     *pgxpool.Pool
	repo     *repository.Repository
	registry *prometheus.Registry
	file     string
}

// newHooks makes a service; each of options may change it.
func newHooks(t *testing.T, r *receiver, options ...func(*webhooks.Options)) *hookedService {
	t.Helper()
	pool := newPool(t, newDatabase(t))
	file := filepath.Join(t.TempDir(), "webhooks.yml")
	text := fmt.Sprintf("endpoints:\n  - name: crm\n    url: %s/hook\n    secret: %s\n    allow_networks: [127.0.0.0/8]\n", r.URL, r.secret)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return hooksOn(t, pool, r, file, options...)
}

func hooksOn(t *testing.T, pool *pgxpool.Pool, r *receiver, file string, options ...func(*webhooks.Options)) *hookedService {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	source, err := endpoints.NewSource(file, log)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(r.Certificate())
	registry := prometheus.NewRegistry()
	o := webhooks.Options{
		Pool: pool, Repo: repository.New(pool), Source: source, Registry: registry, Log: log,
		Records:   func(context.Context, *events.Event) (map[string]any, error) { return nil, nil },
		Transport: webhooks.TransportOptions{Roots: roots},
	}
	for _, change := range options {
		change(&o)
	}
	return &hookedService{webhooks.New(o), pool, o.Repo, registry, file}
}

// run runs the service until the test or the returned function ends it.
func (h *hookedService) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { h.Run(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// write seals rows into the journal, one for each uid, that change a label, and returns the last number.
func (h *hookedService) write(t *testing.T, uids ...string) int64 {
	t.Helper()
	var seq int64
	for _, uid := range uids {
		err := h.pool.QueryRow(t.Context(), `WITH head AS (UPDATE journal_head SET size = size + 1 RETURNING size)
			INSERT INTO journal (seq, sealed_at, entry, uid, written_at, operation, form, request_id, signers, changed)
			SELECT size, now(), $1, $2, now(), 'updateLabel', 'bearer', '', '{a}',
			'{"account": {"level": 1, "state": "active", "role": "member", "otp": false}, "level": {"old": 1, "new": 2},
			  "labels": [{"id": 1, "key": "phone", "scope": "private", "old": "drafted", "new": "verified"}]}' FROM head RETURNING seq`,
			uuid.Must(uuid.NewV7()), uid).Scan(&seq)
		if err != nil {
			t.Fatal(err)
		}
	}
	return seq
}

// hooksByClock makes a service with a clock, with lanes for the rows of two users: 1 and 3 of the first, 2
// of the second.
func hooksByClock(t *testing.T, r *receiver) (*hookedService, *clock) {
	t.Helper()
	c := &clock{now: time.Now().Truncate(time.Second)}
	h := newHooks(t, r, func(o *webhooks.Options) {
		o.Clock, o.Random = c.Now, func() float64 { return 0.5 }
	})
	if err := h.repo.OpenWebhookEndpoint(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	h.write(t, "ID0000000001", "ID0000000002", "ID0000000001")
	lane := func(uid string, until int64) repository.WebhookLane {
		return repository.WebhookLane{Endpoint: "crm", UID: uid, SentSeq: 0, SentIndex: repository.WholeRow, WantedSeq: until}
	}
	if err := h.repo.ExtendWebhookLanes(t.Context(), []repository.WebhookLane{lane("ID0000000001", 3), lane("ID0000000002", 2)}); err != nil {
		t.Fatal(err)
	}
	return h, c
}

func (h *hookedService) deliver(t *testing.T, uid string) time.Duration {
	t.Helper()
	wait, err := h.Deliver(t.Context(), "crm", uid)
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

// Guards the schedule of an event that fails: ten attempts, then a dead letter and the user's next event;
// and that the events of others go on meanwhile.
func TestAFailedEventIsRepeatedThenDead(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h, c := hooksByClock(t, r)
	r.answers(func(m delivered, w http.ResponseWriter) {
		if m.sequence == 1 && m.kind == string(events.UserUpdated) {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	for attempt, expected := range []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour} {
		if wait := h.deliver(t, "ID0000000001"); wait.Round(time.Millisecond) != expected {
			t.Fatalf("after attempt %d it waits %s", attempt+1, wait)
		}
		before := len(r.messages())
		if wait := h.deliver(t, "ID0000000001"); wait <= 0 || len(r.messages()) != before {
			t.Fatalf("attempt %d is not waited for", attempt+2)
		}
		if attempt == 0 {
			if wait := h.deliver(t, "ID0000000002"); wait != 0 || len(r.messages()) != 3 {
				t.Fatalf("the other user's events wait %s, of %v", wait, r.messages())
			}
		}
		c.Advance(expected)
	}
	if wait := h.deliver(t, "ID0000000001"); wait != 0 {
		t.Fatalf("after the last attempt it waits %s", wait)
	}
	ids := map[string]int{}
	for _, m := range r.messages() {
		ids[fmt.Sprint(m.uid, m.sequence, m.kind)]++
	}
	for message, attempts := range map[string]int{
		"ID00000000011user.updated": 10, "ID00000000011label.updated": 1, "ID00000000013user.updated": 1, "ID00000000013label.updated": 1,
		"ID00000000022user.updated": 1, "ID00000000022label.updated": 1,
	} {
		if ids[message] != attempts {
			t.Errorf("%s: %d attempts instead of %d", message, ids[message], attempts)
		}
	}
	dead, err := h.repo.DeadEvents(t.Context(), "crm", 0, -1, 10)
	if err != nil || len(dead) != 1 || dead[0].Seq != 1 || dead[0].Index != 0 || dead[0].Outcome != "5xx" || dead[0].UID != "ID0000000001" {
		t.Errorf("%+v, %v", dead, err)
	}
}

// Guards that 410 disables an endpoint at once, that it gets nothing until it is enabled, and then goes on
// with the same event.
func TestGoneDisablesAnEndpoint(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h, _ := hooksByClock(t, r)
	r.answers(func(_ delivered, w http.ResponseWriter) { w.WriteHeader(http.StatusGone) })
	h.deliver(t, "ID0000000001")
	h.deliver(t, "ID0000000001")
	h.deliver(t, "ID0000000002")
	state, err := h.repo.WebhookEndpoint(t.Context(), "crm")
	if err != nil || state.DisabledAt == nil || state.DisabledWhy != repository.WebhookGone || len(r.messages()) != 1 {
		t.Fatalf("%+v, %v, %d messages", state, err, len(r.messages()))
	}
	r.answers(nil)
	if changed, err := h.repo.EnableWebhookEndpoint(t.Context(), "crm"); err != nil || !changed {
		t.Fatal(changed, err)
	}
	h.deliver(t, "ID0000000001")
	if got := r.messages(); len(got) != 5 || got[1].id != got[0].id {
		t.Errorf("%+v", got)
	}
}

// Guards that 429 makes all users' events wait as long as Retry-After says.
func TestAnEndpointIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h, c := hooksByClock(t, r)
	r.answers(func(_ delivered, w http.ResponseWriter) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	if wait := h.deliver(t, "ID0000000001"); wait != 2*time.Minute {
		t.Errorf("the event waits %s", wait)
	}
	r.answers(nil)
	if wait := h.deliver(t, "ID0000000002"); wait != 2*time.Minute || len(r.messages()) != 1 {
		t.Errorf("the other user's events wait %s", wait)
	}
	c.Advance(2 * time.Minute)
	if first, second := h.deliver(t, "ID0000000001"), h.deliver(t, "ID0000000002"); first+second != 0 || len(r.messages()) != 7 {
		t.Errorf("after it they wait %s and %s, %d messages", first, second, len(r.messages()))
	}
}

// Guards that an endpoint without a success for five days is disabled, and one with a success is not.
func TestAnEndpointThatFailsForDaysIsDisabled(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h, c := hooksByClock(t, r)
	fail := func(_ delivered, w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }
	disabled := func() bool {
		t.Helper()
		state, err := h.repo.WebhookEndpoint(t.Context(), "crm")
		if err != nil {
			t.Fatal(err)
		}
		return state.DisabledAt != nil
	}
	r.answers(fail)
	h.deliver(t, "ID0000000001")
	c.Advance(4 * 24 * time.Hour)
	r.answers(nil)
	h.deliver(t, "ID0000000002")
	r.answers(fail)
	h.deliver(t, "ID0000000001")
	c.Advance(5*24*time.Hour - time.Second)
	h.deliver(t, "ID0000000001")
	if disabled() {
		t.Fatal("it is disabled within five days of a success")
	}
	c.Advance(24 * time.Hour)
	h.deliver(t, "ID0000000001")
	if !disabled() {
		t.Error("it is not disabled after five days")
	}
}

// Guards that a dead letter is sent again with its identifier and a mark, and is forgotten once delivered.
func TestADeadLetterIsRepeated(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHooks(t, r)
	seq := h.write(t, "ID0000000001")
	rows, err := h.repo.JournalAfter(t.Context(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	found, err := events.Of(&rows[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := h.repo.AddDeadEvent(t.Context(), repository.DeadEvent{Endpoint: "crm", Seq: seq, Index: 1, UID: "ID0000000001", Type: "label.updated", Outcome: "5xx", DiedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	h.run(t)
	if n, err := webhooks.RetryDead(t.Context(), h.pool, h.repo, slog.New(slog.DiscardHandler), "crm"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	eventually(t, "the dead letter", func() bool { return len(r.messages()) > 0 })
	if got := r.messages()[0]; got.id != found[1].ID.String() || got.kind != string(events.LabelUpdated) || !got.replayed {
		t.Errorf("%+v", got)
	}
	eventually(t, "its end", func() bool {
		counts, err := h.repo.CountDeadEvents(t.Context())
		return err == nil && len(counts) == 0
	})
}

// Guards that jobs whose server died are delivered by another one: the job is there, marked as running for
// longer than any job runs.
func TestJobsOfADeadServerAreRescued(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHooks(t, r)
	blocked := make(chan struct{})
	r.answers(func(_ delivered, _ http.ResponseWriter) { <-blocked })
	stop := h.run(t)
	eventually(t, "the cursor", func() bool {
		cursors, err := h.repo.EventCursors(t.Context())
		return err == nil && len(cursors) == 1
	})
	h.write(t, "ID0000000001")
	eventually(t, "a running job", func() bool {
		var running int
		err := h.pool.QueryRow(t.Context(), "SELECT count(*) FROM barong_river.river_job WHERE state = 'running'").Scan(&running)
		return err == nil && running == 1
	})
	close(blocked)
	stop()
	// What a killed server leaves behind.
	_, err := h.pool.Exec(t.Context(), `INSERT INTO webhook_lanes VALUES ('crm', 'ID0000000001', 0, 0, 1, 0, 'epoch') ON CONFLICT DO NOTHING`)
	if err == nil {
		_, err = h.pool.Exec(t.Context(), `UPDATE barong_river.river_job SET state = 'running', finalized_at = NULL, attempt = 1, attempted_at = now() - interval '3 minutes', attempted_by = '{gone}'`)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.answers(nil)
	before := len(r.messages())
	next := hooksOn(t, h.pool, r, h.file)
	next.run(t)
	eventually(t, "the events of the dead server", func() bool { return len(r.messages()) >= before+2 })
}
