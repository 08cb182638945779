package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"barong/internal/config"
)

// Guards that a receiver of events without a journal is reported at the start.
func TestEventsWithoutAJournalAreReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]config.Config{
		"BARONG_EVENTS_AMQP_URL": {EventsAMQPURL: "amqp://localhost"},
		"BARONG_WEBHOOKS":        {Webhooks: "webhooks.yml"},
	} {
		for _, journal := range []string{config.On, config.Off} {
			c.Journal = journal
			var text bytes.Buffer
			warnOfEventsWithoutJournal(c, slog.New(slog.NewTextHandler(&text, nil)))
			if warned := strings.Contains(text.String(), name+" is set"); warned != (journal == config.Off) {
				t.Errorf("%s, journal %s: %s", name, journal, &text)
			}
		}
	}
}
