package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"barong/internal/app"
	"barong/internal/bulk"
	"barong/internal/otp"
)

type exportCommand struct {
	File    string `arg:"" optional:"" default:"-" name:"file" help:"Where to write to; it must not be there yet. - is standard output."`
	Format  string `enum:",ndjson,csv" default:"" placeholder:"ndjson|csv" help:"The format, where the name does not tell it: ndjson on standard output."`
	Secrets bool   `help:"Write the secrets of one-time codes, too, decrypted."`

	barongExport
}

func (exportCommand) Help() string {
	return `Writes what barong import reads: all users as they are at one moment, in the order in which they came, with profiles, phones
and labels. Password digests are among it, so that the file is readable by its owner only: keep it so. Documents are not
written.

With --for barong-2.3 it writes SQL that puts the users into the database of Barong that they came from: new users, changed ones,
their labels, phones, profiles and the rows of documents. The exit status is 3 where Barong's tables cannot hold a user.

Example:
  barong export users.ndjson
  barong export --format csv | gzip > users.csv.gz
  barong export --for barong-2.3 back.sql`
}

func (c exportCommand) Run(p *program) error {
	back, err := c.options(c)
	if err != nil {
		return err
	}
	if c.For != "" {
		return withApp(p, func(ctx context.Context, a *app.App) error { return c.forBarong(ctx, p, a, back) })
	}
	return c.ndjsonOrCSV(p)
}

func (c exportCommand) ndjsonOrCSV(p *program) error {
	format := bulk.NDJSON
	if c.File != standardStream || c.Format != "" {
		var err error
		if format, err = formatOf(c.File, c.Format); err != nil {
			return err
		}
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		repo := a.Repo
		unseal, err := c.unseal(ctx, a)
		if err != nil {
			return err
		}
		documents, err := repo.CountDocuments(ctx)
		if err != nil {
			return err
		}
		attachments, err := repo.CountAttachments(ctx)
		if err != nil {
			return err
		}
		total, err := repo.CountUsers(ctx)
		if err != nil {
			return err
		}
		progress := newBar(p.stderr)
		users, err := c.write(p.stdout, func(to io.Writer) (int64, error) {
			return bulk.Export(ctx, repo, to, format, unseal, func(done int64) {
				if progress.due() {
					progress.draw(fmt.Sprintf("%d users, %.0f/s", done, float64(done)/progress.elapsed().Seconds()), 0, done, total)
				}
			})
		})
		progress.clear()
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "%d users exported, with their password digests", users)
		if documents > 0 {
			fmt.Fprintf(p.stderr, "; %d documents were not", documents)
		}
		if attachments > 0 {
			fmt.Fprintf(p.stderr, "; %d attachments were not", attachments)
		}
		fmt.Fprintln(p.stderr)
		return nil
	})
}

// unseal returns the function that decrypts secrets, or nil without --secrets.
func (c exportCommand) unseal(ctx context.Context, a *app.App) (bulk.Unseal, error) {
	if !c.Secrets {
		return nil, nil //nolint:nilnil // nil means that no secrets are exported
	}
	backend, err := a.OpenOTP(ctx)
	if err != nil {
		return nil, err
	}
	local, ok := backend.(*otp.Local)
	if !ok {
		return nil, errors.New("--secrets: they are in Vault, which does not give them away")
	}
	return local.Unseal, nil
}

// write runs work with the file or standard output as its destination. It removes an
// incomplete file.
func (c exportCommand) write(stdout io.Writer, work func(io.Writer) (int64, error)) (int64, error) {
	if c.File == standardStream {
		return work(stdout)
	}
	file, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	users, err := work(file)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		err = errors.Join(err, os.Remove(c.File))
	}
	return users, err
}
