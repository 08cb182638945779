package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"barong/internal/checkpoints"
	"barong/internal/config"
	"barong/internal/journal"
	"barong/repository"
)

// OpenCheckpoints opens the store of BARONG_JOURNAL_CHECKPOINTS; nil if the setting is empty. Close closes
// it.
func (a *App) OpenCheckpoints(ctx context.Context) (*checkpoints.Store, error) {
	if a.Settings.JournalCheckpoints == "" {
		return nil, nil //nolint:nilnil // no store is no error
	}
	store, err := checkpoints.Open(ctx, "BARONG_JOURNAL_CHECKPOINTS", a.Settings.JournalCheckpoints)
	if err == nil {
		a.onClose(func() { _ = store.Close() })
	}
	return store, err
}

// NewestCheckpoint returns the newest checkpoint that this machine, the store (nil: none) or the database
// knows; the zero value without any. Their signatures are not verified: a forged one stops the sealing,
// which an operator sees, and never hides a fork.
func NewestCheckpoint(ctx context.Context, c config.Config, repo *repository.Repository, store *checkpoints.Store) (newest journal.Checkpoint, signed string, err error) {
	var known []string
	file, err := os.ReadFile(seenCheckpointFile(c))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return newest, "", err
	}
	known = append(known, string(file))
	stored, err := repo.NewestCheckpoint(ctx)
	if err != nil {
		return newest, "", err
	}
	if stored != nil {
		known = append(known, stored.Note)
	}
	if store != nil {
		exported, err := store.Newest(ctx)
		if err != nil {
			return newest, "", fmt.Errorf("BARONG_JOURNAL_CHECKPOINTS: %w", err)
		}
		known = append(known, exported)
	}
	for _, text := range known {
		if text == "" {
			continue
		}
		checkpoint, err := openUnverified(text)
		if err != nil {
			return newest, "", err
		}
		if signed == "" || checkpoint.After(newest) {
			newest, signed = checkpoint, text
		}
	}
	return newest, signed, nil
}

// checkpoint signs the tree if it has grown since the last checkpoint of any server and that is old
// enough, and sends the checkpoint out. A tree that does not continue that of the newest known checkpoint
// is repository.ErrForked.
func (s *sealer) checkpoint(ctx context.Context, every time.Duration) error {
	head, err := s.repo.JournalHead(ctx)
	if err != nil || head.Size == 0 {
		return err
	}
	reader := s.repo.JournalReader(ctx)
	if err := s.continues(head, reader); err != nil {
		return err
	}
	stored, err := s.repo.NewestCheckpoint(ctx)
	if err != nil {
		return err
	}
	if stored != nil && stored.Epoch == head.Epoch && (stored.Size >= head.Size || head.SealedAt.Sub(stored.SignedAt) < every) {
		if err := s.see(stored.Note); err != nil {
			return err
		}
		return s.exportLate(ctx, stored, head.SealedAt)
	}
	root, err := tlog.TreeHash(head.Size, reader)
	if err != nil {
		return err
	}
	made := journal.Checkpoint{Size: head.Size, Root: root, Epoch: head.Epoch, Time: head.SealedAt.UTC().Truncate(time.Second)}
	signed, err := made.Sign(s.signer)
	if err != nil {
		return err
	}
	mine, err := s.repo.AddCheckpoint(ctx, repository.StoredCheckpoint{Epoch: made.Epoch, Size: made.Size, SignedAt: made.Time, Note: signed})
	if err != nil {
		return err
	}
	if !mine { // another server was faster
		return nil
	}
	s.log.Info("journal checkpoint", "size", made.Size, "root", made.Root.String(), "epoch", made.Epoch, "checkpoint", signed)
	if err := s.see(signed); err != nil {
		return err
	}
	return s.export(ctx, made, signed)
}

// export writes a checkpoint to the store, if there is one.
func (s *sealer) export(ctx context.Context, c journal.Checkpoint, signed string) error {
	if s.store == nil {
		return nil
	}
	if err := s.store.Put(ctx, c, signed); err != nil {
		return fmt.Errorf("BARONG_JOURNAL_CHECKPOINTS: the checkpoint of %d rows was not stored: %w", c.Size, err)
	}
	s.exported = c
	return nil
}

// lateExport is how old a checkpoint is before a server that has not made it looks whether the store has it.
const lateExport = 2 * checkpoints.Interval

// exportLate exports the newest checkpoint where the server that made it could not. While the journal
// grows, the next checkpoint takes its place.
func (s *sealer) exportLate(ctx context.Context, stored *repository.StoredCheckpoint, now time.Time) error {
	if s.store == nil || now.Sub(stored.SignedAt) < lateExport {
		return nil
	}
	newest, err := openUnverified(stored.Note)
	if err != nil || !newest.After(s.exported) {
		return err
	}
	exported, err := s.store.Newest(ctx)
	if err != nil {
		return fmt.Errorf("BARONG_JOURNAL_CHECKPOINTS: %w", err)
	}
	if exported != "" {
		if s.exported, err = openUnverified(exported); err != nil || !newest.After(s.exported) {
			return err
		}
	}
	return s.export(ctx, newest, stored.Note)
}

// openUnverified parses a checkpoint without verifying its signature.
func openUnverified(signed string) (journal.Checkpoint, error) {
	c, err := journal.OpenCheckpoint(signed)
	if unverified := (*note.UnverifiedNoteError)(nil); errors.As(err, &unverified) {
		err = nil
	}
	return c, err
}

// continues compares the tree with the newest checkpoint that this server has seen.
func (s *sealer) continues(head repository.JournalHead, reader tlog.HashReader) error {
	if s.seen.Size == 0 || s.seen.Epoch < head.Epoch {
		return nil
	}
	if head.Epoch < s.seen.Epoch || head.Size < s.seen.Size {
		return fmt.Errorf("%w: it has %d rows in epoch %d, and a checkpoint has %d in epoch %d", repository.ErrForked, head.Size, head.Epoch, s.seen.Size, s.seen.Epoch)
	}
	root, err := tlog.TreeHash(s.seen.Size, reader)
	if err == nil && root != s.seen.Root {
		err = fmt.Errorf("%w: its first %d rows are not those of the checkpoint of that size", repository.ErrForked, s.seen.Size)
	}
	return err
}

// see remembers a checkpoint that is newer than those seen before.
func (s *sealer) see(signed string) error {
	checkpoint, err := openUnverified(signed)
	if err != nil {
		return err
	}
	if s.seen.Size > 0 && !checkpoint.After(s.seen) {
		return nil
	}
	s.seen = checkpoint
	s.published(signed)
	return replaceFile(seenCheckpointFile(s.settings), signed)
}

// replaceFile replaces a file in one step.
func replaceFile(path, content string) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // gone after the renaming
	_, err = temporary.WriteString(content)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
