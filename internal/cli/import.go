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
	File      string `arg:"" optional:"" name:"file" help:"NDJSON or CSV, also with .gz; - is standard input."`
	From      string `placeholder:"URL" env:"BARONG_IMPORT_FROM" help:"A database of Barong 2.0 to 2.6, in place of a file: mysql://USER:PASSWORD@HOST:3306/NAME, or postgres://…. In the variable, which a FILE takes the place of, the password is not in the list of processes."`
	To        string `placeholder:"FILE" help:"Write the users of --from to this file, as barong import reads them, and import nothing. - is standard output."`
	Format    string `enum:",ndjson,csv" default:"" placeholder:"ndjson|csv" help:"The format, where the name does not tell it."`
	Delimiter string `placeholder:"CHARACTER" help:"What separates the columns of CSV: one character, or tab. Without it a comma, a semicolon or a tab is found."`
	Encoding  string `enum:",utf-8,utf-16,utf-16be,latin-1" default:"" placeholder:"utf-8|utf-16|utf-16be|latin-1" help:"How texts are written. Without it UTF-8, or UTF-16 with a byte order mark."`
	DryRun    bool   `help:"Apply every rule and store nothing."`
	Refused   string `placeholder:"FILE" help:"Where refused rows go; by default FILE.refused.ndjson or .csv, which must not be there yet. A dry run writes them only where this says so."`
	Resume    string `placeholder:"NAME" help:"The name under which the run is remembered. By default that is the content of the file; standard input is remembered under a name only."`
	Restart   bool   `help:"Forget how far an earlier run of the same file came, and write over its file of refused rows."`
	Batch     int    `default:"2000" help:"Rows in a transaction."`

	Lenient    bool          `help:"Leave out details that break a rule, such as a number or a label, and import their users. The summary and the report say what was left out."`
	HoldStates *bool         `negatable:"" help:"Give users whose state is one of state_triggers, and whose labels do not give it, a private label that does: the next change of a label would lift a ban otherwise. On with --from."`
	Follow     time.Duration `placeholder:"INTERVAL" help:"With --from: after the end, bring what has changed there since, again and again, with this pause between two runs (30s), until a signal."`
	Overwrite  bool          `help:"With --from: users who changed here since an earlier run get the values of Barong again."`
	Report     string        `placeholder:"FILE" help:"Where findings go, a JSON object in each line: users whose state or level differs, what was left out, conflicts. It must not be there yet."`
}

func (importCommand) Help() string {
	return `Every row is held to the rules of /users/import; docs/bulk-import.md has the members of a row. Refused rows go to a file
of the same format, with their reasons: mend them there and import that file. A run that ended early goes on where it was
when the same command is given again. The exit status is 0 when all rows were imported, 3 when some were refused.

With --from, users come from the database of a Barong installation. The same command again brings what changed there since; it
does not touch users who changed here, without --overwrite. The exit status is 3 for such users, too. With --follow it is that
of the last run.

Example:
  barong import --from mysql://barong:PASSWORD@db.example.org/barong_production --dry-run --report findings.ndjson
  barong import --from mysql://barong:PASSWORD@db.example.org/barong_production --follow 30s
  barong import users.ndjson --dry-run
  barong import users.csv
  zcat dump.gz | barong import - --format ndjson --resume dump`
}

func (c importCommand) Run(p *program) error {
	if c.Batch < 1 || c.Batch > 100_000 {
		return usagef("--batch must be 1 to 100000, and is %d", c.Batch)
	}
	var err error
	if c.From, err = importFrom(c.File, c.From); err != nil {
		return err
	}
	switch {
	case c.From != "" && (c.Format != "" || c.Delimiter != "" || c.Encoding != ""):
		return usagef("--format, --delimiter and --encoding are of files")
	case c.From == "" && c.File == "":
		return usagef("name a file, or a database with --from")
	case c.From == "" && (c.To != "" || c.Overwrite):
		return usagef("--to and --overwrite need --from")
	}
	if err := c.checkFollow(); err != nil {
		return err
	}
	switch {
	case c.To != "":
		return c.writeDatabase(p)
	case c.From != "":
		return c.importDatabase(p)
	}
	return c.importFile(p)
}

// prepare brings the database up to date.
func prepare(ctx context.Context, p *program, a *app.App) error {
	if _, err := repository.Migrate(ctx, a.Pool, warnLogger(p)); err != nil {
		return err
	}
	_, err := a.Repo.FillEmailKeys(ctx)
	return err
}

func (c importCommand) importFile(p *program) error {
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
		if err := prepare(ctx, p, a); err != nil {
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
		source := bulk.File{Input: input.reader, Format: format, Delimiter: delimiter}
		o, err := c.options(ctx, a, source, c.refusedOf(format))
		if err != nil {
			return err
		}
		var isNew bool
		if o.Run, isNew, err = c.openRun(ctx, a.Repo, input); err != nil {
			return err
		}
		o.Overwrite = o.Overwrite || !isNew // a run that is resumed may have left the file of rejected rows
		_, err = c.run(ctx, p, o, newProgress(p.stderr, input.size, func(run repository.ImportRun) int64 { return run.Position }))
		c.warn(ctx, a)
		return err
	})
}

// options combines the settings and the command line. refused is where rejected rows go by default.
func (c importCommand) options(ctx context.Context, a *app.App, source bulk.Source, refused string) (o bulk.Options, err error) {
	policy, err := a.Settings.Policy()
	if err != nil {
		return o, err
	}
	uidPrefix, err := identity.ParseUIDPrefix(a.Settings.UIDPrefix)
	if err != nil {
		return o, fmt.Errorf("BARONG_UID_PREFIX: %w", err)
	}
	o = bulk.Options{
		Repo: a.Repo, Record: recordsOf("users import"), Policy: policy, UIDPrefix: uidPrefix, Clock: time.Now, Batch: c.Batch, Source: source,
		DryRun: c.DryRun, Refused: c.refusedPath(refused), Overwrite: c.Restart || c.DryRun,
		Lenient: c.Lenient, HoldStates: c.From != "", OverwriteChanged: c.Overwrite, ReportFile: c.Report,
	}
	if c.HoldStates != nil {
		o.HoldStates = *c.HoldStates
	}
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

// warn warns of labels that the policy overlooks.
func (c importCommand) warn(ctx context.Context, a *app.App) {
	if policy, err := a.Settings.Policy(); err == nil && !c.DryRun && ctx.Err() == nil {
		a.WarnOverlooked(ctx, policy)
	}
}

func (c importCommand) run(ctx context.Context, p *program, o bulk.Options, progress *progress) (repository.ImportRun, error) {
	if done := o.Run.FinishedAt; done != nil {
		fmt.Fprintf(p.stdout, "this input was imported on %s: %d imported, %d refused; --restart imports it again\n",
			done.Format(time.RFC3339), o.Run.Imported, o.Run.Refused)
		return o.Run, c.outcome(o.Run)
	}
	if o.Run.Position > 0 {
		fmt.Fprintf(p.stderr, "going on behind %s %d: %d imported, %d refused so far\n", c.lineWord(), o.Run.Line, o.Run.Imported, o.Run.Refused)
	}
	progress.start(o.Run, c.lineWord())
	o.Report = progress.report
	run, err := bulk.Import(ctx, o)
	progress.end()
	err = errors.Join(err, c.printSummary(p.stdout, run, o.Refused))
	switch {
	case err == nil:
		return run, c.outcome(run)
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	}
	if run.Name == "" {
		return run, err
	}
	return run, fmt.Errorf("%w; the same command goes on behind %s %d", err, c.lineWord(), run.Line)
}

func (importCommand) outcome(run repository.ImportRun) error {
	summary, err := bulk.SummaryOf(run)
	if err == nil && run.Refused+summary.Users(bulk.FoundConflict) > 0 {
		err = errRefused
	}
	return err
}

// lineWord is what the lines of the source count.
func (c importCommand) lineWord() string {
	if c.From != "" {
		return "users.id"
	}
	return "line"
}

func (c importCommand) refusedPath(byDefault string) string {
	if c.Refused != "" || c.DryRun {
		return c.Refused
	}
	return byDefault
}

func (c importCommand) refusedOf(format bulk.Format) string {
	if c.File == standardStream {
		return "import.refused." + string(format)
	}
	return c.File + ".refused." + string(format)
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
