package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// ImportedUser tells which user of another database a user is.
type ImportedUser struct {
	SourceID     int64
	UserID       int64
	UID          string // as it is here
	SourceDigest []byte // of the record that was read there
	StoredDigest []byte // of the user as it was stored here
}

var imported = importedUsersTable

var (
	selectImported = compile(sq.Select(qualified("i", importedColumns.names()...)...).Column("u."+usersTable.uid).
			From(aliased(imported.name, "i")).Join(aliased(usersTable.name, "u")+" ON u."+usersTable.id+" = i."+imported.userID).
			Where("i."+imported.source+" = ?", arg("source")).
			Where("i."+imported.sourceID+" > ?", arg("after")).Where("i."+imported.sourceID+" <= ?", arg("last")).
			OrderBy("i." + imported.sourceID))

	deleteImported = compile(sq.Delete(imported.name).Where(imported.source+" = ?", arg("source")).
			Where(anyOf(imported.userID, "bigint", arg("ids"))))

	lockImported = compile(sq.Select(usersTable.id).From(usersTable.name).Where(anyOf(usersTable.id, "bigint", arg("ids"))).
			OrderBy(usersTable.id).Suffix(forNoKeyUpdate))

	selectStored = compile(selectStoredUsers().Where(anyOf("u."+usersTable.id, "bigint", arg("ids"))).OrderBy("u." + usersTable.id))

	// releaseEmails replaces e-mails by a text that is not one, so that users can exchange theirs.
	releaseEmails = compile(sq.Update(usersTable.name).
			Set(usersTable.emailFolded, sq.Expr(text(releasedPrefix)+" || "+usersTable.id)).Set(usersTable.emailKey, nil).
			Where(anyOf(usersTable.id, "bigint", arg("ids"))))

	updateImportedUser = compile(storedUserColumns[1:].set(sq.Update(usersTable.name)).Set(usersTable.referralID, typed(referralID, "bigint")).
				Where(usersTable.id+" = ?", arg("id")))

	deleteProfiles = compile(sq.Delete(profilesTable.name).Where(anyOf(profilesTable.userID, "bigint", arg("ids"))))
	deleteFormer   = compile(sq.Delete(formerProfilesTable.name).Where(anyOf(formerProfilesTable.userID, "bigint", arg("ids"))))
	deletePhones   = compile(sq.Delete(phonesTable.name).Where(anyOf(phonesTable.userID, "bigint", arg("ids"))))
	deleteLabels   = compile(sq.Delete(labelsTable.name).Where(anyOf(labelsTable.userID, "bigint", arg("ids"))))
)

const (
	releasedPrefix = "released "
	referralID     = arg("id of the referrer")
)

func (u *ImportedUser) targets() []any {
	return append(importedColumns.targets(u), &u.UID)
}

// FindImported returns the users that came from a source with ids there above after, up to last.
func (r *Repository) FindImported(ctx context.Context, source string, after, last int64) ([]ImportedUser, error) {
	return all(ctx, r, selectImported, args{"source": source, "after": after, "last": last}, (*ImportedUser).targets)
}

// StoredUsers returns the users with these ids as an export has them.
func (r *Repository) StoredUsers(ctx context.Context, ids []int64) ([]StoredUser, error) {
	users, err := all(ctx, r, selectStored, args{"ids": ids}, (*StoredUser).exported)
	if err != nil || len(users) == 0 {
		return nil, err
	}
	return users, r.completeStored(ctx, users)
}

// release locks the users of a batch that change, verifies them and frees their unique values.
func (r *Repository) release(ctx context.Context, b ImportBatch) error {
	ids := make([]int64, len(b.Changed))
	for i := range b.Changed {
		ids[i] = b.Changed[i].ID
	}
	given := args{"ids": ids, "source": b.Source}
	if _, err := r.exec(ctx, lockImported, given); err != nil {
		return err
	}
	current, err := r.StoredUsers(ctx, ids)
	if err != nil {
		return err
	}
	if err := b.Verify(current); err != nil {
		return err
	}
	if leaving := b.leaving(current); len(leaving) > 0 {
		if _, err := r.exec(ctx, deactivateKeysOfListed, args{"ids": leaving, "now": time.Now().UTC()}); err != nil {
			return err
		}
	}
	for _, s := range []statement{deleteProfiles, deleteFormer, deletePhones, deleteLabels, releaseEmails, deleteImported} {
		if _, err := r.exec(ctx, s, given); err != nil {
			return err
		}
	}
	return nil
}

// leaving returns the ids of the changed users whose API keys become inactive: those who are not
// active afterwards, and those whose otp goes off.
func (b *ImportBatch) leaving(current []StoredUser) []int64 {
	hadOTP := make(map[int64]bool, len(current))
	for i := range current {
		hadOTP[current[i].ID] = current[i].OTP
	}
	var ids []int64
	for i := range b.Changed {
		if u := &b.Changed[i]; u.State != identity.StateActive || hadOTP[u.ID] && !u.OTP {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

// updateImported stores the values and relations of the users that change.
func (r *Repository) updateImported(ctx context.Context, b ImportBatch) error {
	referrer := b.referrers()
	batch := &pgx.Batch{}
	ids := make([]int64, len(b.Changed))
	relations := make([]StoredUser, len(b.Changed))
	for i, u := range b.Changed {
		ids[i] = u.ID
		relations[i] = u
		relations[i].Secret = nil // the one that is stored stays
		given := args{"id": u.ID, referralID: referrer(u.User)}
		storedUserColumns[1:].bind(given, &u.User)
		batch.Queue(updateImportedUser.sql, updateImportedUser.bind(given)...)
	}
	if err := translate(r.db.SendBatch(ctx, batch).Close()); err != nil {
		return err
	}
	return r.copyRelations(ctx, relations, ids)
}

// referrers returns the function from a user to the id of its referrer; nil for none.
func (b *ImportBatch) referrers() func(identity.User) *int64 {
	byUID := make(map[string]int64, len(b.Users))
	for i, u := range b.Users {
		byUID[u.UID] = b.IDs[i]
	}
	return func(u identity.User) *int64 {
		if u.ReferralUID == nil {
			return nil
		}
		id, ok := byUID[*u.ReferralUID]
		if !ok {
			id = b.Referrers[*u.ReferralUID]
		}
		return &id
	}
}

func (r *Repository) copyImported(ctx context.Context, b ImportBatch) error {
	if len(b.Imported) == 0 {
		return nil
	}
	columns := append([]string{imported.source}, importedColumns.names()...)
	return r.copy(ctx, imported.name, columns, pgx.CopyFromSlice(len(b.Imported), func(i int) ([]any, error) {
		return importedColumns.appendValues([]any{b.Source}, &b.Imported[i]), nil
	}))
}
