package cli

import (
	"context"
	"fmt"

	"barong/internal/app"
	"barong/internal/identity"
	"barong/internal/problem"
)

type attachmentsCommand struct {
	URL attachmentsURLCommand `cmd:"" name:"url" help:"Print a URL that gives access to the file of an attachment for a short time."`
}

type attachmentsURLCommand struct {
	ID int64 `arg:"" name:"id" help:"The id that createAttachment returned."`
}

func (attachmentsURLCommand) Help() string {
	return `No operation returns the file of an attachment: the URL in the response of createAttachment expires. This prints another one,
valid for BARONG_STORAGE_URL_TTL. Settings are those of the server: where the server serves the file, the URL begins with
BARONG_PUBLIC_URL or with the address of BARONG_LISTEN, and is signed with BARONG_STORAGE_SIGNING_KEY or with the key in
the data directory.

Example:
  barong attachments url 17`
}

func (c attachmentsURLCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		attachment, err := a.Repo.FindAttachment(ctx, c.ID)
		if problem.KindOf(err) == problem.NotFound {
			return fmt.Errorf("there is no attachment %d", c.ID)
		}
		if err != nil {
			return err
		}
		url, err := attachmentURL(ctx, a, attachment.File)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.stdout, url)
		return err
	})
}

func attachmentURL(ctx context.Context, a *app.App, file identity.File) (string, error) {
	store, err := a.OpenSigningStorage(ctx)
	if err != nil {
		return "", err
	}
	there, err := store.Has(ctx, file.Object)
	if err != nil {
		return "", err
	}
	if !there {
		return "", fmt.Errorf("%s: its file is gone", file.Object)
	}
	return store.URL(ctx, file)
}
