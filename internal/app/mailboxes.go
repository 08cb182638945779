package app

import (
	"context"
	"log/slog"
	"time"

	"barong/repository"
)

// emailKeysEvery is the interval at which a server looks for users without an e-mail key. A
// server of an older version that runs at the same time inserts such users.
const emailKeysEvery = 5 * time.Minute

// keepEmailKeys computes missing e-mail keys, immediately and then periodically until ctx
// ends. It logs how many it computed and, when the number changes, how many mailboxes are
// shared by several accounts.
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

// fillEmailKeys computes the missing keys and returns the number of mailboxes that several
// accounts share.
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
