package repository

import (
	"context"
	"slices"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
	"barong/internal/journal"
)

// StoredUser is a user as import and export handle it.
type StoredUser struct {
	identity.User
	Secret []byte // the encrypted secret of one-time codes; nil without one
}

// limitLockWait limits the wait for a lock in one transaction.
var limitLockWait = compile(sq.Select("set_config('lock_timeout', '5s', true)"))

var (
	countImported = compile(countMany(sq.Select().Column(sq.Alias(unnested("ids", "bigint"), usersTable.id)), countSlotArg))

	reserveIDs = compile(sq.Select().Column("nextval(pg_get_serial_sequence("+text(usersTable.name)+", "+text(usersTable.id)+"))").
			FromSelect(sq.Select().Column("generate_series(1, ?::integer)", arg("n")), "numbers"))
)

// ImportBatch is a group of users that are stored together.
type ImportBatch struct {
	Users []StoredUser // new ones
	IDs   []int64      // of Users, from ReserveUserIDs
	// Referrers are the ids of users by their uid. The ReferralUID of each user is one of them, or the
	// uid of one of Users.
	Referrers map[string]int64

	// Changed are existing users, by their ids, that get other values. Their documents and secrets of
	// one-time codes stay.
	Changed []StoredUser
	// Verify gets the users of Changed as they are, once no other transaction changes them any more. An
	// error ends the import.
	Verify func(current []StoredUser) error

	// Recorded is the batch as the record of the repository has it, without its number of users.
	Recorded journal.Batch

	// Source is the database that the users come from, and Imported its users that are among Users and
	// Changed.
	Source   string
	Imported []ImportedUser
}

// ImportUsers stores a batch with all relations and advances the run, in one transaction. A run
// without a name is not stored. A value that is taken by then is the same error as from InsertUser,
// or identity.UIDTaken.
//
// ImportUsers calls turn after writing the users and before taking locks that others may want, and
// commits after turn returns. This lets concurrent imports write at the same time and commit in the
// order of their start.
func (r *Repository) ImportUsers(ctx context.Context, b ImportBatch, from, to ImportRun, turn func() error) error {
	return r.InTx(ctx, func(tx *Repository) error {
		// turn waits for an earlier import outside of the database. Postgres cannot detect a
		// deadlock that includes this wait, so the timeout ends it.
		if _, err := tx.exec(ctx, limitLockWait, nil); err != nil {
			return err
		}
		if err := tx.storeBatch(ctx, b); err != nil {
			return err
		}
		if err := turn(); err != nil {
			return err
		}
		if from.Name != "" {
			if err := tx.moveImportRun(ctx, from, to); err != nil {
				return err
			}
		}
		b.Recorded.Users = int64(len(b.Users) + len(b.Changed))
		if err := tx.recordBatch(ctx, b.Recorded.Users, b.Recorded); err != nil {
			return err
		}
		if len(b.Users) == 0 {
			return nil
		}
		_, err := tx.exec(ctx, countImported, args{"ids": b.IDs, countSlotArg: countSlot()})
		return err
	})
}

func (r *Repository) storeBatch(ctx context.Context, b ImportBatch) error {
	if len(b.Changed) > 0 {
		if err := r.release(ctx, b); err != nil {
			return err
		}
	}
	if len(b.Users) > 0 {
		if err := r.copyUsers(ctx, b); err != nil {
			return err
		}
		if err := r.copyRelations(ctx, b.Users, b.IDs); err != nil {
			return err
		}
	}
	if len(b.Changed) > 0 {
		if err := r.updateImported(ctx, b); err != nil {
			return err
		}
	}
	return r.copyImported(ctx, b)
}

// ReserveUserIDs takes n ids from the sequence, in ascending order.
func (r *Repository) ReserveUserIDs(ctx context.Context, n int) ([]int64, error) {
	return all(ctx, r, reserveIDs, args{"n": n}, single[int64])
}

func (r *Repository) copyUsers(ctx context.Context, b ImportBatch) error {
	referrer := b.referrers()
	columns := append(storedUserColumns.names(), usersTable.referralID)
	return r.copy(ctx, usersTable.name, columns, pgx.CopyFromSlice(len(b.Users), func(i int) ([]any, error) {
		u := b.Users[i].User
		u.ID = b.IDs[i]
		return append(storedUserColumns.appendValues(make([]any, 0, len(columns)), &u), referrer(u)), nil
	}))
}

// copyRelations copies the rows that belong to the users, table by table.
func (r *Repository) copyRelations(ctx context.Context, users []StoredUser, ids []int64) error {
	var profiles, former, phones, labels, secrets [][]any
	for i := range users {
		u := &users[i]
		current := u.CurrentProfile()
		for j := range u.Profiles {
			row := profileColumns.appendValues([]any{ids[i]}, &u.Profiles[j])
			if &u.Profiles[j] == current {
				profiles = append(profiles, row)
			} else {
				former = append(former, row)
			}
		}
		for j := range u.Phones {
			phones = append(phones, storedPhoneColumns.appendValues([]any{ids[i]}, &u.Phones[j]))
		}
		for j := range u.Labels {
			labels = append(labels, labelColumns.appendValues([]any{ids[i]}, &u.Labels[j]))
		}
		if u.Secret != nil {
			secrets = append(secrets, append(secretColumns.appendValues([]any{ids[i]}, u), u.UpdatedAt))
		}
	}
	owned := func(owner string, columns []string, times ...string) []string {
		return slices.Concat([]string{owner}, columns, times)
	}
	for _, part := range []struct {
		table   string
		columns []string
		rows    [][]any
	}{
		{profilesTable.name, profileRow, profiles},
		{formerProfilesTable.name, profileRow, former},
		{phonesTable.name, owned(phonesTable.userID, storedPhoneColumns.names()), phones},
		{labelsTable.name, owned(labelsTable.userID, labelColumns.names()), labels},
		{otpSecretsTable.name, owned(otpSecretsTable.userID, secretColumns.names(), otpSecretsTable.createdAt), secrets},
	} {
		if err := r.copy(ctx, part.table, part.columns, pgx.CopyFromRows(part.rows)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repository) copy(ctx context.Context, table string, columns []string, rows pgx.CopyFromSource) error {
	_, err := r.db.CopyFrom(ctx, pgx.Identifier{table}, columns, rows)
	return translate(err)
}
