package cli

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"barong/internal/app"
	"barong/internal/bulk"
	"barong/internal/identity"
	"barong/internal/otp"
	"barong/repository"
)

type importCommand struct {
	File      string `arg:"" name:"file" help:"NDJSON or CSV, also with .gz; - is standard input."`
	Format    string `enum:",ndjson,csv" default:"" placeholder:"ndjson|csv" help:"The format, where the name does not tell it."`
	Delimiter string `placeholder:"CHARACTER" help:"What separates the columns of CSV: one character, or tab. Without it a comma, a semicolon or a tab is found."`
	Encoding  string `enum:",utf-8,utf-16,utf-16be,latin-1" default:"" placeholder:"utf-8|utf-16|utf-16be|latin-1" help:"How texts are written. Without it UTF-8, or UTF-16 with a byte order mark."`
	DryRun    bool   `help:"Apply every rule and store nothing."`
	Refused   string `placeholder:"FILE" help:"Where refused rows go; by default FILE.refused.ndjson or .csv, which must not be there yet. A dry run writes them only where this says so."`
	Resume    string `placeholder:"NAME" help:"The name under which the run is remembered. By default that is the content of the file; standard input is remembered under a name only."`
	Restart   bool   `help:"Forget how far an earlier run of the same file came, and write over its file of refused rows."`
	Batch     int    `default:"2000" help:"Rows in a transaction."`
}

func (importCommand) Help() string {
	return `Every row is held to the rules of /users/import; docs/bulk-import.md has the members of a row. Refused rows go to a file
of the same format, with their reasons: mend them there and import that file. A run that ended early goes on where it was
when the same command is given again. The exit status is 0 when all rows were imported, 3 when some were refused.

Example:
  barong import users.ndjson --dry-run
  barong import users.csv
  zcat dump.gz | barong import - --format ndjson --resume dump`
}

func (c importCommand) Run(p *program) error {
	if c.Batch < 1 || c.Batch > 100_000 {
		return usagef("--batch must be 1 to 100000, and is %d", c.Batch)
	}
	var delimiter rune
	if c.Delimiter != "" {
		var err error
		if delimiter, err = bulk.ParseDelimiter(c.Delimiter); err != nil {
			return usagef("--delimiter: %s", err)
		}
	}
	format, err := formatOf(c.File, c.Format)
	if err != nil {
		return err
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		if _, err := repository.Migrate(ctx, a.Pool, warnLogger(p)); err != nil {
			return err
		}
		if _, err := a.Repo.FillEmailKeys(ctx); err != nil {
			return err
		}
		input, err := openInput(c.File)
		if err != nil {
			return err
		}
		defer input.close()
		if err := input.decode(bulk.Encoding(c.Encoding)); err != nil {
			return err
		}
		o, err := c.options(ctx, a, format, delimiter, input)
		if err != nil {
			return err
		}
		return c.run(ctx, p, a, o, input)
	})
}

// options combines the settings and the command line.
func (c importCommand) options(ctx context.Context, a *app.App, format bulk.Format, delimiter rune, input *input) (o bulk.Options, err error) {
	policy, err := a.Settings.Policy()
	if err != nil {
		return o, err
	}
	uidPrefix, err := identity.ParseUIDPrefix(a.Settings.UIDPrefix)
	if err != nil {
		return o, fmt.Errorf("BARONG_UID_PREFIX: %w", err)
	}
	o = bulk.Options{
		Repo: a.Repo, Policy: policy, UIDPrefix: uidPrefix, Clock: time.Now, Batch: c.Batch, Source: bulk.File{Input: input.reader, Format: format, Delimiter: delimiter},
		DryRun: c.DryRun, Refused: c.refusedPath(format), Overwrite: c.Restart || c.DryRun,
	}
	var isNew bool
	if o.Run, isNew, err = c.openRun(ctx, a.Repo, input); err != nil {
		return o, err
	}
	o.Overwrite = o.Overwrite || !isNew // a run that is resumed may have left the file of rejected rows
	backend, err := a.OpenOTP(ctx)
	if missing := err; errors.Is(missing, app.ErrNoKey) { // only rows with a secret need the key
		o.Seal = func(context.Context, string, otp.Secret) ([]byte, error) { return nil, missing }
		return o, nil
	}
	if err != nil {
		return o, err
	}
	if local, ok := backend.(*otp.Local); ok {
		o.Seal = local.Seal
	}
	return o, nil
}

// openRun returns the state of an earlier run of the same import. A dry run, and a run without
// a name, start from the beginning.
func (c importCommand) openRun(ctx context.Context, repo *repository.Repository, input *input) (run repository.ImportRun, isNew bool, err error) {
	name := c.Resume
	if name == "" {
		if name, err = input.identity(); err != nil {
			return run, false, err
		}
	}
	if c.DryRun || name == "" {
		return run, true, nil
	}
	if c.Restart {
		if err := repo.ForgetImportRun(ctx, name); err != nil {
			return run, false, err
		}
	}
	return repo.OpenImportRun(ctx, name, time.Now().UTC())
}

func (c importCommand) run(ctx context.Context, p *program, a *app.App, o bulk.Options, input *input) error {
	if done := o.Run.FinishedAt; done != nil {
		fmt.Fprintf(p.stdout, "this input was imported on %s: %d imported, %d refused; --restart imports it again\n",
			done.Format(time.RFC3339), o.Run.Imported, o.Run.Refused)
		return c.outcome(o.Run)
	}
	if o.Run.Position > 0 {
		fmt.Fprintf(p.stderr, "going on behind line %d: %d imported, %d refused so far\n", o.Run.Line, o.Run.Imported, o.Run.Refused)
	}
	progress := newProgress(p.stderr, o.Run, input.size)
	o.Report = progress.report
	run, err := bulk.Import(ctx, o)
	progress.end()
	if !c.DryRun && ctx.Err() == nil {
		a.WarnOverlooked(ctx, o.Policy)
	}
	verb := "imported"
	if c.DryRun {
		verb = "would be imported"
	}
	fmt.Fprintf(p.stdout, "%d %s, %d refused", run.Imported, verb, run.Refused)
	if run.Refused > 0 && o.Refused != "" {
		fmt.Fprintf(p.stdout, ", which are in %s", o.Refused)
	}
	fmt.Fprintln(p.stdout)
	switch {
	case err == nil:
		return c.outcome(run)
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	}
	if run.Name == "" {
		return err
	}
	return fmt.Errorf("%w; the same command goes on behind line %d", err, run.Line)
}

func (importCommand) outcome(run repository.ImportRun) error {
	if run.Refused > 0 {
		return errRefused
	}
	return nil
}

func (c importCommand) refusedPath(format bulk.Format) string {
	switch {
	case c.Refused != "" || c.DryRun:
		return c.Refused
	case c.File == standardStream:
		return "import.refused." + string(format)
	default:
		return c.File + ".refused." + string(format)
	}
}

// standardStream is the file name that means standard input or output.
const standardStream = "-"

func formatOf(file, chosen string) (bulk.Format, error) {
	if chosen != "" {
		return bulk.Format(chosen), nil
	}
	format, ok := bulk.FormatOf(file)
	if !ok {
		return "", usagef("the name %q does not tell the format, which --format ndjson or --format csv does", file)
	}
	return format, nil
}

// input is a file, or a stream that can be read once.
type input struct {
	reader io.Reader // seekable for a plain file
	file   *os.File  // nil for standard input
	size   int64     // bytes that reader returns; 0 if unknown
}

func openInput(name string) (*input, error) {
	if name == standardStream {
		return &input{reader: struct{ io.Reader }{os.Stdin}}, nil // hides Seek, which a pipe does not support
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if strings.HasSuffix(name, ".gz") {
		unpacked, err := gzip.NewReader(file)
		return &input{reader: unpacked, file: file}, err
	}
	return &input{reader: file, file: file, size: info.Size()}, nil
}

// decode converts the input to UTF-8. The size of converted input is unknown.
func (i *input) decode(encoding bulk.Encoding) error {
	decoded, converted, err := bulk.Decode(i.reader, encoding)
	if err != nil {
		return err
	}
	i.reader = decoded
	if converted {
		i.size = 0
	}
	return nil
}

// identity returns a hash of the content, or "" for a stream.
func (i *input) identity() (string, error) {
	if i.file == nil {
		return "", nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(i.file, 0, 1<<62)); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
}

func (i *input) close() {
	if i.file != nil {
		_ = i.file.Close()
	}
}
