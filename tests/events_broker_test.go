package tests

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	amqp "github.com/rabbitmq/amqp091-go"

	"barong/clients/go/signing"
	"barong/internal/eventapi"
	"barong/internal/identity"
	"barong/internal/journal"
	"barong/internal/rabbitmq"
	"barong/internal/rabbitmq/brokertest"
	"barong/repository"
)

// sharedBroker is the broker of all tests that do not end it. Each has a virtual host of its own.
var sharedBroker = sync.OnceValues(brokertest.Open)

func newBrokerURL(t testing.TB) string {
	t.Helper()
	brokertest.Need(t)
	broker, err := sharedBroker()
	if err != nil {
		t.Fatal(err)
	}
	return broker.NewURL(t)
}

// eventsOf is a database with one user, whose journal gets rows.
type eventsOf struct {
	pool *pgxpool.Pool
	repo *repository.Repository
	user identity.User
}

func newEvents(t testing.TB) *eventsOf {
	t.Helper()
	return eventsIn(t, newDatabase(t))
}

// eventsIn adds the user to a database.
func eventsIn(t testing.TB, url string) *eventsOf {
	t.Helper()
	pool := newPool(t, url)
	e := &eventsOf{pool: pool, repo: repository.New(pool)}
	e.user = e.newUser(t, "ada@example.com")
	if err := e.repo.OpenEventCursor(t.Context(), rabbitmq.Sink); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *eventsOf) newUser(t testing.TB, email string) identity.User {
	t.Helper()
	user := newUser(email)
	if err := e.repo.InsertUser(t.Context(), &user, func() string { return identity.NewUID("ID") }); err != nil {
		t.Fatal(err)
	}
	return user
}

// sealedRows inserts rows of the journal that change a label of a user to the values "value1" and so on.
func (e *eventsOf) sealedRows(t testing.TB, uid string, n int) {
	t.Helper()
	_, err := e.pool.Exec(t.Context(), `WITH head AS (UPDATE journal_head SET size = size + $2::int RETURNING size - $2::int AS before)
		INSERT INTO journal (seq, sealed_at, entry, uid, written_at, operation, form, request_id, signers, changed)
		SELECT before + i, clock_timestamp(), gen_random_uuid(), $1, clock_timestamp(), 'updateLabel', 'envelope', '', '{test}',
			json_build_object('account', '{"level":1,"state":"active","role":"member","otp":false}'::json, 'labels', json_build_array(
				json_build_object('id', 1, 'key', 'email', 'scope', 'private', 'old', 'value' || before + i - 1, 'new', 'value' || before + i)))
		FROM head, generate_series(1, $2::int) AS i`, uid, n)
	if err != nil {
		t.Fatal(err)
	}
}

// sealedRow inserts one row of the journal.
func (e *eventsOf) sealedRow(t testing.TB, operation string, changes journal.Changes) {
	t.Helper()
	text, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.pool.Exec(t.Context(), `WITH head AS (UPDATE journal_head SET size = size + 1 RETURNING size)
		INSERT INTO journal (seq, sealed_at, entry, uid, written_at, operation, form, request_id, signers, changed)
		SELECT size, clock_timestamp(), gen_random_uuid(), $1, clock_timestamp(), $2, 'envelope', '', '{test}', $3::json FROM head`, e.user.UID, operation, string(text))
	if err != nil {
		t.Fatal(err)
	}
}

func (e *eventsOf) cursor(t testing.TB) repository.EventCursor {
	t.Helper()
	cursors, err := e.repo.EventCursors(t.Context())
	if err != nil || len(cursors) != 1 {
		t.Fatalf("the cursors are %v, %v", cursors, err)
	}
	return cursors[0]
}

// messageCounts counts messages by name.
type messageCounts struct {
	mu                          sync.Mutex
	published, unroutable, gone map[string]int
}

func newMessageCounts() *messageCounts {
	return &messageCounts{published: map[string]int{}, unroutable: map[string]int{}, gone: map[string]int{}}
}

func (c *messageCounts) counts() rabbitmq.Counts {
	in := func(count map[string]int) func(string) {
		return func(name string) { c.mu.Lock(); defer c.mu.Unlock(); count[name]++ }
	}
	return rabbitmq.Counts{Published: in(c.published), Unroutable: in(c.unroutable), Gone: in(c.gone)}
}

// of is how often labelUpdated was counted.
func (c *messageCounts) of(count map[string]int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return count[labelUpdated]
}

var brokerKey = sync.OnceValues(func() (*signing.Signer, error) {
	private, _, err := signing.GenerateKey("RS256")
	if err != nil {
		return nil, err
	}
	return signing.NewSigner("barong", "RS256", private)
})

// quickPace is that of a server in a hurry, which is patient with confirms: one that is late must not make a
// test see messages twice.
var quickPace = rabbitmq.Pace{Poll: 20 * time.Millisecond, Lease: 300 * time.Millisecond, Silence: 30 * time.Second, Retry: 50 * time.Millisecond, Max: 500 * time.Millisecond}

// publisherOptions are those of a publisher in tests.
func (e *eventsOf) publisherOptions(t testing.TB, url string, counts rabbitmq.Counts) rabbitmq.Options {
	t.Helper()
	key, err := brokerKey()
	if err != nil {
		t.Fatal(err)
	}
	return rabbitmq.Options{
		URL: url, Store: e.repo, Holder: t.Name(), Log: slog.New(slog.DiscardHandler), Counts: counts, Pace: quickPace,
		Signer: &eventapi.Signer{
			Key: key, Subjects: e.repo, Clock: time.Now, Expiry: time.Hour,
			URL: func(context.Context, identity.File) (string, error) { return "https://files.example/1", nil },
		},
	}
}

// publish runs a publisher until the returned function is called, or to the end of the test.
func publish(t testing.TB, o rabbitmq.Options) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { rabbitmq.New(o).Run(ctx); close(ended) }()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

// delivery is what a consumer has of a message.
type delivery struct {
	ID, JTI, Name, UID, Value string
	Seq                       int64
	Replay                    bool
	Issued, Expires           int64
	Body                      []byte // the signed payload
}

// consumer collects what a queue gets.
type consumer struct {
	mu         sync.Mutex
	deliveries []delivery
	channel    *amqp.Channel
	queue      string
}

// consume declares the exchanges as Barong's consumers do, binds a queue that ends with the connection to
// names, and reads it.
func consume(t testing.TB, url string, durable bool, names ...string) *consumer {
	t.Helper()
	c := bind(t, url, "", durable, nil, names...)
	messages, err := c.channel.Consume(c.queue, "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for m := range messages {
			d := decodeDelivery(m)
			c.mu.Lock()
			c.deliveries = append(c.deliveries, d)
			c.mu.Unlock()
		}
	}()
	return c
}

// bind is consume without reading, for a queue with a name or, with an empty one, for one that ends with
// the connection.
func bind(t testing.TB, url, queue string, durable bool, arguments amqp.Table, names ...string) *consumer {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	for _, exchange := range []string{eventapi.ModelExchange, eventapi.SystemExchange} {
		if err := channel.ExchangeDeclare(exchange, "direct", durable, false, false, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	declared, err := channel.QueueDeclare(queue, durable, queue == "", queue == "", false, arguments)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		m := eventapi.Message{Name: name}
		if err := channel.QueueBind(declared.Name, m.RoutingKey(), m.Exchange(), false, nil); err != nil {
			t.Fatal(err)
		}
	}
	return &consumer{channel: channel, queue: declared.Name}
}

// decodeDelivery reads a message without its signature. One that cannot be read has no JTI.
func decodeDelivery(m amqp.Delivery) (d delivery) {
	var envelope struct{ Payload string }
	var payload struct {
		JTI      string
		Iat, Exp int64
		Event    struct {
			Name   string
			Record struct {
				UID, Value string
				User       struct{ UID string }
			}
		}
	}
	var text []byte
	if json.Unmarshal(m.Body, &envelope) == nil {
		text, _ = base64.RawURLEncoding.DecodeString(envelope.Payload)
		_ = json.Unmarshal(text, &payload)
	}
	record := payload.Event.Record
	seq, _ := m.Headers["x-barong-sequence"].(int64)
	replay, _ := m.Headers["x-barong-replay"].(bool)
	return delivery{m.MessageId, payload.JTI, payload.Event.Name, record.UID + record.User.UID, record.Value, seq, replay, payload.Iat, payload.Exp, text}
}

func (c *consumer) all() []delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]delivery(nil), c.deliveries...)
}

// has tells that a row was delivered: the broker may deliver it later than it confirms it to the publisher.
func (c *consumer) has(seq int64) bool {
	return slices.ContainsFunc(c.all(), func(d delivery) bool { return d.Seq == seq })
}

// until waits for a condition that becomes true within the time.
func until(t testing.TB, within time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("within %s: not %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// checkComplete checks that the rows from 1 to n have been delivered, in order at first delivery, and
// returns how many were delivered again.
func checkComplete(t testing.TB, deliveries []delivery, n int64) (again int) {
	t.Helper()
	seen := map[int64]string{}
	last := int64(0)
	for _, d := range deliveries {
		if d.JTI == "" || d.JTI != d.ID || d.Value != fmt.Sprintf("value%d", d.Seq) {
			t.Fatalf("a message is %+v", d)
		}
		if id, twice := seen[d.Seq]; twice {
			again++
			if id != d.ID {
				t.Fatalf("row %d has %s and %s", d.Seq, id, d.ID)
			}
			continue
		}
		if d.Seq != last+1 {
			t.Fatalf("the first delivery of row %d follows that of row %d", d.Seq, last)
		}
		seen[d.Seq], last = d.ID, d.Seq
	}
	if last != n {
		t.Fatalf("%d of %d rows were delivered", last, n)
	}
	return again
}

// replayAll replays the rows after one number and up to another.
func replayAll(t testing.TB, o rabbitmq.Options, after, last int64) int {
	t.Helper()
	n, err := rabbitmq.New(o).Replay(t.Context(), o.Store, after, last, nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
