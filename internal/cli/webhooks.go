package cli

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"barong/internal/app"
	"barong/internal/config"
	"barong/internal/webhooks"
	"barong/internal/webhooks/endpoints"
)

type webhooksCommand struct {
	List   webhooksListCommand   `cmd:"" help:"Show the endpoints and their state."`
	Test   webhooksTestCommand   `cmd:"" help:"Send a test message to an endpoint."`
	Rotate webhooksRotateCommand `cmd:"" help:"Print a new secret for an endpoint."`
	Enable webhooksEnableCommand `cmd:"" help:"Let the delivery to a disabled endpoint go on."`
	Dead   webhooksDeadCommand   `cmd:"" help:"Show events that no attempt delivered, deliver them again, or drop them."`
}

// configuredEndpoints reads the file of BARONG_WEBHOOKS.
func configuredEndpoints() ([]*endpoints.Endpoint, error) {
	settings, err := config.Read()
	if err != nil {
		return nil, err
	}
	if settings.Webhooks == "" {
		return nil, errors.New("BARONG_WEBHOOKS is empty: there are no endpoints")
	}
	list, err := endpoints.Load(settings.Webhooks)
	if err != nil {
		return nil, fmt.Errorf("BARONG_WEBHOOKS: %w", err)
	}
	return list, nil
}

func configuredEndpoint(name string) (*endpoints.Endpoint, error) {
	list, err := configuredEndpoints()
	if err != nil {
		return nil, err
	}
	for _, endpoint := range list {
		if endpoint.Name == name {
			return endpoint, nil
		}
	}
	return nil, usagef("BARONG_WEBHOOKS has no endpoint %s", name)
}

type webhooksListCommand struct{}

func (webhooksListCommand) Help() string {
	return `Shows each endpoint of BARONG_WEBHOOKS with its state, how many rows of the journal it has not got, the number of its dead events, and the
public key of its signatures v1a. It shows no URL and no secret.

Example:
  barong webhooks list`
}

func (webhooksListCommand) Run(p *program) error {
	list, err := configuredEndpoints()
	if err != nil {
		return err
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		counts, err := a.Repo.CountDeadEvents(ctx)
		if err != nil {
			return err
		}
		dead := map[string]int64{}
		for _, count := range counts {
			dead[count.Endpoint] = count.Events
		}
		cursors, err := a.Repo.EventCursors(ctx)
		if err != nil {
			return err
		}
		behind := map[string]int64{}
		for _, cursor := range cursors {
			behind[cursor.Sink] = cursor.Size - cursor.Seq
		}
		out := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "NAME\tSTATE\tBEHIND\tDEAD\tPUBLIC KEY")
		for _, endpoint := range list {
			state, err := stateOf(ctx, a, endpoint)
			if err != nil {
				return err
			}
			public := "-"
			if endpoint.Key != nil {
				public = endpoints.PublicKey(endpoint.Key)
			}
			fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%s\n", endpoint.Name, state, behind[endpoints.Sink(endpoint.Name)], dead[endpoint.Name], public)
		}
		return out.Flush()
	})
}

// stateOf describes an endpoint in a few words.
func stateOf(ctx context.Context, a *app.App, endpoint *endpoints.Endpoint) (string, error) {
	state, err := a.Repo.WebhookEndpoint(ctx, endpoint.Name)
	switch {
	case err != nil:
		return "", err
	case !endpoint.Enabled:
		return "off in the file", nil
	case state.DisabledAt != nil:
		return "disabled (" + state.DisabledWhy + ")", nil
	case state.PausedUntil != nil && state.PausedUntil.After(time.Now()):
		return "paused until " + state.PausedUntil.UTC().Format(time.RFC3339), nil
	case state.FailingSince != nil:
		return "failing since " + state.FailingSince.UTC().Format(time.RFC3339), nil
	default:
		return "ok", nil
	}
}

type webhooksTestCommand struct {
	Name string `arg:"" help:"Name of the endpoint."`
}

func (webhooksTestCommand) Help() string {
	return `Sends one message of the type webhook.test from this machine, signed and checked like an event, and prints the result. It uses no
database. The exit status is 1 unless the endpoint answers 2xx.

Example:
  barong webhooks test crm`
}

func (c webhooksTestCommand) Run(p *program) error {
	endpoint, err := configuredEndpoint(c.Name)
	if err != nil {
		return err
	}
	ctx, cancel := signalContext()
	defer cancel()
	status, err := webhooks.Test(ctx, endpoint)
	if err != nil {
		return fmt.Errorf("the endpoint %s: %w", c.Name, err)
	}
	fmt.Fprintf(p.stdout, "%s answered %d\n", c.Name, status)
	return nil
}

type webhooksRotateCommand struct {
	Name string `arg:"" help:"Name of the endpoint."`
}

func (webhooksRotateCommand) Help() string {
	return `Prints a new secret, and what to write into the file of BARONG_WEBHOOKS. It changes nothing. For 24 hours after rotated_at the new and the
previous secret both sign, so that the receiver can change to the new one meanwhile.

Example:
  barong webhooks rotate crm`
}

// secretSize is the size of a new secret, in bytes.
const secretSize = 32

func (c webhooksRotateCommand) Run(p *program) error {
	if _, err := configuredEndpoint(c.Name); err != nil {
		return err
	}
	secret := make([]byte, secretSize)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, `# In the entry %s, name the present secret previous_secret (or its file previous_secret_file), and add:
    secret: %s
    rotated_at: %s
`, c.Name, endpoints.SecretPrefix+base64.StdEncoding.EncodeToString(secret), time.Now().UTC().Format(time.RFC3339))
	return nil
}

type webhooksEnableCommand struct {
	Name string `arg:"" help:"Name of the endpoint."`
}

func (webhooksEnableCommand) Help() string {
	return `The server disables an endpoint that answers 410, or that has not taken an event for five days. After this command the delivery goes on
with the first event that the endpoint has not got.

Example:
  barong webhooks enable crm`
}

func (c webhooksEnableCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		changed, err := a.Repo.EnableWebhookEndpoint(ctx, c.Name)
		if err == nil && !changed {
			fmt.Fprintf(p.stdout, "%s is not disabled\n", c.Name)
		}
		return err
	})
}

type webhooksDeadCommand struct {
	Action string `arg:"" enum:"list,retry,drop" help:"list, retry or drop."`
	Name   string `arg:"" help:"Name of the endpoint."`
}

func (webhooksDeadCommand) Help() string {
	return `An event that no attempt of three days delivered is a dead event. retry delivers all of an endpoint again, marked by the header
barong-replay: they remain in the list until they are delivered. drop forgets them.

Example:
  barong webhooks dead list crm
  barong webhooks dead retry crm`
}

func (c webhooksDeadCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		if c.Action == "retry" {
			if _, err := configuredEndpoint(c.Name); err != nil {
				return err
			}
			n, err := webhooks.RetryDead(ctx, a.Pool, a.Repo, slog.New(slog.DiscardHandler), c.Name)
			fmt.Fprintf(p.stdout, "%d events are delivered again\n", n)
			return err
		}
		for event, err := range webhooks.Dead(ctx, a.Repo, c.Name) {
			if err != nil {
				return err
			}
			if c.Action == "list" {
				fmt.Fprintf(p.stdout, "%d\t%s\t%s\t%s\t%s\n", event.Seq, event.Type, event.UID, event.Outcome, event.DiedAt.UTC().Format(time.RFC3339))
			} else if err := a.Repo.DropDeadEvent(ctx, event.Endpoint, event.Seq, event.Index); err != nil {
				return err
			}
		}
		return nil
	})
}
