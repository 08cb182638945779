package cli

import (
	"context"
	"fmt"
	"io"
	"iter"

	"barong/internal/accountimport"
	"barong/internal/app"
	"barong/internal/barongdb"
	"barong/internal/keys"
)

type apiKeysExportCommand struct {
	File string `arg:"" optional:"" default:"-" name:"file" help:"Where to write to; it must not be there yet. - is standard output."`
}

func (apiKeysExportCommand) Help() string {
	return `Writes all service accounts and API keys as they are at one moment, a JSON object in each line, for barong api-keys import.
Secrets stay encrypted: reading them takes the key of BARONG_API_KEYS_KEY. Users are not written: barong export does that.

Example:
  barong api-keys export keys.ndjson`
}

func (c apiKeysExportCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		var accounts, written int64
		_, err := exportCommand{File: c.File}.write(p.stdout, func(to io.Writer) (int64, error) {
			var err error
			accounts, written, err = accountimport.Export(ctx, a.Repo, to)
			return accounts, err
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "%d service accounts and %d API keys exported\n", accounts, written)
		return nil
	})
}

type apiKeysImportCommand struct {
	File   string `arg:"" name:"file" help:"What barong api-keys export wrote, also with .gz; - is standard input."`
	DryRun bool   `help:"Apply every rule to each row and store nothing."`
}

func (apiKeysImportCommand) Help() string {
	return `Imports service accounts and API keys. Their owners and holders must be there: import users first. BARONG_API_KEYS_KEY must
be that of the server that wrote the file. What is there already, by uid or kid, stays as it is, so that a run that broke off
can be repeated. An active key of a holder who is not active becomes inactive. The exit status is 3 when rows were refused.

Example:
  barong api-keys import keys.ndjson --dry-run`
}

func (c apiKeysImportCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		if err := prepare(ctx, p, a); err != nil {
			return err
		}
		input, err := openInput(c.File)
		if err != nil {
			return err
		}
		defer input.close()
		return importAccounts(ctx, p, a, "api-keys import", accountimport.File(input.reader), c.DryRun)
	})
}

// importBarongAccounts imports the service accounts and the API keys of Barong's database, where it
// has any.
func importBarongAccounts(ctx context.Context, p *program, a *app.App, db *barongdb.DB, dryRun bool) error {
	if !db.HasServiceAccounts() {
		return nil
	}
	return importAccounts(ctx, p, a, "users import", accountimport.Database(ctx, db), dryRun)
}

// importAccounts imports service accounts and API keys in an operation, and prints what became of them.
func importAccounts(ctx context.Context, p *program, a *app.App, operation string, rows iter.Seq2[accountimport.Row, error], dryRun bool) error {
	result, err := accountimport.Import(ctx, accountimport.Options{
		Repo: a.Repo, Record: recordsOf(operation), Rows: rows, DryRun: dryRun,
		Sealer:  func() (*keys.Sealer, error) { return a.OpenAPIKeys(ctx) },
		Refused: func(name, reason string) { fmt.Fprintf(p.stderr, "%s: %s\n", printable(name), reason) },
	})
	if err != nil {
		return err
	}
	verb := ""
	if dryRun {
		verb = "would be "
	}
	fmt.Fprintf(p.stdout, "%d service accounts and %d API keys %simported, %d already there, %d refused\n", result.Accounts, result.Keys, verb, result.Known, result.Refused)
	if result.Refused > 0 {
		return errRefused
	}
	return nil
}
