package app

import (
	"context"
	"log/slog"
	"time"

	"barong/repository"
)

// emailKeysEvery is how often a server looks for users whose e-mail has no key: those
// whom a server of an older version inserted while both ran.
const emailKeysEvery = 5 * time.Minute

// keepEmailKeys computes missing keys of e-mails, now and from time to time until ctx
// is done. It says what it filled in and, whenever their number changes, how many
// mailboxes several accounts share.
func keepEmailKeys(ctx context.Context, repo *repository.Repository, log *slog.Logger) {
	known := 0
	for {
		shared, err := fillEmailKeys(ctx, repo, log)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Warn("the keys of e-mails could not be computed and are tried again", "in", emailKeysEvery.String(), "error", err)
		case shared != known:
			known = shared
			if shared > 0 {
				log.Warn("several accounts share a mailbox: barong users collisions lists them", "mailboxes", shared)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(emailKeysEvery):
		}
	}
}

// fillEmailKeys computes the keys that are missing and returns how many mailboxes
// several accounts share.
func fillEmailKeys(ctx context.Context, repo *repository.Repository, log *slog.Logger) (shared int, err error) {
	filled, err := repo.FillEmailKeys(ctx)
	if filled > 0 {
		log.Info("keys of e-mails computed", "users", filled)
	}
	if err != nil {
		return 0, err
	}
	mailboxes, err := repo.SharedMailboxes(ctx)
	return len(mailboxes), err
}
