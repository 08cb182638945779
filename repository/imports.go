package repository

import (
	"context"
	"slices"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
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

// ImportUsers stores users with all their relations and advances the run, in one transaction. ids
// are the users' ids, from ReserveUserIDs. A user's ReferralUID is a key of referrers or the uid of
// one of the users. A run without a name is not stored. A value that is taken by then is the same
// error as from InsertUser, or identity.UIDTaken.
//
// ImportUsers calls turn after writing the users and before taking locks that others may want, and
// commits after turn returns. This lets concurrent imports write at the same time and commit in the
// order of their start.
func (r *Repository) ImportUsers(ctx context.Context, users []StoredUser, ids []int64, referrers map[string]int64, from, to ImportRun, turn func() error) error {
	return r.InTx(ctx, func(tx *Repository) error {
		// turn waits for an earlier import outside of the database. Postgres cannot detect a
		// deadlock that includes this wait, so the timeout ends it.
		if _, err := tx.exec(ctx, limitLockWait, nil); err != nil {
			return err
		}
		if len(users) > 0 {
			if err := tx.copyUsers(ctx, users, ids, referrers); err != nil {
				return err
			}
			if err := tx.copyRelations(ctx, users, ids); err != nil {
				return err
			}
		}
		if err := turn(); err != nil {
			return err
		}
		if from.Name != "" {
			if err := tx.moveImportRun(ctx, from, to); err != nil {
				return err
			}
		}
		if len(users) == 0 {
			return nil
		}
		_, err := tx.exec(ctx, countImported, args{"ids": ids, countSlotArg: countSlot()})
		return err
	})
}

// ReserveUserIDs takes n ids from the sequence, in ascending order.
func (r *Repository) ReserveUserIDs(ctx context.Context, n int) ([]int64, error) {
	return all(ctx, r, reserveIDs, args{"n": n}, single[int64])
}

func (r *Repository) copyUsers(ctx context.Context, users []StoredUser, ids []int64, referrers map[string]int64) error {
	byUID := make(map[string]int64)
	for i, u := range users {
		byUID[u.UID] = ids[i]
	}
	columns := append(storedUserColumns.names(), usersTable.referralID)
	return r.copy(ctx, usersTable.name, columns, pgx.CopyFromSlice(len(users), func(i int) ([]any, error) {
		u := users[i].User
		u.ID = ids[i]
		var referrer *int64
		if u.ReferralUID != nil {
			id, ok := byUID[*u.ReferralUID]
			if !ok {
				id = referrers[*u.ReferralUID]
			}
			referrer = &id
		}
		return append(storedUserColumns.appendValues(make([]any, 0, len(columns)), &u), referrer), nil
	}))
}

// copyRelations copies the rows that belong to the users, table by table.
func (r *Repository) copyRelations(ctx context.Context, users []StoredUser, ids []int64) error {
	var profiles, phones, labels, secrets [][]any
	for i := range users {
		u := &users[i]
		if u.Profile != nil {
			profiles = append(profiles, storedProfileColumns.appendValues([]any{ids[i]}, u.Profile))
		}
		for j := range u.Phones {
			phones = append(phones, storedPhoneColumns.appendValues([]any{ids[i]}, &u.Phones[j]))
		}
		for j := range u.Labels {
			labels = append(labels, storedLabelColumns.appendValues([]any{ids[i]}, &u.Labels[j]))
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
		{profilesTable.name, owned(profilesTable.userID, storedProfileColumns.names()), profiles},
		{phonesTable.name, owned(phonesTable.userID, storedPhoneColumns.names()), phones},
		{labelsTable.name, owned(labelsTable.userID, storedLabelColumns.names()), labels},
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
