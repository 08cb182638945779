package cli

import (
	"context"
	"errors"
	"fmt"

	"barong/internal/app"
	"barong/internal/identity"
	"barong/internal/rabbitmq"
	"barong/internal/webhooks/endpoints"
	"barong/repository"
)

type eventsForgetCommand struct {
	Receiver string `arg:"" help:"amqp, or the name of an endpoint of webhooks."`
	Yes      bool   `help:"Do not ask before the receiver is forgotten."`
}

func (eventsForgetCommand) Help() string {
	return `The journal keeps the rows that a receiver of events has not got, also after the receiver has left the settings. This command forgets
how far it was, its users and its dead events; one that returns to the settings begins with what happens from then on. Take it
out of the settings of all servers before: a receiver of these settings, and one that a server serves, is not forgotten.

Example:
  barong events forget crm --yes`
}

func (c eventsForgetCommand) Run(p *program) error {
	if !c.Yes && !p.isInteractive() {
		return errNobodyToAsk
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		sink, endpoint := rabbitmq.Sink, ""
		configured := a.Settings.EventsAMQPURL != ""
		if c.Receiver != rabbitmq.Sink {
			sink, endpoint, configured = endpoints.Sink(c.Receiver), c.Receiver, false
			if a.Settings.Webhooks != "" {
				list, err := configuredEndpoints()
				if err != nil {
					return err
				}
				for _, each := range list {
					configured = configured || each.Name == c.Receiver
				}
			}
		}
		if configured {
			return usagef("%s is a receiver of these settings: take it out of those of all servers, and restart them", c.Receiver)
		}
		if !c.Yes {
			if err := p.ask("forget which events %s has not got", c.Receiver); err != nil {
				return err
			}
		}
		err := a.Repo.ForgetReceiver(ctx, sink, endpoint)
		switch {
		case errors.Is(err, repository.ErrNotHolder):
			return fmt.Errorf("a server delivers to %s: take it out of the settings of all servers, restart them, and try again", c.Receiver)
		case errors.Is(err, identity.ErrRecordNotFound):
			return fmt.Errorf("nothing is stored of a receiver %s", c.Receiver)
		case err == nil:
			fmt.Fprintf(p.stdout, "%s is forgotten\n", c.Receiver)
		}
		return err
	})
}
