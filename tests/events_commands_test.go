package tests

import (
	"strings"
	"testing"
	"time"
)

// Guards barong serve with a broker, and the commands: events reach a queue, tail prints them from a row,
// a time, a user or a type, replay publishes the same again, cursors shows how far the broker is.
func TestEventsOfAServerAndItsCommands(t *testing.T) {
	t.Parallel()
	url := newBrokerURL(t)
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t), "EVENT_API_RABBITMQ_URL": url}
	c := consume(t, url, false, labelUpdated)
	serve(t, settings)
	e := eventsIn(t, settings["DATABASE_URL"])
	e.sealedRows(t, e.user.UID, 10)
	until(t, time.Minute, "delivered", func() bool { return len(c.all()) >= 10 && e.cursor(t).Seq == 10 })
	checkComplete(t, c.all(), 10)

	hour := func(hours int) string {
		return time.Now().Add(time.Duration(hours) * time.Hour).UTC().Format(time.RFC3339)
	}
	for arguments, want := range map[string]int{
		"--from 8": 3, "--from 1 --type user.created": 0, "--from 1 --user " + e.user.UID: 10, "--from 1 --user NOBODY": 0,
		"--from " + hour(-1): 10, "--from " + hour(1): 0, "": 0, "--from 9 --full": 2,
	} {
		out, problems, status := barong(t, settings, append([]string{"events", "tail", "--no-wait"}, strings.Fields(arguments)...)...)
		if lines := strings.Count(out, "\n"); status != 0 || lines != want || want > 0 && !strings.Contains(out, e.user.UID) {
			t.Errorf("events tail %s: %d, %s%s", arguments, status, out, problems)
		}
	}
	out, problems, status := barong(t, settings, "events", "replay", "--to", "amqp", "--from", "3", "--until", "5", "--dry-run")
	if status != 0 || out != "3 events\n" {
		t.Errorf("%d: %s%s", status, out, problems)
	}
	out, problems, status = barong(t, settings, "events", "replay", "--to", "amqp", "--from", "3", "--until", "5")
	if status != 0 || !strings.HasPrefix(out, "3 messages confirmed, 0 ") {
		t.Errorf("%d: %s%s", status, out, problems)
	}
	until(t, time.Minute, "replayed", func() bool { return len(c.all()) == 13 })
	for i, d := range c.all()[10:] {
		if first := c.all()[2+i]; d.ID != first.ID || !d.Replay {
			t.Errorf("%+v is replayed as %+v", first, d)
		}
	}
	out, problems, status = barong(t, settings, "events", "cursors")
	if fields := strings.Fields(out); status != 0 || len(fields) != 10 || strings.Join(fields[5:8], " ") != "amqp 10 0" {
		t.Errorf("%d: %s%s", status, out, problems)
	}
	for _, wrong := range []string{"events tail --from yesterday", "events tail --type user.deleted", "events replay --to nobody --from 1"} {
		if _, problems, status := barong(t, settings, strings.Fields(wrong)...); status != 2 {
			t.Errorf("%s: %d, %s", wrong, status, problems)
		}
	}
}

// Guards that a server whose settings of events make no sense does not start, and says which, without the
// password of the broker.
func TestSettingsOfEventsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"BARONG_EVENTS_AMQP_URL": "http://guest:geheim@127.0.0.1", "BARONG_EVENTS_AMQP_REQUIRED": "model.user.deleted"} {
		settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "BARONG_EVENTS_AMQP_URL": "amqp://guest:geheim@127.0.0.1:1"}
		settings[name] = value
		_, problems, status := barong(t, settings, "serve")
		if status == 0 || !strings.Contains(problems, name) || strings.Contains(problems, "geheim") {
			t.Errorf("%s: %d, %s", name, status, problems)
		}
	}
}
