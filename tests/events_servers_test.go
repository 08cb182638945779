package tests

import (
	"syscall"
	"testing"
	"time"

	"barong/internal/long"
)

// Guards that of two servers with a broker the second one goes on when the first one is stopped or killed
// in the midst of publishing, and that what comes twice has the same identifier.
func TestASecondServerGoesOnWithTheEvents(t *testing.T) {
	long.Test(t)
	t.Parallel()
	url, database := newBrokerURL(t), newDatabase(t)
	start := func() *process {
		return serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": database, "BARONG_EVENTS_AMQP_URL": url})
	}
	c := consume(t, url, false, labelUpdated)
	first := start()
	e := eventsIn(t, database)
	until(t, time.Minute, "held", func() bool { return e.cursor(t).Holder != "" })
	holder := e.cursor(t).Holder
	second := start()
	e.sealedRows(t, e.user.UID, 2000)
	until(t, time.Minute, "publishing", func() bool { return len(c.all()) > 100 })
	if err := first.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	until(t, time.Minute, "taken over", func() bool { now := e.cursor(t).Holder; return now != "" && now != holder })
	t.Logf("taken over after %s", time.Since(stopped))
	until(t, time.Minute, "delivered", func() bool { return e.cursor(t).Seq == 2000 && c.has(2000) })
	if err := first.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if again := checkComplete(t, c.all(), 2000); again > 64 {
		t.Errorf("%d were delivered again", again)
	}
	e.sealedRows(t, e.user.UID, 2000)
	until(t, time.Minute, "publishing", func() bool { return len(c.all()) > 2300 })
	if err := second.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, time.Minute, "delivered by the first", func() bool { return e.cursor(t).Seq == 4000 && c.has(4000) })
	again := checkComplete(t, c.all(), 4000)
	t.Logf("%d were delivered again", again)
}
