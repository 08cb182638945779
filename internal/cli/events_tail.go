package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"barong/internal/app"
	"barong/internal/events"
	"barong/internal/journal"
)

type eventsTailCommand struct {
	From place `placeholder:"N|TIME" help:"Begin with this row of the journal, or with the first one after a time; without it, with the next event."`
	eventFilter
	Full   bool `help:"Print each event as JSON, with all that changed."`
	NoWait bool `help:"End with the last event that there is, instead of waiting for the next one."`
}

func (eventsTailCommand) Help() string {
	return `Prints a line for each event: the row of the journal, the time of the write, the type, the user, and the id of the event. It
goes on until it is interrupted. Events hold no personal data.

Example:
  barong events tail --from 2026-04-02T13:00:00Z --type label.updated
  barong events tail --from 1 --user ID873B5CE1D2 --full --no-wait`
}

// tailInterval is the interval at which new events are looked for.
const tailInterval = 500 * time.Millisecond

func (c eventsTailCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		after, err := a.Repo.JournalSize(ctx)
		if err == nil && c.From != "" {
			after, err = c.From.before(ctx, a.Repo)
		}
		for err == nil {
			var end int64
			if end, err = a.Repo.JournalSize(ctx); err != nil {
				break
			}
			for event, failure := range eventsAfter(ctx, c.journalOf(a.Repo), after, &c.eventFilter) {
				if failure != nil {
					return failure
				}
				if err := c.print(p, event); err != nil {
					return err
				}
				after = event.Seq
			}
			if c.NoWait {
				return nil
			}
			after = max(after, end)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(tailInterval):
			}
		}
		return err
	})
}

// printedEvent is an event as --full prints it.
type printedEvent struct {
	ID      uuid.UUID        `json:"id"`
	Seq     int64            `json:"seq"`
	Index   int              `json:"index"`
	Type    events.Type      `json:"type"`
	UID     string           `json:"uid"`
	At      time.Time        `json:"at"`
	Account *journal.Account `json:"account,omitempty"`
	Changes journal.Changes  `json:"changes"`
}

func (c eventsTailCommand) print(p *program, e *events.Event) error {
	if !c.Full {
		_, err := fmt.Fprintf(p.stdout, "%d\t%s\t%s\t%s\t%s\n", e.Seq, e.At.UTC().Format(time.RFC3339), e.Type, e.UID, e.ID)
		return err
	}
	text, err := json.Marshal(printedEvent{e.ID, e.Seq, e.Index, e.Type, e.UID, e.At.UTC(), e.Account, e.Changes})
	if err == nil {
		_, err = fmt.Fprintf(p.stdout, "%s\n", text)
	}
	return err
}
