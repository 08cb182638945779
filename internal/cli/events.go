package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"barong/internal/app"
	"barong/internal/events"
	"barong/internal/journal"
	"barong/internal/rabbitmq"
	"barong/repository"
)

type eventsCommand struct {
	Tail      eventsTailCommand    `cmd:"" help:"Print events."`
	Replay    eventsReplayCommand  `cmd:"" help:"Deliver events again."`
	Cursors   eventsCursorsCommand `cmd:"" help:"Show how far each receiver of events is."`
	Endpoints webhooksListCommand  `cmd:"" help:"Show the webhooks; the same as webhooks list."`
	Forget    eventsForgetCommand  `cmd:"" help:"Forget a receiver that is gone, so that the journal need not keep events for it."`
}

// eventFilter selects events.
type eventFilter struct {
	User string `placeholder:"UID" help:"Only events of this user."`
	Type string `placeholder:"TYPE" help:"Only events of this type, as label.updated."`
}

// Validate rejects an unknown type. Kong calls it.
func (f *eventFilter) Validate() error {
	if f.Type != "" && !slices.Contains(events.Types, events.Type(f.Type)) {
		return fmt.Errorf("--type must be one of %v", events.Types)
	}
	return nil
}

func (f *eventFilter) wants(e *events.Event) bool {
	return (f.User == "" || e.UID == f.User) && (f.Type == "" || string(e.Type) == f.Type)
}

// place is a place in the journal: the number of a row, or a time.
type place string

// Validate rejects what is neither. Kong calls it.
func (p place) Validate() error {
	if _, _, err := p.parse(); err != nil {
		return err
	}
	return nil
}

func (p place) parse() (seq int64, at time.Time, err error) {
	if seq, err = strconv.ParseInt(string(p), 10, 64); err == nil && seq >= 0 {
		return seq, at, nil
	}
	if at, err = time.Parse(time.RFC3339, string(p)); err != nil {
		return 0, at, fmt.Errorf("must be the number of a row of the journal, or a time as 2026-04-02T13:00:00Z, and is %q", string(p))
	}
	return 0, at, nil
}

// before returns the number of the row before a place: of a time, the last row that was sealed before it.
func (p place) before(ctx context.Context, repo *repository.Repository) (int64, error) {
	seq, at, err := p.parse()
	if err != nil || at.IsZero() {
		return max(seq-1, 0), err
	}
	return repo.JournalBefore(ctx, at)
}

// eventsAfter yields the wanted events of the rows with numbers above after, in order.
func eventsAfter(ctx context.Context, source events.Journal, after int64, filter *eventFilter) iter.Seq2[*events.Event, error] {
	return func(yield func(*events.Event, error) bool) {
		for row, err := range events.Rows(ctx, source, after) {
			var found []events.Event
			if err == nil {
				found, err = events.Of(row)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range found {
				if filter.wants(&found[i]) && !yield(&found[i], nil) {
					return
				}
			}
		}
	}
}

// ofUser reads the rows of one user by its index.
type ofUser struct {
	repo *repository.Repository
	uid  string
}

func (o ofUser) JournalAfter(ctx context.Context, after int64, limit int) ([]journal.Row, error) {
	return o.repo.JournalOfUser(ctx, o.uid, after, math.MaxInt64, limit)
}

// journalOf is the journal, or what it has of the user of a filter.
func (f *eventFilter) journalOf(repo *repository.Repository) events.Journal {
	if f.User == "" {
		return repo
	}
	return ofUser{repo, f.User}
}

type eventsCursorsCommand struct{}

func (eventsCursorsCommand) Help() string {
	return `One line for each receiver: up to which row of the journal it has the events, how many rows it has not got, how old the
oldest of them is, and which server delivers.`
}

func (eventsCursorsCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		cursors, err := a.Repo.EventCursors(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "RECEIVER\tROW\tLAG\tOLDEST\tSERVER")
		for _, c := range cursors {
			holder := c.Holder
			if holder == "" || time.Now().After(c.Until) {
				holder = "-"
			}
			fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\n", c.Sink, c.Seq, c.Size-c.Seq, time.Duration(c.Waiting*float64(time.Second)).Round(time.Second), holder)
		}
		return table.Flush()
	})
}

// errNoReceiver is reported for a name that no receiver has.
var errNoReceiver = errors.New("--to must be " + rabbitmq.Sink)
