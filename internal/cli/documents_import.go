package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"time"

	"barong/internal/app"
	"barong/internal/bulk"
	"barong/internal/config"
	"barong/internal/documentimport"
	"barong/internal/documents"
	"barong/repository"
)

type documentsImportCommand struct {
	File    string `arg:"" optional:"" name:"file" help:"NDJSON that lists documents, also with .gz; - is standard input. Without it, --from."`
	From    string `placeholder:"URL" env:"BARONG_IMPORT_FROM" help:"Barong's database: mysql://user:password@host/barong or postgres://…. In the variable, which a FILE takes the place of, the password is not in the list of processes."`
	Files   string `required:"" placeholder:"URL" help:"Where the files are: a directory, or file://, s3://, … as for BARONG_STORAGE_URL."`
	Source  string `placeholder:"NAME" help:"The name under which imported documents are remembered: by default barong with --from, and ndjson with a file."`
	DryRun  bool   `help:"Apply every rule, read the beginning of every file, and store nothing."`
	Refused string `placeholder:"FILE" help:"Where refused rows go, as NDJSON; by default documents-refused-TIME.ndjson. A dry run writes them only where this says so."`
	Workers int    `default:"8" help:"Files that are copied at once: each takes up to 10 MiB of memory."`
}

func (documentsImportCommand) Help() string {
	return `Every document is held to the rules of POST /documents, is encrypted and stored as one of the server's own, and keeps its
times; one that has expired is taken as well. No label, level or state changes. Users come first: a document whose user is
not there is refused. The same command again brings what is new or has changed since, and goes on where an earlier run
ended. docs/documents-import.md has the members of a row. The exit status is 0 when all documents are here, 3 when some
were refused.

Example:
  export BARONG_IMPORT_FROM=mysql://barong:secret@db.internal/barong_production
  barong documents import --files s3://kyc?region=eu-central-1 --dry-run
  barong documents import --files s3://kyc?region=eu-central-1
  barong documents import scans.ndjson --files /srv/scans`
}

// maxCopies limits --workers.
const maxCopies = 256

func (c documentsImportCommand) Run(p *program) error {
	if c.Workers < 1 || c.Workers > maxCopies {
		return usagef("--workers must be 1 to %d, and is %d", maxCopies, c.Workers)
	}
	var err error
	if c.From, err = importFrom(c.File, c.From); err != nil {
		return err
	}
	if c.File == "" && c.From == "" {
		return usagef("what is to be imported? --from, or BARONG_IMPORT_FROM, names Barong's database, and FILE a list of documents")
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		if _, err := repository.Migrate(ctx, a.Pool, warnLogger(p)); err != nil {
			return err
		}
		rows, err := c.open(ctx, a.Settings)
		if err != nil {
			return err
		}
		defer rows.close()
		o, err := c.options(ctx, a)
		if err != nil {
			return err
		}
		defer func() { _ = o.Files.Close() }()
		o.Rows, o.Source = rows.each, cmp.Or(c.Source, rows.source)
		return c.run(ctx, p, o, rows.size)
	})
}

func (c documentsImportCommand) options(ctx context.Context, a *app.App) (o documentimport.Options, err error) {
	o = documentimport.Options{
		Repo: a.Repo, Record: recordsOf("documents import"), Clock: time.Now, Workers: c.Workers, DryRun: c.DryRun, Refused: c.Refused,
	}
	if o.Refused == "" && !c.DryRun {
		o.Refused = "documents-refused-" + time.Now().UTC().Format("20060102T150405Z") + ".ndjson"
	}
	if o.Policy, err = a.Settings.Policy(); err != nil {
		return o, err
	}
	if !c.DryRun {
		if o.Store, err = a.OpenStorage(ctx); err != nil {
			return o, err
		}
	}
	o.Files, err = documents.OpenFiles(ctx, "--files", c.Files)
	return o, err
}

// documentRows are the rows of an import.
type documentRows struct {
	each   iter.Seq2[documentimport.Row, error]
	source string // the name of the system
	size   int64  // the last position of a row; 0 if unknown
	close  func()
}

func (c documentsImportCommand) open(ctx context.Context, settings config.Config) (documentRows, error) {
	if c.From != "" {
		return openBarongsDocuments(ctx, settings, c.From)
	}
	if format, ok := bulk.FormatOf(c.File); c.File != standardStream && (!ok || format != bulk.NDJSON) {
		return documentRows{}, usagef("%s: a list of documents is NDJSON, with a name that ends in .ndjson or .jsonl", filepath.Base(c.File))
	}
	input, err := openInput(c.File)
	if err != nil {
		return documentRows{}, err
	}
	return documentRows{each: documentimport.NDJSON(input.reader), source: "ndjson", size: input.size, close: input.close}, nil
}

func (c documentsImportCommand) run(ctx context.Context, p *program, o documentimport.Options, size int64) error {
	progress := &documentsProgress{bar: newBar(p.stderr), size: size}
	o.Report = progress.report
	done, err := documentimport.Import(ctx, o)
	progress.clear()
	c.summarize(p, o, done, progress.elapsed())
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted; the same command goes on")
	case err != nil && !c.DryRun:
		return fmt.Errorf("%w; the same command goes on", err)
	case err != nil:
		return err
	case done.Refused > 0:
		return errRefused
	}
	return nil
}

func (c documentsImportCommand) summarize(p *program, o documentimport.Options, done documentimport.Progress, took time.Duration) {
	would := ""
	if c.DryRun {
		would = "would be "
	}
	fmt.Fprintf(p.stdout, "%d %simported, %d %supdated, %d unchanged, %d refused", done.Imported, would, done.Updated, would, done.Unchanged, done.Refused)
	if done.Refused > 0 && o.Refused != "" {
		fmt.Fprintf(p.stdout, ", which are in %s", o.Refused)
	}
	fmt.Fprintln(p.stdout)
	for _, column := range done.DroppedColumns() {
		fmt.Fprintf(p.stdout, "%d documents have a %s, which has no place here\n", done.Dropped[column], column)
	}
	if copied := done.Imported + done.Updated; copied > 0 && !c.DryRun {
		fmt.Fprintf(p.stdout, "%d MiB in %s: %.0f documents a second\n", done.Bytes>>20, took.Round(time.Second/10), float64(copied)/took.Seconds())
	}
}

// documentsProgress reports the progress of an import of documents, and the first few rejected rows.
type documentsProgress struct {
	bar
	size       int64
	rejections int
}

func (d *documentsProgress) report(done documentimport.Progress, refused []documentimport.Rejected) {
	for _, each := range refused {
		if d.rejections++; d.rejections > shownRejections {
			break
		}
		d.clear()
		place := fmt.Sprintf("line %d", each.Line)
		if each.Line == 0 {
			place = "document " + each.ID
		}
		fmt.Fprintf(d.to, "%s: %s\n", place, strings.Join(each.Sentences, ", "))
		if d.rejections == shownRejections {
			fmt.Fprintln(d.to, "further rows that are refused are not shown")
		}
	}
	if d.due() {
		rate := float64(done.Rows()) / d.elapsed().Seconds()
		d.draw(fmt.Sprintf("%d documents, %d refused, %.0f/s", done.Rows(), done.Refused, rate), 0, done.Position, d.size)
	}
}
