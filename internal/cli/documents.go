package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"barong/internal/app"
	"barong/internal/documents"
	"barong/repository"
)

type documentsCommand struct {
	Sweep  documentsSweepCommand  `cmd:"" help:"Find files that belong to no document or attachment, and remove them."`
	Verify documentsVerifyCommand `cmd:"" help:"Find documents and attachments whose file is gone, or cannot be read."`
	Import documentsImportCommand `cmd:"" help:"Import documents with their files from Barong, or from another system."`
}

type documentsSweepCommand struct {
	Delete bool `help:"Remove the files; without it they are only listed."`
	Yes    bool `help:"Do not ask before files are removed."`
	Force  bool `help:"Remove files although the database has no document and no attachment at all."`
}

func (documentsSweepCommand) Help() string {
	return `A file is stored before its document or its attachment is: one that a crash left alone stays behind. Files younger than an hour are let
alone, and so is everything in the store that this server did not put there. On a terminal --delete asks first; anywhere
else it needs --yes. Settings are those of the server.

Example:
  barong documents sweep
  barong documents sweep --delete --yes`
}

// sweepAge is the minimum age of a file that may be removed, far more than a request takes.
const sweepAge = time.Hour

// sweepBatch is the number of files per database query.
const sweepBatch = 1000

func (c documentsSweepCommand) Run(p *program) error {
	if c.Delete && !c.Yes && !p.isInteractive() {
		return errNobodyToAsk
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		store, err := a.OpenStorage(ctx)
		if err != nil {
			return err
		}
		repo := a.Repo
		abandoned, err := abandonedFiles(ctx, store, repo, time.Now().Add(-sweepAge))
		if err != nil {
			return err
		}
		if err := c.checkDatabase(ctx, repo, abandoned); err != nil {
			return err
		}
		if c.Delete && !c.Yes && len(abandoned) > 0 {
			if err := p.ask("remove %d files that belong to no document", len(abandoned)); err != nil {
				return err
			}
		}
		var size int64
		for _, file := range abandoned {
			verb := "abandoned"
			if c.Delete {
				if err := store.Remove(ctx, file.Name); err != nil {
					return fmt.Errorf("%s cannot be removed: %w", file.Name, err)
				}
				verb = "removed"
			}
			size += file.Size
			fmt.Fprintf(p.stdout, "%s %s  %d bytes  %s\n", verb, file.Name, file.Size, file.ModTime.UTC().Format(time.RFC3339))
		}
		fmt.Fprintf(p.stdout, "%d files without a document, %d bytes", len(abandoned), size)
		if !c.Delete && len(abandoned) > 0 {
			fmt.Fprint(p.stdout, "; nothing was removed, --delete does")
		}
		fmt.Fprintln(p.stdout)
		return nil
	})
}

// checkDatabase returns an error if the database has neither documents nor attachments: it is then most
// likely not the database of this store.
func (c documentsSweepCommand) checkDatabase(ctx context.Context, repo *repository.Repository, abandoned []documents.Object) error {
	if !c.Delete || c.Force || len(abandoned) == 0 {
		return nil
	}
	some, err := repo.HasFiles(ctx)
	if err == nil && !some {
		return errors.New("the database has no document and no attachment at all: is DATABASE_URL the right one? Nothing was removed; --force removes")
	}
	return err
}

// abandonedFiles returns the files older than before that belong to no document or attachment.
func abandonedFiles(ctx context.Context, store *documents.Store, repo *repository.Repository, before time.Time) ([]documents.Object, error) {
	var old []documents.Object
	for file, err := range store.Objects(ctx) {
		if err != nil {
			return nil, err
		}
		if file.ModTime.Before(before) {
			old = append(old, file)
		}
	}
	var abandoned []documents.Object
	for batch := range slices.Chunk(old, sweepBatch) {
		names := make([]string, len(batch))
		for i, file := range batch {
			names[i] = file.Name
		}
		known, err := repo.KnownObjects(ctx, names)
		if err != nil {
			return nil, err
		}
		for _, file := range batch {
			if !known[file.Name] {
				abandoned = append(abandoned, file)
			}
		}
	}
	return abandoned, nil
}
