package cli

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"barong/internal/app"
)

type usersCollisionsCommand struct{}

func (usersCollisionsCommand) Help() string {
	return `Two spellings of one mailbox, such as a@bücher.example and a@xn--bcher-kva.example, belong to one account. Accounts from before
that was so, and those that a server of an older version let in, are listed by mailbox, the oldest account first. Each is found
by the spelling that it was given; by every other spelling the first one is. docs/operations.md says what to do about them.

Example:
  barong users collisions`
}

func (usersCollisionsCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		repo := a.Repo
		if _, err := repo.FillEmailKeys(ctx); err != nil {
			return err
		}
		shared, err := repo.SharedMailboxes(ctx)
		if err != nil {
			return err
		}
		if len(shared) == 0 {
			_, err := fmt.Fprintln(p.stdout, "every account has a mailbox of its own")
			return err
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "MAILBOX\tUID\tEMAIL\tSTATE\tLEVEL\tCREATED")
		for _, mailbox := range shared {
			for _, user := range mailbox.Users {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n", mailbox.Key, user.UID, user.Email, user.State, user.Level, user.CreatedAt.Format(time.RFC3339))
			}
		}
		return table.Flush()
	})
}
