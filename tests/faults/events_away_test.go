package faults

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"barong/internal/eventapi"
	"barong/internal/long"
	"barong/internal/rabbitmq/brokertest"
)

// away is how long the broker is away; BARONG_TEST_BROKER_AWAY is another duration.
const away = 5 * time.Second

// mayGrow is how much more memory the server may take while the broker is away. The messages of 8,000 events take
// as much.
const mayGrow = 16 << 20

// writesOfOne is the most writes of one client in a test, so that no more events wait than can be sent in minutes.
const writesOfOne = 15_000

// Guards that a broker that is away, for however long, costs callers and the server's memory nothing: no write is
// refused, the memory does not grow with the events that wait, and all of them are sent afterwards, with an exp
// that is not past. The test prints the durations of writes with the broker and without.
func TestABrokerThatIsAwayCostsNothing(t *testing.T) {
	long.Test(t)
	lasts := away
	if given := os.Getenv("BARONG_TEST_BROKER_AWAY"); given != "" {
		var err error
		if lasts, err = time.ParseDuration(given); err != nil {
			t.Fatal(err)
		}
	}
	broker := brokertest.Start(t)
	p, who := startPostgres(t), newSigners(t)
	url := broker.NewURL(t)
	bindDurably(t, url, "label.created", "label.updated")
	s := startPublishing(t, p, who, map[string]string{"DATABASE_URL": p.url(), "BARONG_EVENTS_AMQP_URL": url, "BARONG_DATA_DIR": t.TempDir(), "BARONG_REQUEST_TIMEOUT": "30s"})
	w := newLabelWriters(t, newLoad(t, who, s))
	with := w.write(min(lasts, time.Minute))
	before := s.liveMemory()
	if err := broker.Shutdown(); err != nil {
		t.Fatal(err)
	}
	without := w.write(lasts)
	grown := s.liveMemory() - before
	p.eventually("all rows to be sealed", func() error {
		if n := p.number("SELECT count(*) FROM journal_inbox"); n != 0 {
			return fmt.Errorf("%d are not", n)
		}
		return nil
	})
	waiting := p.number("SELECT h.size - c.seq FROM journal_head h, event_cursors c")
	if err := broker.Run(); err != nil {
		t.Fatal(err)
	}
	if waiting < 100 {
		t.Fatalf("%d events waited: this proves nothing", waiting)
	}
	if grown > mayGrow {
		t.Errorf("the server took %d MB more while %d events waited", grown>>20, waiting)
	}
	began := time.Now()
	late, rows := consumeDurable(t, url, p.number("SELECT max(seq) FROM journal WHERE "+published+" AND operation LIKE '%Label'"))
	if late != 0 {
		t.Errorf("%d messages came after their exp", late)
	}
	missing := slices.DeleteFunc(p.numbers("SELECT seq FROM journal WHERE "+published+" AND operation LIKE '%Label'"), func(seq int64) bool { return rows[seq] })
	if len(missing) != 0 {
		t.Errorf("%d rows did not come: %v", len(missing), missing[:min(len(missing), 20)])
	}
	t.Logf("away for %s: %d events waited, which came within %s; memory %+d KB; writes with the broker: %s; without: %s",
		lasts, waiting, time.Since(began).Round(time.Second/10), grown>>10, with, without)
}

// durableQueue keeps its messages and bindings while the broker is away.
const durableQueue = "durable"

func bindDurably(t *testing.T, url string, keys ...string) {
	t.Helper()
	channel := openChannel(t, url)
	_, err := channel.QueueDeclare(durableQueue, true, false, false, false, nil)
	if err == nil {
		err = channel.ExchangeDeclare(eventapi.ModelExchange, "direct", true, false, false, false, nil)
	}
	for _, key := range keys {
		if err == nil {
			err = channel.QueueBind(durableQueue, key, eventapi.ModelExchange, false, nil)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// consumeDurable takes messages until that of the last row has come. It returns which rows came, and how many
// messages came after their exp.
func consumeDurable(t *testing.T, url string, last int64) (late int, rows map[int64]bool) {
	t.Helper()
	deliveries, err := openChannel(t, url).Consume(durableQueue, "", true, true, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows = map[int64]bool{}
	for !rows[last] {
		select {
		case d := <-deliveries:
			seq, _ := d.Headers["x-barong-sequence"].(int64)
			rows[seq] = true
			if expiryOf(t, d.Body) <= time.Now().Unix() {
				late++
			}
		case <-time.After(time.Minute):
			t.Fatalf("nothing has come for a minute; %d rows came, and row %d did not", len(rows), last)
		}
	}
	return late, rows
}

// expiryOf is the claim exp of a message.
func expiryOf(t *testing.T, body []byte) int64 {
	t.Helper()
	var jws struct{ Payload string }
	var claims struct{ Exp int64 }
	err := json.Unmarshal(body, &jws)
	if err == nil {
		var payload []byte
		if payload, err = base64.RawURLEncoding.DecodeString(jws.Payload); err == nil {
			err = json.Unmarshal(payload, &claims)
		}
	}
	if err != nil {
		t.Fatalf("a message is %s: %v", body, err)
	}
	return claims.Exp
}

// labelWriters set a label of a user each, again and again.
type labelWriters struct {
	l    *load
	uids []string
	step int
}

func newLabelWriters(t *testing.T, l *load) *labelWriters {
	t.Helper()
	w := &labelWriters{l: l}
	for i := range 4 {
		status, body := l.call("POST", "/users/import", map[string]any{"email": fmt.Sprintf("writer%d@example.com", i), "password_digest": digest})
		var user struct{ UID string }
		if err := json.Unmarshal(body, &user); status != http.StatusCreated || err != nil {
			t.Fatalf("an import was answered %d %s", status, body)
		}
		w.uids = append(w.uids, user.UID)
	}
	return w
}

// durations of requests, sorted.
type durations []time.Duration

func (d durations) String() string {
	at := func(share float64) time.Duration { return d[int(share*float64(len(d)-1))].Round(10 * time.Microsecond) }
	return fmt.Sprintf("%d, median %s, 99%% within %s, longest %s", len(d), at(0.5), at(0.99), at(1))
}

// write writes for some time, as fast as it can but for writesOfOne. Each write must be acknowledged.
func (w *labelWriters) write(lasts time.Duration) (all durations) {
	w.l.t.Helper()
	var mutex sync.Mutex
	var writing sync.WaitGroup
	w.step++
	for _, uid := range w.uids {
		writing.Go(func() {
			var took durations
			pace := time.NewTicker(lasts / writesOfOne)
			defer pace.Stop()
			for n, began := 0, time.Now(); time.Since(began) < lasts; n++ {
				<-pace.C
				start := time.Now()
				status, body := w.l.call("PUT", "/labels", map[string]any{"user_uid": uid, "key": "step", "value": "step" + strconv.Itoa(w.step) + "x" + strconv.Itoa(n)})
				if status != http.StatusOK {
					w.l.t.Errorf("a write was answered %d %s", status, body)
				}
				took = append(took, time.Since(start))
			}
			mutex.Lock()
			defer mutex.Unlock()
			all = append(all, took...)
		})
	}
	writing.Wait()
	slices.Sort(all)
	return all
}

// liveMemory is what the server holds after a garbage collection, in bytes.
func (s *server) liveMemory() int64 {
	s.t.Helper()
	profile, err := http.Get(s.admin + "/debug/pprof/heap?gc=1")
	if err != nil {
		s.t.Fatal(err)
	}
	_ = profile.Body.Close()
	bytes, err := strconv.ParseFloat(s.metric("go_memstats_heap_alloc_bytes"), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return int64(bytes)
}
