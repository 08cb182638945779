package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"barong/internal/app"
	"barong/internal/journal"
)

type journalPruneCommand struct {
	Keep int  `default:"-1" placeholder:"MONTHS" help:"Whole months to keep besides the current one; by default BARONG_JOURNAL_KEEP."`
	Yes  bool `help:"Do not ask before rows are removed."`
}

func (journalPruneCommand) Help() string {
	return `Rows that were sealed in months before those are removed, oldest first, and only as far as every receiver of events has read. Their
hashes stay, so that the rest remains provable. Servers do the same each hour where BARONG_JOURNAL_KEEP is set.

Example:
  barong journal prune --keep 24 --yes`
}

func (c journalPruneCommand) Run(p *program) error {
	if !c.Yes && !p.isInteractive() {
		return errNobodyToAsk
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		keep := c.Keep
		if keep < 0 {
			if keep = a.Settings.JournalKeep; keep == 0 {
				return usagef("BARONG_JOURNAL_KEEP keeps the journal for ever: give --keep")
			}
		}
		before := app.PruneBefore(time.Now(), keep)
		if !c.Yes {
			if err := p.ask("remove the rows of the journal from before %s", timestamp(before)); err != nil {
				return err
			}
		}
		var rows int64
		last, slowest, err := app.PruneJournal(ctx, a.Repo, before, func(n int64) { rows += n })
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%d rows removed; rows up to %d are pruned\n", rows, last)
		if slowest != nil {
			return fmt.Errorf("rows of before %s are left: the receiver of events %s has read up to row %d", timestamp(before), slowest.Sink, slowest.Seq)
		}
		return nil
	})
}

type journalEraseCommand struct {
	User string `arg:"" help:"The uid of the user."`
	Yes  bool   `help:"Do not ask."`
}

func (journalEraseCommand) Help() string {
	return `A row has no name and no e-mail, only a salted digest of the parameters. This removes the salts of a user's rows, and the stored answers
to its requests: a guess of the parameters can be compared with nothing afterwards. The rows stay, with the uid, and verify still
passes. Erase the user itself first: a write that follows leaves another row. Answers are searched in the whole table of keys.

Example:
  barong journal erase ID873B5CE1D2 --yes`
}

func (c journalEraseCommand) Run(p *program) error {
	if !c.Yes && !p.isInteractive() {
		return errNobodyToAsk
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		if !c.Yes {
			if err := p.ask("erase the salts of %s in the journal", c.User); err != nil {
				return err
			}
		}
		record := journal.NewCommand("journal erase")
		erased, err := a.Repo.EraseJournal(ctx, c.User, record)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "%d salts and answers erased\n", erased)
		return err
	})
}

type journalForkCommand struct {
	Reason string `required:"" help:"Why the journal has lost rows. It stays in the journal: no personal data."`
	Yes    bool   `help:"Do not ask."`
}

func (journalForkCommand) Help() string {
	return `A failover or a restore that has lost commits leaves a journal that is shorter than its checkpoints. Servers then seal nothing, so that
the loss is not covered up. This opens the next epoch: its first row has the root of the tree that goes on, the newest checkpoint
that is known, and the reason. Servers seal again within seconds. First try to get the lost commits back.

Example:
  barong journal fork --reason 'failover of 30 November without the last second' --yes`
}

func (c journalForkCommand) Run(p *program) error {
	if !c.Yes && !p.isInteractive() {
		return errNobodyToAsk
	}
	if strings.TrimSpace(c.Reason) == "" {
		return usagef("--reason is empty")
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		store, err := a.OpenCheckpoints(ctx)
		if err != nil {
			return err
		}
		lost, _, err := app.NewestCheckpoint(ctx, a.Settings, a.Repo, store)
		if err != nil {
			return err
		}
		head, err := a.Repo.JournalHead(ctx)
		if err != nil {
			return err
		}
		if !c.Yes {
			if err := p.ask("open epoch %d of the journal after row %d; the newest checkpoint has %d rows", max(head.Epoch, lost.Epoch)+1, head.Size, lost.Size); err != nil {
				return err
			}
		}
		record := journal.NewCommand("journal fork")
		row, err := a.Repo.Fork(ctx, c.Reason, lost, record)
		if err != nil {
			return err
		}
		changes, err := row.Changes()
		if err == nil && changes.Fork == nil {
			err = errors.New("the row of the fork has no fork")
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "epoch %d begins with row %d\n", changes.Fork.Epoch, row.Seq)
		return err
	})
}
