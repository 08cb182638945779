package cli

import (
	"context"
	"fmt"

	"barong/internal/app"
)

type usersCommand struct {
	Show       usersShowCommand       `cmd:"" help:"Show a user, and why level and state are what they are."`
	Recount    usersRecountCommand    `cmd:"" help:"Count the users again, after changes to the table by other programs."`
	Collisions usersCollisionsCommand `cmd:"" help:"List the accounts that share a mailbox."`
}

type usersRecountCommand struct{}

func (usersRecountCommand) Help() string {
	return `The total of the list of all users is kept, not counted. Whatever changes the table of users beside this server makes it
wrong until it is counted again: SQL by hand, and servers of an older version. Servers may go on writing meanwhile.

Example:
  barong users recount`
}

func (usersRecountCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		found, err := a.Repo.RecountUsers(ctx)
		if err != nil {
			return err
		}
		verdict := "the count was right"
		if found.Wrong != 0 {
			verdict = fmt.Sprintf("the count was wrong by %+d and is mended", -found.Missed)
		}
		_, err = fmt.Fprintf(p.stdout, "%d users: %s\n", found.Total, verdict)
		return err
	})
}
