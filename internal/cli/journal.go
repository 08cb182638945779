package cli

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"

	"barong/clients/go/signing"
	"barong/internal/identity"
	"barong/internal/journal"
	"barong/repository"
)

type journalCommand struct {
	Show       journalShowCommand       `cmd:"" help:"Show the writes of a user, or one row of the journal."`
	Verify     journalVerifyCommand     `cmd:"" help:"Find out whether the journal is as it was sealed."`
	Checkpoint journalCheckpointCommand `cmd:"" help:"Print the newest signed checkpoint, or export all."`
	Keygen     journalKeygenCommand     `cmd:"" help:"Make a key that signs checkpoints."`
	Prove      journalProveCommand      `cmd:"" help:"Print a proof that a row is in the journal."`
	Prune      journalPruneCommand      `cmd:"" help:"Remove the rows of old months."`
	Erase      journalEraseCommand      `cmd:"" help:"Remove what could confirm a guess about the writes of a user."`
	Fork       journalForkCommand       `cmd:"" help:"Go on with a journal that has lost rows."`
}

// signerKeysOf returns the function that finds the public keys of signatures. A stored key that has not
// its thumbprint is unknown. failed gets the first error of the database.
func signerKeysOf(ctx context.Context, repo *repository.Repository, failed *error) journal.PublicKeyOf {
	known := map[string]crypto.PublicKey{}
	return func(thumbprint string) (crypto.PublicKey, bool) {
		if key, ok := known[thumbprint]; ok {
			return key, key != nil
		}
		known[thumbprint] = nil
		stored, err := repo.SignerKey(ctx, thumbprint)
		if err != nil {
			if !errors.Is(err, identity.ErrRecordNotFound) && *failed == nil {
				*failed = err
			}
			return nil, false
		}
		key, err := x509.ParsePKIXPublicKey(stored.PublicKey)
		if err != nil {
			return nil, false
		}
		if signing.Thumbprint(key) != thumbprint {
			return nil, false
		}
		known[thumbprint] = key
		return key, true
	}
}
