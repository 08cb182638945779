package tests

import (
	"bytes"
	"context"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"barong/internal/long"
	"barong/internal/rabbitmq/brokertest"
)

// drain reads a durable queue until it has rows up to n, over as many connections as it takes, or until nothing
// has come for a minute.
func drain(t *testing.T, url, queue string, n int64) (all []delivery) {
	t.Helper()
	seen := map[int64]bool{}
	for deadline := time.Now().Add(time.Minute); int64(len(seen)) < n && time.Now().Before(deadline); {
		func() {
			conn, err := amqp.Dial(url)
			if err != nil {
				time.Sleep(100 * time.Millisecond)
				return
			}
			defer conn.Close()
			channel, err := conn.Channel()
			if err != nil {
				return
			}
			for int64(len(seen)) < n && time.Now().Before(deadline) {
				m, ok, err := channel.Get(queue, true)
				if err != nil {
					return
				}
				if !ok {
					time.Sleep(10 * time.Millisecond)
					continue
				}
				d := decodeDelivery(m)
				all, seen[d.Seq] = append(all, d), true
				deadline = time.Now().Add(time.Minute)
			}
		}()
	}
	return all
}

// Guards that a broker that is killed again and again loses no event of durable exchanges: all come, the
// first deliveries in order, and at most a window is repeated each time.
func TestAKilledBrokerLosesNoEvents(t *testing.T) {
	long.Test(t)
	t.Parallel()
	const kills, rows = 4, 1500
	broker, e := brokertest.Start(t), newEvents(t)
	url := broker.NewURL(t)
	bind(t, url, "durable", true, nil, labelUpdated)
	if err := broker.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Run(); err != nil {
		t.Fatal(err)
	}
	publish(t, e.publisherOptions(t, url, newMessageCounts().counts()))
	writes, stop := context.WithCancel(t.Context())
	defer stop()
	written := make(chan int64)
	go func() {
		n := int64(0)
		for t.Context().Err() == nil && (writes.Err() == nil || n < rows) {
			if time.Sleep(100 * time.Millisecond); n-e.cursor(t).Seq < 500 { // what a slow machine has to catch up with
				e.sealedRows(t, e.user.UID, 50)
				n += 50
			}
		}
		written <- n
	}()
	for range kills {
		time.Sleep(1500 * time.Millisecond)
		broker.Kill()
		if err := broker.Run(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	n := <-written
	all := drain(t, url, "durable", n)
	if again := checkComplete(t, all, n); again > kills*64 {
		t.Errorf("%d of %d were delivered again", again, n)
	} else {
		t.Logf("%d rows, %d delivered again", n, again)
	}
}

// Guards that a broker that is away costs neither requests nor memory: the cursor stays, and all that was
// written meanwhile is sent afterwards, signed then.
func TestABrokerThatIsAway(t *testing.T) {
	long.Test(t)
	t.Parallel()
	broker, e := brokertest.Start(t), newEvents(t)
	url := broker.NewURL(t)
	bind(t, url, "durable", true, nil, labelUpdated)
	if err := broker.Shutdown(); err != nil {
		t.Fatal(err)
	}
	o := e.publisherOptions(t, url, newMessageCounts().counts())
	o.Signer.Expiry = time.Minute
	publish(t, o)
	e.sealedRows(t, e.user.UID, 1000)
	time.Sleep(2 * time.Second)
	if seq := e.cursor(t).Seq; seq != 0 {
		t.Fatalf("the cursor is at %d", seq)
	}
	if err := broker.Run(); err != nil {
		t.Fatal(err)
	}
	back := time.Now().Unix()
	all := drain(t, url, "durable", 1000)
	if again := checkComplete(t, all, 1000); again != 0 {
		t.Errorf("%d were delivered again", again)
	}
	for _, d := range all {
		if d.Issued < back-60 || d.Expires != d.Issued+60 {
			t.Fatalf("a message is of %d to %d, and the broker was back at %d", d.Issued, d.Expires, back)
		}
	}
}

// Guards that a broker without memory, which reads nothing from its publishers, loses no event and holds no
// write up.
func TestABrokerWithoutMemory(t *testing.T) {
	long.Test(t)
	t.Parallel()
	broker, e := brokertest.Start(t), newEvents(t)
	url := broker.NewURL(t)
	bind(t, url, "durable", true, nil, labelUpdated)
	o := e.publisherOptions(t, url, newMessageCounts().counts())
	o.Pace.Silence = 2 * time.Second
	publish(t, o)
	e.sealedRows(t, e.user.UID, 10)
	until(t, time.Minute, "publishing", func() bool { return e.cursor(t).Seq == 10 })
	if err := broker.RaiseMemoryAlarm(); err != nil {
		t.Fatal(err)
	}
	e.sealedRows(t, e.user.UID, 500)
	time.Sleep(2 * o.Pace.Silence)
	if seq := e.cursor(t).Seq; seq != 10 {
		t.Errorf("the broker takes nothing, and the cursor is at %d", seq)
	}
	if err := broker.LowerMemoryAlarm(); err != nil {
		t.Fatal(err)
	}
	all := drain(t, url, "durable", 510)
	if again := checkComplete(t, all, 510); again > 64*10 {
		t.Errorf("%d were delivered again", again)
	} else {
		t.Logf("%d were delivered again", again)
	}
}

// Guards that a publisher that loses its lease while it is stopped sends no more than a window, late, and
// that these are told by their numbers: another server has taken over.
func TestAnotherServerTakesTheLeaseOver(t *testing.T) {
	t.Parallel()
	e, url := newEvents(t), newBrokerURL(t)
	c := consume(t, url, false, labelUpdated)
	if _, err := e.repo.LeaseEventCursor(t.Context(), "amqp", "stopped"); err != nil {
		t.Fatal(err)
	}
	e.sealedRows(t, e.user.UID, 10)
	publish(t, e.publisherOptions(t, url, newMessageCounts().counts()))
	time.Sleep(time.Second)
	if len(c.all()) != 0 {
		t.Error("two servers publish")
	}
	if _, err := e.pool.Exec(t.Context(), "UPDATE event_cursors SET until = clock_timestamp()"); err != nil { // 15 s later
		t.Fatal(err)
	}
	until(t, time.Minute, "taken over", func() bool { return e.cursor(t).Seq == 10 && len(c.all()) >= 10 })
	if err := e.repo.AdvanceEventCursor(t.Context(), "amqp", "stopped", 10); err == nil {
		t.Error("the server that was stopped moves the cursor")
	}
	checkComplete(t, c.all(), 10)
}

// Guards that a replay sends nothing of a user who was erased since.
func TestAReplayHasNothingOfAnErasedUser(t *testing.T) {
	t.Parallel()
	e, url := newEvents(t), newBrokerURL(t)
	erased := e.newUser(t, "erased@example.com")
	o := e.publisherOptions(t, url, newMessageCounts().counts())
	stop := publish(t, o)
	consume(t, url, false, labelUpdated)
	e.sealedRows(t, erased.UID, 10)
	e.sealedRows(t, e.user.UID, 10)
	until(t, time.Minute, "published", func() bool { return e.cursor(t).Seq == 20 })
	stop()
	if _, err := e.pool.Exec(t.Context(), "DELETE FROM users WHERE uid = $1", erased.UID); err != nil {
		t.Fatal(err)
	}
	if _, err := e.repo.EraseJournal(t.Context(), erased.UID, newRecord(t)); err != nil {
		t.Fatal(err)
	}
	fresh := consume(t, url, false, labelUpdated)
	if n := replayAll(t, o, 0, 20); n != 10 {
		t.Errorf("%d were replayed", n)
	}
	until(t, time.Minute, "replayed", func() bool { return len(fresh.all()) >= 10 })
	for _, d := range fresh.all() {
		if d.UID != e.user.UID || !d.Replay || bytes.Contains(d.Body, []byte("erased")) {
			t.Errorf("replayed: %+v", d)
		}
	}
}

// Guards that a replay has the identifiers of the first delivery and its mark, and leaves the cursor.
func TestAReplayHasTheSameIdentifiers(t *testing.T) {
	t.Parallel()
	e, url := newEvents(t), newBrokerURL(t)
	c := consume(t, url, false, labelUpdated)
	e.sealedRows(t, e.user.UID, 20)
	o := e.publisherOptions(t, url, newMessageCounts().counts())
	stop := publish(t, o)
	until(t, time.Minute, "delivered", func() bool { return e.cursor(t).Seq == 20 && len(c.all()) == 20 })
	stop()
	replayed := replayAll(t, o, 10, 15)
	until(t, time.Minute, "replayed", func() bool { return len(c.all()) == 25 })
	for i, d := range c.all()[20:] {
		if first := c.all()[10+i]; !d.Replay || first.Replay || d.ID != first.ID || d.Seq != first.Seq || d.JTI != d.ID {
			t.Errorf("%+v is replayed as %+v", first, d)
		}
	}
	if seq := e.cursor(t).Seq; seq != 20 || replayed != 5 {
		t.Errorf("%d are replayed, and the cursor is at %d", replayed, seq)
	}
}
