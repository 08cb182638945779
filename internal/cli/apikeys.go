package cli

import (
	"context"
	"fmt"
	"time"

	"barong/internal/app"
	"barong/internal/journal"
	"barong/internal/keys"
	"barong/repository"
)

type apiKeysCommand struct {
	Export apiKeysExportCommand `cmd:"" help:"Write service accounts and API keys to a file, secrets encrypted."`
	Import apiKeysImportCommand `cmd:"" help:"Import service accounts and API keys from a file."`
	Reseal apiKeysResealCommand `cmd:"" help:"Encrypt the secrets of API keys with another key."`
	Settle apiKeysSettleCommand `cmd:"" help:"Deactivate the keys of holders who are not active, after servers of an older version."`
}

type apiKeysSettleCommand struct{}

func (apiKeysSettleCommand) Help() string {
	return `A server deactivates API keys together with their holder. Servers of a version without API keys do not: run this once
the last of them is gone. Servers may go on writing meanwhile.

Example:
  barong api-keys settle`
}

func (apiKeysSettleCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		settled, err := a.Repo.SettleKeys(ctx, time.Now().UTC().Truncate(time.Second), recordsOf("api-keys settle"))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "%d active keys of holders who are not active: inactive now\n", settled)
		return err
	})
}

type apiKeysResealCommand struct{}

func (apiKeysResealCommand) Help() string {
	return `Decrypts the secret of each API key with BARONG_API_KEYS_OLD_KEY and encrypts it with BARONG_API_KEYS_KEY. Secrets that the
new key opens already stay as they are, so a run that broke off can be repeated. Restart all servers with the new key first:
they encrypt the secrets of new keys with it. Without BARONG_API_KEYS_OLD_KEY every secret is encrypted anew with the same
key, which brings it to the newest version of a key that Vault or a cloud rotates.

Example:
  BARONG_API_KEYS_OLD_KEY_FILE=old.key BARONG_API_KEYS_KEY_FILE=new.key barong api-keys reseal`
}

func (apiKeysResealCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		r := resealing{repo: a.Repo}
		var err error
		if r.sealer, err = a.OpenAPIKeys(ctx); err != nil {
			return err
		}
		if a.Settings.APIKeysOldKey != "" {
			if r.old, err = a.OpenOldAPIKeys(ctx); err != nil {
				return err
			}
		}
		err = a.Repo.SealedKeys(ctx, func(page []repository.SealedKey) error {
			for _, key := range page {
				if err := r.reseal(ctx, key); err != nil {
					r.failed++
					fmt.Fprintf(p.stderr, "%s: %s\n", key.KID, err)
				}
				if ctx.Err() != nil {
					return ctx.Err()
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(p.stdout, "%d secrets encrypted anew, %d were already\n", r.done, r.skipped); err != nil {
			return err
		}
		if r.failed > 0 {
			return fmt.Errorf("%d secrets could not be encrypted anew", r.failed)
		}
		return nil
	})
}

// resealing encrypts secrets with sealer.
type resealing struct {
	repo   *repository.Repository
	sealer *keys.Sealer
	old    *keys.Sealer // nil: the secrets are encrypted by sealer already

	done, skipped, failed int
}

func (r *resealing) reseal(ctx context.Context, key repository.SealedKey) error {
	from := r.sealer
	if r.old != nil {
		if _, err := r.sealer.Unseal(ctx, key.KID, key.Sealed); err == nil {
			r.skipped++
			return nil
		}
		from = r.old
	}
	secret, err := from.Unseal(ctx, key.KID, key.Sealed)
	if err != nil {
		return err
	}
	sealed, err := r.sealer.Seal(ctx, key.KID, secret)
	if err != nil {
		return err
	}
	replaced, err := r.repo.Recorded(journal.NewCommand("api-keys reseal")).ReplaceSealed(ctx, key, sealed)
	if err != nil {
		return err
	}
	if replaced {
		r.done++
	} else {
		r.skipped++
	}
	return nil
}
