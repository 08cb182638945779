package faults

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"barong/internal/eventapi"
	"barong/internal/long"
	"barong/internal/rabbitmq/brokertest"
)

// serverKills is how often the server is killed.
const serverKills = 12

// message is what identifies an event at a consumer.
type message struct {
	seq   int64
	index int64
	id    string
}

// eventQueue collects all that is published.
type eventQueue struct {
	t        *testing.T
	mutex    sync.Mutex
	messages []message
}

// openChannel opens a connection to a broker, and a channel, until the test ends.
func openChannel(t *testing.T, url string) *amqp.Channel {
	t.Helper()
	connection, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	channel, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return channel
}

// consumeEvents binds a queue to every event that the load causes.
func consumeEvents(t *testing.T, url string) *eventQueue {
	t.Helper()
	channel := openChannel(t, url)
	queue, err := channel.QueueDeclare("", false, true, true, false, nil)
	if err == nil {
		err = channel.ExchangeDeclare(eventapi.ModelExchange, "direct", false, false, false, false, nil)
	}
	for _, key := range []string{"user.created", "user.updated", "label.created", "label.updated", "profile.created"} {
		if err == nil {
			err = channel.QueueBind(queue.Name, key, eventapi.ModelExchange, false, nil)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	deliveries, err := channel.Consume(queue.Name, "", true, true, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := &eventQueue{t: t}
	go func() {
		for d := range deliveries {
			seq, _ := d.Headers["x-barong-sequence"].(int64)
			q.mutex.Lock()
			q.messages = append(q.messages, message{seq, number(d.Headers["x-barong-index"]), d.MessageId})
			q.mutex.Unlock()
		}
	}()
	return q
}

// number is an integer of whatever width.
func number(value any) (n int64) {
	_, _ = fmt.Sscan(fmt.Sprint(value), &n)
	return n
}

func (q *eventQueue) all() []message {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return append([]message(nil), q.messages...)
}

// published are the rows of the journal that events are made of.
const published = "form <> 'cli' AND changed::text <> '{}'"

// await waits until all writes are sealed and published, and until the last one has come, as a message after
// the first few that are given: the broker may deliver later than it confirms to the publisher.
func (q *eventQueue) await(p *postgres, after int) {
	p.t.Helper()
	p.eventually("all events to come", func() error {
		var inbox, behind, last int64
		p.row("SELECT (SELECT count(*) FROM journal_inbox), (SELECT h.size - c.seq FROM journal_head h, event_cursors c), (SELECT max(seq) FROM journal WHERE "+published+")", &inbox, &behind, &last)
		if inbox != 0 || behind != 0 {
			return fmt.Errorf("%d rows are not sealed, and %d not published", inbox, behind)
		}
		if came := q.all(); !slices.ContainsFunc(came[min(after, len(came)):], func(m message) bool { return m.seq == last }) {
			return fmt.Errorf("%d messages came, and row %d did not", len(came)-after, last)
		}
		return nil
	})
}

// awaitSilence waits until no message has come for a second, and returns how many there are.
func (q *eventQueue) awaitSilence() (n int) {
	for n = -1; n != len(q.all()); time.Sleep(time.Second) {
		n = len(q.all())
	}
	return n
}

// complete checks that each row of the journal that changes something came, with one identifier for
// each message however often it came, and returns how many came again. First deliveries must be in order.
func (q *eventQueue) complete(p *postgres) (again int) {
	q.t.Helper()
	ids, rows, last := map[[2]int64]string{}, map[int64]bool{}, message{}
	for _, m := range q.all() {
		at := [2]int64{m.seq, m.index}
		if id, known := ids[at]; known {
			again++
			if id != m.id {
				q.t.Errorf("message %v has the identifiers %s and %s", at, id, m.id)
			}
			continue
		}
		if m.id == "" || m.seq < last.seq || m.seq == last.seq && m.index <= last.index {
			q.t.Errorf("message %v comes after %v", m, last)
		}
		ids[at], rows[m.seq], last = m.id, true, m
	}
	missing := slices.DeleteFunc(p.numbers("SELECT seq FROM journal WHERE "+published+" ORDER BY seq"), func(seq int64) bool { return rows[seq] })
	if len(missing) > 0 || len(rows) == 0 {
		q.t.Errorf("%d rows came, the last of them %d, and %d are missing: %v", len(rows), last.seq, len(missing), missing)
	}
	if n := p.number("SELECT count(*) FROM users u WHERE email LIKE 'load%' AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.uid = u.uid AND j.operation = 'importUser')"); n > 0 {
		q.t.Errorf("%d users have no row of their import", n)
	}
	return again
}

// journalCommand runs a command on the journal, which must succeed.
func journalCommand(t *testing.T, settings map[string]string, args ...string) string {
	t.Helper()
	command := exec.Command(binary, append([]string{"journal"}, args...)...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for name, value := range settings {
		command.Env = append(command.Env, name+"="+value)
	}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("journal %v: %v: %s", args, err, out)
	}
	return string(out)
}

// metric is the value of a metric of a server without labels.
func (s *server) metric(name string) string {
	s.t.Helper()
	response, err := http.Get(s.admin + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
	if found == nil {
		return ""
	}
	return string(found[1])
}

// startPublishing starts a server with a broker, and waits until it publishes what follows.
func startPublishing(t *testing.T, p *postgres, who signers, settings map[string]string) *server {
	t.Helper()
	s := serve(t, who, settings)
	p.eventually("the publisher", func() error {
		if p.number("SELECT count(*) FROM event_cursors WHERE holder <> ''") == 0 {
			return errNoRowYet
		}
		return nil
	})
	return s
}

// Guards that a server that is killed at any moment under load loses no event: each row of the journal
// comes, repetitions have the identifier of the first delivery, and the journal is whole.
func TestServersThatAreKilledLoseNoEvent(t *testing.T) {
	long.Test(t)
	broker := brokertest.Start(t)
	p, who := startPostgres(t), newSigners(t)
	url := broker.NewURL(t)
	settings := map[string]string{"DATABASE_URL": p.url(), "BARONG_EVENTS_AMQP_URL": url, "BARONG_DATA_DIR": t.TempDir()}
	queue := consumeEvents(t, url)
	s := startPublishing(t, p, who, settings)
	l := startLoad(t, who, false, s)
	for range serverKills {
		l.settle(20)
		time.Sleep(rand.N(300 * time.Millisecond))
		if err := s.command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-s.ended
		// The lease of the dead server would end in some seconds.
		p.exec("UPDATE event_cursors SET until = clock_timestamp()")
		s = serve(t, who, settings)
		l.aim(s)
	}
	l.settle(50)
	l.verify(p)
	queue.await(p, 0)
	again := queue.complete(p)
	if again > serverKills*64 {
		t.Errorf("%d messages came again", again)
	}
	journalCommand(t, settings, "verify", "--signatures")
	t.Logf("%d messages, %d of them again, after %d kills", len(queue.all()), again, serverKills)
}

// Guards that a failover to a synchronous standby under load loses no event, and is no fork.
func TestFailoverToASynchronousStandbyLosesNoEvent(t *testing.T) {
	long.Test(t)
	broker := brokertest.Start(t)
	primary, who := startPostgres(t), newSigners(t)
	serve(t, who, map[string]string{"DATABASE_URL": primary.url()}).terminate() // makes the schema
	standby := primary.standby()
	url := broker.NewURL(t)
	settings := map[string]string{"DATABASE_URL": both(t, primary, standby), "BARONG_EVENTS_AMQP_URL": url, "BARONG_DATA_DIR": t.TempDir()}
	queue := consumeEvents(t, url)
	s := startPublishing(t, primary, who, settings)
	l := startLoad(t, who, false, s)
	l.settle(200)
	primary.kill()
	standby.promote()
	l.settle(200)
	l.verify(standby)
	queue.await(standby, 0)
	again := queue.complete(standby)
	if forked := s.metric("barong_journal_forked"); forked != "0" {
		t.Errorf("barong_journal_forked is %q", forked)
	}
	journalCommand(t, settings, "verify", "--signatures")
	t.Logf("%d messages, %d of them again", len(queue.all()), again)
}

// Guards that a failover that has lost commits is noticed: the server says that the journal has lost rows,
// neither seals nor publishes anything new, and goes on writing, until an operator opens the next epoch.
func TestFailoverThatLosesCommitsIsAFork(t *testing.T) {
	long.Test(t)
	broker := brokertest.Start(t)
	primary, who := startPostgres(t), newSigners(t)
	serve(t, who, map[string]string{"DATABASE_URL": primary.url()}).terminate() // makes the schema
	standby := primary.standby()
	url := broker.NewURL(t)
	// No commit waits for the standby.
	settings := map[string]string{"DATABASE_URL": both(t, primary, standby) + "&synchronous_commit=local", "BARONG_EVENTS_AMQP_URL": url, "BARONG_DATA_DIR": t.TempDir()}
	queue := consumeEvents(t, url)
	s := startPublishing(t, primary, who, settings)
	l := startLoad(t, who, false, s)
	l.settle(100)
	size := func(p *postgres) int64 { return p.number("SELECT size FROM journal_head") }
	lose(primary, standby, l)
	before := size(primary)
	primary.kill()
	standby.resume()
	standby.promote()
	after := size(standby)
	if after >= before {
		t.Fatalf("the standby has %d of %d rows: this proves nothing", after, before)
	}
	standby.eventually("the fork to be noticed", func() error {
		if value := s.metric("barong_journal_forked"); value != "1" {
			return fmt.Errorf("barong_journal_forked is %q", value)
		}
		if !strings.Contains(s.log.String(), "the journal has lost rows") { // now: the log keeps its newest lines only
			return errors.New("the log does not say that rows are lost")
		}
		return nil
	})
	l.settle(100) // writes go on
	standby.eventually("what is there to be published", func() error {
		if behind := standby.number("SELECT h.size - c.seq FROM journal_head h, event_cursors c"); behind != 0 {
			return fmt.Errorf("%d rows are not", behind)
		}
		return nil
	})
	came := queue.awaitSilence()
	l.settle(20)
	time.Sleep(time.Second)
	if n := size(standby); n != after || len(queue.all()) != came {
		t.Errorf("the journal went on from %d rows to %d, and %d messages came after the fork", after, n, len(queue.all())-came)
	}
	if out := journalCommand(t, settings, "fork", "--reason", "a test", "--yes"); !strings.Contains(out, "epoch 2") {
		t.Errorf("fork printed %s", out)
	}
	l.settle(20)
	l.stop()
	queue.await(standby, came)
	rows := map[int64]bool{}
	for _, m := range queue.all()[came:] {
		rows[m.seq] = true
	}
	for _, seq := range standby.numbers(fmt.Sprintf("SELECT seq FROM journal WHERE seq > %d AND %s", after, published)) {
		if !rows[seq] {
			t.Errorf("row %d of the new epoch was not published", seq)
		}
	}
	if len(rows) == 0 {
		t.Error("nothing was published after the fork")
	}
	journalCommand(t, settings, "verify", "--signatures")
	t.Logf("%d rows were lost of %d, and %d came after the fork", before-after, before, len(rows))
}

// lose stops the standby, and fills what is on its way to it: what is written and sealed then does not reach it.
func lose(primary, standby *postgres, l *load) {
	standby.pause()
	primary.exec("SELECT pg_logical_emit_message(false, 'fault', repeat('x', 4000000))")
	sealed := primary.number("SELECT size FROM journal_head")
	l.settle(100)
	primary.eventually("rows to be sealed that do not reach the standby", func() error {
		if primary.number("SELECT size FROM journal_head") <= sealed {
			return errNoRowYet
		}
		return nil
	})
}
