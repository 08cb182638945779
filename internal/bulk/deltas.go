package bulk

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"

	"barong/repository"
)

// errChangedMeanwhile is reported when a user changes between the comparison and the update.
var errChangedMeanwhile = errors.New("a user changed while it was imported")

// outcome is what becomes of the rows of a batch. Rows of files are accepted or refused.
type outcome struct {
	accepted  []*row // new users
	changed   []*row // users of an earlier run that get other values
	unchanged []*row // users of an earlier run whose record is the same
	conflicts []*row // users of an earlier run that changed in the source, and here
	refused   []*row
	gone      []repository.ImportedUser // users of an earlier run that the source has no longer

	referrers map[string]int64
}

// compare finds the rows whose users an earlier run brought. It fills in the outcome, except of
// rows that are left to validate, which it returns.
func (i *importing) compare(ctx context.Context, b *batch, after int64, done *outcome) ([]*row, error) {
	if i.sourceName == "" {
		return b.rows, nil
	}
	last := b.position
	if b.last {
		last = math.MaxInt64
	}
	known, err := i.Repo.FindImported(ctx, i.sourceName, after, last)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]repository.ImportedUser, len(known))
	for _, user := range known {
		byID[user.SourceID] = user
	}
	var left, changed []*row
	for _, r := range b.rows {
		before, isKnown := byID[r.line]
		delete(byID, r.line)
		r.imported = before
		if isKnown && r.ownUID {
			r.user.UID, r.stored = before.UID, nil
		}
		switch {
		case !isKnown:
			left = append(left, r)
		case bytes.Equal(before.SourceDigest, r.digest):
			done.unchanged = append(done.unchanged, r)
		default:
			left, changed = append(left, r), append(changed, r)
		}
	}
	for _, user := range known {
		if _, isGone := byID[user.SourceID]; isGone {
			done.gone = append(done.gone, user)
		}
	}
	if err := i.compareStored(ctx, changed); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(left, func(r *row) bool {
		if r.imported.UserID == 0 || i.OverwriteChanged || i.isAsStored(r) {
			return false
		}
		done.conflicts = append(done.conflicts, r)
		return true
	}), nil
}

// compareStored reads the users of rows as they are now.
func (i *importing) compareStored(ctx context.Context, rows []*row) error {
	if len(rows) == 0 {
		return nil
	}
	byID := make(map[int64]*row, len(rows))
	ids := make([]int64, len(rows))
	for n, r := range rows {
		ids[n] = r.imported.UserID
		byID[ids[n]] = r
	}
	users, err := i.Repo.StoredUsers(ctx, ids)
	if err != nil {
		return err
	}
	for n := range users {
		r := byID[users[n].ID]
		r.current = &users[n].User
		if r.currentDigest, err = storedDigest(users[n].User); err != nil {
			return err
		}
	}
	return nil
}

// isAsStored reports whether nobody changed the user of a row here since it was imported, or
// everybody made the same change.
func (i *importing) isAsStored(r *row) bool {
	return bytes.Equal(r.currentDigest, r.imported.StoredDigest) || bytes.Equal(r.currentDigest, r.stored)
}

// verify compares users with what compareStored read.
func verify(rows []*row) func([]repository.StoredUser) error {
	return func(current []repository.StoredUser) error {
		byID := make(map[int64]*row, len(rows))
		for _, r := range rows {
			byID[r.imported.UserID] = r
		}
		if len(current) != len(rows) {
			return errChangedMeanwhile
		}
		for _, user := range current {
			digest, err := storedDigest(user.User)
			if err != nil {
				return err
			}
			if !bytes.Equal(digest, byID[user.ID].currentDigest) {
				return errChangedMeanwhile
			}
		}
		return nil
	}
}

// importBatch returns what the repository stores. ids are those of the new users.
func (i *importing) importBatch(done *outcome, ids []int64) (b repository.ImportBatch, err error) {
	b = repository.ImportBatch{IDs: ids, Referrers: done.referrers, Source: i.sourceName, Verify: verify(done.changed)}
	origin := func(r *row, id int64) error {
		if i.sourceName == "" {
			return nil
		}
		if r.stored == nil { // validation changed the user
			if r.stored, err = storedDigest(r.user.User); err != nil {
				return err
			}
		}
		b.Imported = append(b.Imported, repository.ImportedUser{SourceID: r.line, UserID: id, SourceDigest: r.digest, StoredDigest: r.stored})
		return nil
	}
	for n, r := range done.accepted {
		b.Users = append(b.Users, r.user)
		if err := origin(r, ids[n]); err != nil {
			return b, err
		}
	}
	for _, r := range done.changed {
		user := r.user
		user.ID = r.imported.UserID
		b.Changed = append(b.Changed, user)
		if err := origin(r, user.ID); err != nil {
			return b, err
		}
	}
	return b, nil
}
