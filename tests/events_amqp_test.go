package tests

import (
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"barong/internal/journal"
)

const labelUpdated = "model.label.updated"

// Guards that events reach a consumer of Barong, in order and once, whether the exchanges are durable or
// not, and whoever declares them first; and that the cursor follows.
func TestEventsReachAConsumer(t *testing.T) {
	t.Parallel()
	for name, durable := range map[string]bool{"transient": false, "durable": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, url := newEvents(t), newBrokerURL(t)
			c := consume(t, url, durable, labelUpdated)
			e.sealedRows(t, e.user.UID, 300)
			counted := newMessageCounts()
			stop := publish(t, e.publisherOptions(t, url, counted.counts()))
			until(t, time.Minute, "delivered", func() bool { return e.cursor(t).Seq == 300 && len(c.all()) >= 300 })
			stop()
			if again := checkComplete(t, c.all(), 300); again != 0 || e.cursor(t).Seq != 300 || e.cursor(t).Holder != "" {
				t.Errorf("%d were delivered again, and the cursor is %+v", again, e.cursor(t))
			}
			if d := c.all()[0]; d.Expires-d.Issued != 3600 || d.UID != e.user.UID || d.Name != labelUpdated || counted.of(counted.published) != 300 {
				t.Errorf("the first message is %+v, and %+v are counted", d, counted.published)
			}
		})
	}
}

// Guards that messages that nobody takes are counted and do not hold the stream, and that nothing is sent
// of a user who is gone: the cursor moves on.
func TestEventsOfNobodyAndForNobody(t *testing.T) {
	t.Parallel()
	e, url := newEvents(t), newBrokerURL(t)
	c := consume(t, url, false, "system.document.verified")
	e.sealedRows(t, "ID00000GONE0", 5)
	e.sealedRow(t, "createPhone", journal.Changes{Phone: &journal.Phone{ID: 1}})
	e.sealedRow(t, "updateLabel", journal.Changes{
		Account: &journal.Account{}, Labels: []journal.LabelChange{{Key: "document", Scope: "private", Old: new("pending"), New: new("verified")}},
	})
	counted := newMessageCounts()
	publish(t, e.publisherOptions(t, url, counted.counts()))
	until(t, time.Minute, "at the end", func() bool { return e.cursor(t).Seq == 7 && len(c.all()) > 0 })
	if all := c.all(); len(all) != 1 || all[0].Name != "system.document.verified" {
		t.Errorf("the consumer has %+v", all)
	}
	if counted.of(counted.gone) != 5 || counted.of(counted.unroutable) != 1 {
		t.Errorf("gone %v, unroutable %v", counted.gone, counted.unroutable)
	}
}

// Guards that a required name holds the stream until a queue is bound: none is lost, and none overtakes.
func TestARequiredNameHoldsTheStream(t *testing.T) {
	t.Parallel()
	e, url := newEvents(t), newBrokerURL(t)
	e.sealedRows(t, e.user.UID, 100)
	counted := newMessageCounts()
	o := e.publisherOptions(t, url, counted.counts())
	o.Required = []string{labelUpdated}
	publish(t, o)
	until(t, time.Minute, "held", func() bool { return counted.of(counted.unroutable) >= 2 })
	if seq := e.cursor(t).Seq; seq != 0 {
		t.Errorf("the cursor has moved to %d", seq)
	}
	c := consume(t, url, false, labelUpdated)
	until(t, time.Minute, "delivered", func() bool { return e.cursor(t).Seq == 100 && len(c.all()) >= 100 })
	checkComplete(t, c.all(), 100)
}

// Guards that a full queue that refuses messages loses none: the publisher tries again.
func TestAFullQueueLosesNothing(t *testing.T) {
	t.Parallel()
	e, url := newEvents(t), newBrokerURL(t)
	full := bind(t, url, "full", true, amqp.Table{"x-max-length": 20, "x-overflow": "reject-publish"}, labelUpdated)
	e.sealedRows(t, e.user.UID, 100)
	publish(t, e.publisherOptions(t, url, newMessageCounts().counts()))
	until(t, time.Minute, "full", func() bool { return e.cursor(t).Seq >= 20 })
	if seq := e.cursor(t).Seq; seq > 25 {
		t.Errorf("the queue has room for 20, and the cursor is at %d", seq)
	}
	seen := map[int64]bool{}
	until(t, time.Minute, "delivered", func() bool {
		m, ok, err := full.channel.Get(full.queue, true)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			seen[decodeDelivery(m).Seq] = true
		}
		return len(seen) == 100
	})
}

// Guards that at most a window of messages is sent again after an interruption: none is sent while more than
// that is not recorded.
func TestNothingIsSentWhileMoreThanAWindowIsNotRecorded(t *testing.T) {
	t.Parallel()
	e, url := newEvents(t), newBrokerURL(t)
	c := consume(t, url, false, labelUpdated)
	insertRows(t, e.pool, `CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.seq > 100 THEN RAISE 'the cursor stays'; END IF; RETURN NEW; END $$`)
	insertRows(t, e.pool, "CREATE TRIGGER refused BEFORE UPDATE ON event_cursors FOR EACH ROW EXECUTE FUNCTION refused()")
	e.sealedRows(t, e.user.UID, 500)
	publish(t, e.publisherOptions(t, url, newMessageCounts().counts()))
	sent := func() (last int64) {
		for _, d := range c.all() {
			last = max(last, d.Seq)
		}
		return last
	}
	until(t, time.Minute, "interrupted twice", func() bool { return len(c.all()) >= 200 && sent() > 100 })
	if recorded := e.cursor(t).Seq; sent() > recorded+64 {
		t.Errorf("%d are recorded, and message %d was sent", recorded, sent())
	}
	insertRows(t, e.pool, "DROP TRIGGER refused ON event_cursors")
	until(t, time.Minute, "delivered", func() bool { return e.cursor(t).Seq == 500 && c.has(500) })
	checkComplete(t, c.all(), 500)
}

// Guards that of two servers one publishes, and that the other takes over when it ends.
func TestOneServerPublishes(t *testing.T) {
	t.Parallel()
	e, url := newEvents(t), newBrokerURL(t)
	c := consume(t, url, false, labelUpdated)
	first, second := e.publisherOptions(t, url, newMessageCounts().counts()), e.publisherOptions(t, url, newMessageCounts().counts())
	first.Holder, second.Holder = "first", "second"
	stop := publish(t, first)
	until(t, time.Minute, "held", func() bool { return e.cursor(t).Holder == "first" })
	publish(t, second)
	e.sealedRows(t, e.user.UID, 100)
	until(t, time.Minute, "delivered", func() bool { return e.cursor(t).Seq == 100 && len(c.all()) >= 100 })
	if holder := e.cursor(t).Holder; holder != "first" {
		t.Errorf("%s publishes", holder)
	}
	stop()
	e.sealedRows(t, e.user.UID, 100)
	until(t, time.Minute, "delivered by the other", func() bool { return len(c.all()) >= 200 })
	if again := checkComplete(t, c.all(), 200); again != 0 {
		t.Errorf("%d were delivered again", again)
	}
}
