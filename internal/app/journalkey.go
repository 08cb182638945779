package app

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"barong/internal/config"
	"barong/internal/journal"
)

func journalKeyFile(c config.Config) string { return filepath.Join(c.DataDir, "journal.key") }

// seenCheckpointFile has the newest checkpoint that this server has seen. It outlives a database that is
// replaced by an older copy of itself.
func seenCheckpointFile(c config.Config) string {
	return filepath.Join(c.DataDir, "journal.checkpoint")
}

// openJournalSigner opens the key that signs checkpoints: that of the setting or, if it is empty, the one
// in the data directory, which it makes when missing.
func openJournalSigner(c config.Config, log *slog.Logger) (note.Signer, error) {
	key := c.JournalSigningKey
	if key == "" {
		stored, err := loadOrCreateKey(journalKeyFile(c), journal.NewSigningKey, log)
		if err != nil {
			return nil, fmt.Errorf("the key that signs the checkpoints of the journal: %w", err)
		}
		key = string(stored)
	}
	signer, err := journal.NewSigner(key)
	if err != nil {
		return nil, fmt.Errorf("BARONG_JOURNAL_SIGNING_KEY: %w", err)
	}
	return signer, nil
}

// JournalPublicKey returns the key that verifies checkpoints, in the form of golang.org/x/mod/sumdb/note: that of the settings' signing key, or of the one that a
// server created. Without either the error is [ErrNoKey].
func (a *App) JournalPublicKey() (string, error) {
	key := a.Settings.JournalSigningKey
	if key == "" {
		stored, err := existingKey(journalKeyFile(a.Settings), "BARONG_JOURNAL_SIGNING_KEY")
		if err != nil {
			return "", err
		}
		key = string(stored)
	}
	public, err := journal.PublicKey(strings.TrimSpace(key))
	if err != nil {
		return "", fmt.Errorf("BARONG_JOURNAL_SIGNING_KEY: %w", err)
	}
	return public, nil
}
