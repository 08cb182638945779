package cli

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"barong/internal/app"
	"barong/internal/events"
	"barong/internal/rabbitmq"
)

type eventsReplayCommand struct {
	To    string `required:"" placeholder:"RECEIVER" help:"The receiver: amqp is the broker of BARONG_EVENTS_AMQP_URL."`
	From  place  `required:"" placeholder:"N|TIME" help:"Begin with this row of the journal, or with the first one after a time."`
	Until place  `placeholder:"N|TIME" help:"End with this row, or with the last one before a time; without it, with the last one that there is."`
	eventFilter
	DryRun bool `help:"Print how many events there are, and deliver none."`
}

func (eventsReplayCommand) Help() string {
	return `Delivers events again, with the identifiers that they had, so that a receiver can tell repetitions; messages to the broker
have the header x-barong-replay. E-mails and names in them are those of now, and nothing is sent of a user who is gone.
The receiver's cursor stays where it is, and servers go on meanwhile. Settings and keys are those of the server.

Example:
  barong events replay --to amqp --from 2026-04-02T13:00:00Z --until 2026-04-02T14:00:00Z
  barong events replay --to amqp --from 1 --user ID873B5CE1D2 --dry-run`
}

func (c eventsReplayCommand) Run(p *program) error {
	if c.To != rabbitmq.Sink {
		return usagef("%s", errNoReceiver)
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		after, last, err := c.span(ctx, a)
		if err != nil {
			return err
		}
		if c.DryRun {
			n, err := c.count(ctx, a, after, last)
			if err == nil {
				fmt.Fprintf(p.stdout, "%d events\n", n)
			}
			return err
		}
		var unroutable, gone atomic.Int64
		publisher, err := a.OpenPublisher(ctx, rabbitmq.Counts{
			Published: func(string) {}, Unroutable: func(string) { unroutable.Add(1) }, Gone: func(string) { gone.Add(1) },
		})
		if err != nil {
			return err
		}
		n, err := publisher.Replay(ctx, c.journalOf(a.Repo), after, last, c.wants)
		fmt.Fprintf(p.stdout, "%d messages confirmed, %d that no queue is bound to, %d not sent because what they are about is gone\n", n, unroutable.Load(), gone.Load())
		return err
	})
}

// span returns the numbers of the row before the first one, and of the last one.
func (c eventsReplayCommand) span(ctx context.Context, a *app.App) (after, last int64, err error) {
	if after, err = c.From.before(ctx, a.Repo); err != nil || c.Until == "" {
		return after, math.MaxInt64, err
	}
	last, at, err := c.Until.parse()
	if err == nil && !at.IsZero() {
		last, err = a.Repo.JournalBefore(ctx, at)
	}
	return after, last, err
}

func (c eventsReplayCommand) count(ctx context.Context, a *app.App, after, last int64) (n int, err error) {
	var event *events.Event
	for event, err = range eventsAfter(ctx, c.journalOf(a.Repo), after, &c.eventFilter) {
		if err != nil || event.Seq > last {
			return n, err
		}
		n++
	}
	return n, nil
}
