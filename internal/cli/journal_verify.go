package cli

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"barong/internal/app"
	"barong/internal/checkpoints"
	"barong/internal/journal"
	"barong/repository"
)

type journalVerifyCommand struct {
	Checkpoints string   `placeholder:"DIR|URL" help:"Compare with the checkpoints of this folder or store too; by default with those of BARONG_JOURNAL_CHECKPOINTS."`
	Signatures  bool     `help:"Verify the signatures of the rows too."`
	From        int64    `default:"1" placeholder:"N" help:"Do not read rows before this number: their hashes come from the tree."`
	PublicKey   []string `placeholder:"KEY" help:"A key that verifies checkpoints, as checkpoint --key prints it; by default that of the settings or of the server."`
}

func (journalVerifyCommand) Help() string {
	return `The journal is read from its first row to its last, the Merkle tree is built anew and compared with the stored one and with every
checkpoint, in the database and outside of it. The first row or tile that is not as it was sealed is named, and the exit status is 3.
Only checkpoints that were kept outside of the database show a journal that was rewritten as a whole. Servers may go on working
meanwhile. Settings are those of the server.

Example:
  barong journal verify
  barong journal verify --signatures --checkpoints /mnt/worm/checkpoints`
}

func (c journalVerifyCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		external, err := c.external(ctx, a)
		if err != nil {
			return err
		}
		keys, err := c.keys(a)
		if err != nil {
			return err
		}
		var found journal.Findings
		err = a.Repo.InSnapshot(ctx, func(repo *repository.Repository) error {
			found, err = c.verify(ctx, repo, external, keys)
			return err
		})
		var broken *journal.Broken
		if errors.As(err, &broken) {
			fmt.Fprintf(p.stdout, "BROKEN %s\n", broken)
			return errRefused
		}
		if err != nil {
			return err
		}
		c.print(p, found, len(keys) > 0)
		return nil
	})
}

// external opens the store with checkpoints outside of the database; nil where none is named.
func (c journalVerifyCommand) external(ctx context.Context, a *app.App) (*checkpoints.Store, error) {
	if c.Checkpoints != "" {
		return checkpoints.Open(ctx, "--checkpoints", c.Checkpoints)
	}
	return a.OpenCheckpoints(ctx)
}

func (c journalVerifyCommand) keys(a *app.App) (keys []note.Verifier, err error) {
	texts := c.PublicKey
	if len(texts) == 0 {
		public, err := a.JournalPublicKey()
		if errors.Is(err, app.ErrNoKey) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		texts = []string{public}
	}
	for _, text := range texts {
		key, err := note.NewVerifier(text)
		if err != nil {
			return nil, fmt.Errorf("--public-key: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (c journalVerifyCommand) verify(ctx context.Context, repo *repository.Repository, external *checkpoints.Store, keys []note.Verifier) (journal.Findings, error) {
	head, err := repo.JournalHead(ctx)
	if err != nil {
		return journal.Findings{}, err
	}
	what := journal.Verification{Size: head.Size, Pruned: head.Pruned, Epoch: head.Epoch, From: c.From, TileCounts: map[int]int64{}}
	counts, err := repo.JournalTileCounts(ctx)
	if err != nil {
		return journal.Findings{}, err
	}
	for _, level := range counts {
		what.TileCounts[level.Level] = level.Count
	}
	if what.Checkpoints, err = knownCheckpoints(ctx, repo, external, keys); err != nil {
		return journal.Findings{}, err
	}
	var failed error
	if c.Signatures {
		what.Keys = signerKeysOf(ctx, repo, &failed)
	}
	found, err := journal.Verify(ctx, repo, what)
	if failed != nil {
		return found, failed
	}
	if err == nil && c.From <= 1 && head.Pruned > found.Declared {
		err = undeclared(ctx, repo, head.Pruned)
	}
	return found, err
}

// undeclared is the verdict on rows that are gone although no sealed row says so: a pruning is recorded, and
// its row may still wait to be sealed.
func undeclared(ctx context.Context, repo *repository.Repository, pruned int64) error {
	waiting, _, err := repo.Unsealed(ctx)
	if err != nil || waiting > 0 {
		return err
	}
	return &journal.Broken{What: fmt.Sprintf("rows up to %d are marked as pruned, and no row says that they were", pruned)}
}

// otherKey says what it may mean that a checkpoint is signed by none of the keys.
func otherKey(keys []note.Verifier) string {
	if len(keys) > 1 {
		return "it is signed by none of the keys of --public-key: the signer is unknown, or it is forged"
	}
	return "it is signed by another key than the one that is known here. Servers without BARONG_JOURNAL_SIGNING_KEY make a key each: " +
		"set it to one key on all of them, and give verify the keys of earlier checkpoints by --public-key " +
		"(barong journal checkpoint --key prints that of a server). A checkpoint by a key that is no server's is forged"
}

// checkpointsPage is the number of checkpoints of one query.
const checkpointsPage = 5000

// knownCheckpoints reads all checkpoints of the database and of the store outside of it (nil: none).
func knownCheckpoints(ctx context.Context, repo *repository.Repository, external *checkpoints.Store, keys []note.Verifier) (known []journal.KnownCheckpoint, err error) {
	add := func(name, signed string) error {
		checkpoint, err := journal.OpenCheckpoint(signed, keys...)
		var unverified *note.UnverifiedNoteError
		if len(keys) > 0 && errors.As(err, &unverified) {
			return &journal.Broken{What: fmt.Sprintf("checkpoint %s: %s", name, otherKey(keys))}
		}
		if err != nil && !errors.As(err, &unverified) {
			return &journal.Broken{What: fmt.Sprintf("checkpoint %s: %s", name, err)}
		}
		known = append(known, journal.KnownCheckpoint{Size: checkpoint.Size, Root: checkpoint.Root, Epoch: checkpoint.Epoch})
		return nil
	}
	epoch, size := 0, int64(0)
	for {
		page, err := repo.CheckpointsAfter(ctx, epoch, size, checkpointsPage)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		for _, stored := range page {
			if err := add(fmt.Sprintf("of %d rows in the database", stored.Size), stored.Note); err != nil {
				return nil, err
			}
			epoch, size = stored.Epoch, stored.Size
		}
	}
	if external == nil {
		return known, nil
	}
	for object, err := range external.All(ctx) {
		if err == nil {
			err = add(object[0], object[1])
		}
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

func (c journalVerifyCommand) print(p *program, found journal.Findings, keys bool) {
	fmt.Fprintf(p.stdout, "%d rows are as they were sealed; root %s\n", found.Rows, found.Root)
	if found.Absent > 0 {
		fmt.Fprintf(p.stdout, "rows up to %d are pruned: their hashes are in the tree\n", found.Absent)
	}
	fmt.Fprintf(p.stdout, "%d checkpoints agree", found.Checkpoints)
	if !keys {
		fmt.Fprint(p.stdout, "; their signatures were not verified, because no key is known")
	}
	fmt.Fprintln(p.stdout)
	if found.Lost > 0 {
		fmt.Fprintf(p.stdout, "%d checkpoints are of rows that were lost before a fork\n", found.Lost)
	}
	if found.Unchecked > 0 {
		fmt.Fprintf(p.stdout, "%d checkpoints of earlier epochs were not compared: the rows of their forks were not read\n", found.Unchecked)
	}
	if c.Signatures {
		for _, grade := range []journal.Grade{journal.Proved, journal.Signed, journal.Attested} {
			fmt.Fprintf(p.stdout, "%d rows are %s\n", found.Grades[grade], grade)
		}
	}
}
