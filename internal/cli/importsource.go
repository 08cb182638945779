package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"barong/internal/app"
	"barong/internal/bulk"
	"barong/internal/config"
	"barong/repository"
)

// Files of an import from a database, in the current folder.
const databaseRefused = "barong.refused.ndjson"

// importDatabase imports the users of --from, and then its service accounts and API keys.
func (c importCommand) importDatabase(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		if err := prepare(ctx, p, a); err != nil {
			return err
		}
		if c.Follow > 0 {
			return c.followDatabase(ctx, p, a)
		}
		_, err := c.importDatabaseOnce(ctx, p, a)
		c.warn(ctx, a)
		return err
	})
}

func (c importCommand) importDatabaseOnce(ctx context.Context, p *program, a *app.App) (run repository.ImportRun, err error) {
	db, err := openBarong(ctx, a.Settings, c.From)
	if err != nil {
		return run, err
	}
	defer func() { _ = db.Close() }() // it was only read
	total, err := db.Count(ctx)
	if err != nil {
		return run, err
	}
	fmt.Fprintf(p.stderr, "%d users in %s, %s\n", total, db.Name(), db.Version())
	name := c.Resume
	if name == "" {
		name = db.Name()
	}
	o, err := c.options(ctx, a, bulk.Database{Name: name, Users: db.Users}, databaseRefused)
	if err != nil {
		return run, err
	}
	if err := c.openDatabaseRun(ctx, a.Repo, &o, "database:"+name); err != nil {
		return run, err
	}
	run, err = c.run(ctx, p, o, newProgress(p.stderr, total, rowsOf))
	if err != nil && !errors.Is(err, errRefused) {
		return run, err
	}
	return run, cmp.Or(importBarongAccounts(ctx, p, a, db, c.DryRun), err)
}

// openDatabaseRun resumes a run that did not reach its end, and starts again after one that did:
// that is how changes come over.
func (c importCommand) openDatabaseRun(ctx context.Context, repo *repository.Repository, o *bulk.Options, name string) error {
	if c.DryRun {
		return nil
	}
	run, isNew, err := repo.OpenImportRun(ctx, name, time.Now().UTC())
	if err == nil && (run.FinishedAt != nil || c.Restart) {
		if err = repo.ForgetImportRun(ctx, name); err == nil {
			run, _, err = repo.OpenImportRun(ctx, name, time.Now().UTC())
		}
	}
	o.Run = run
	o.Overwrite = o.Overwrite || !isNew // the files of an earlier run of this database
	return err
}

// rowsOf returns how many rows a run has done.
func rowsOf(run repository.ImportRun) int64 {
	summary, err := bulk.SummaryOf(run)
	if err != nil {
		return run.Imported + run.Refused
	}
	return run.Imported + run.Refused + summary.Updated + summary.Unchanged + summary.Users(bulk.FoundConflict)
}

// writeDatabase writes the users of --from to the file of --to.
func (c importCommand) writeDatabase(p *program) error {
	if c.To != standardStream && path.Ext(c.To) != ".ndjson" && path.Ext(c.To) != ".jsonl" {
		return usagef("--to writes NDJSON: name a file that ends in .ndjson")
	}
	if c.DryRun || c.Lenient || c.Overwrite || c.Restart || c.Report != "" || c.Refused != "" || c.Resume != "" {
		return usagef("--to writes users as they are; options of an import go to the command that imports the file")
	}
	settings, err := config.Read()
	if err != nil {
		return err
	}
	ctx, cancel := signalContext()
	defer cancel()
	db, err := openBarong(ctx, settings, c.From)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // it was only read
	total, err := db.Count(ctx)
	if err != nil {
		return err
	}
	progress := newBar(p.stderr)
	var done, noted int64
	users, err := exportCommand{File: c.To}.write(p.stdout, func(to io.Writer) (int64, error) {
		return bulk.WriteRows(ctx, bulk.Database{Name: db.Name(), Users: db.Users}, to, func(uid string, notes []string) {
			for _, note := range notes {
				progress.clear()
				fmt.Fprintf(p.stderr, "%s: %s\n", uid, note)
			}
			noted += int64(len(notes))
			if done++; progress.due() {
				progress.draw(fmt.Sprintf("%d users, %.0f/s", done, float64(done)/progress.elapsed().Seconds()), 0, done, total)
			}
		})
	})
	progress.clear()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%d users written, with their password digests; %d notes\n", users, noted)
	return nil
}
