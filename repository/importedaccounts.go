package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
	"barong/internal/journal"
)

var (
	// importServiceAccount stores nothing where a user or an account has the uid or the e-mail, or
	// no user has the uid of the owner.
	importServiceAccount = compile(sq.Insert(serviceAccountsTable.name).
				Columns(givenAccountColumns.names()...).Columns(serviceAccountsTable.ownerID).
				Select(givenAccountColumns.selectArgs(sq.Select()).Column("o."+usersTable.id).
					FromSelect(sq.Select().Column("1"), "given").
					LeftJoin(aliased(usersTable.name, "o")+" ON o."+usersTable.uid+" = ?", arg("owner uid")).
					Where("(o."+usersTable.id+" IS NOT NULL OR ?::text IS NULL)", arg("owner uid")).
					Where(notExists(selectByEmail())).Where(notExists(usersWithUID))).
				Suffix(onConflictDoNothing()).Suffix(returning(serviceAccountsTable.id)))

	// importAPIKey stores an active key of a holder who is not active as an inactive one.
	importAPIKey = compile(sq.Insert(apiKeysTable.name).
			Columns(apiKeysTable.userID, apiKeysTable.serviceAccountID).Columns(importedKeyColumns.names()...).Columns(apiKeysTable.state).
			Select(importedKeyColumns.selectArgs(sq.Select("h."+holderUser, "h."+holderAccount)).
				Column(sq.Expr("CASE WHEN ?::text = "+text(identity.KeyActive)+" AND h."+holderState+" <> "+text(identity.StateActive)+
				" THEN "+text(identity.KeyInactive)+" ELSE ?::text END", newState, newState)).
			FromSelect(keyHolders(), "h")).
		Suffix(onConflictDoNothing()).Suffix(returning(apiKeysTable.id)))

	importedKeyColumns = storedKeyColumns.only(apiKeysTable.kid, apiKeysTable.algorithm, apiKeysTable.scopes, apiKeysTable.secret, apiKeysTable.createdAt, apiKeysTable.updatedAt)

	selectKIDs = compile(selectAmong(apiKeysTable.name, apiKeysTable.kid))

	selectExportedAccounts = compile(limit(selectServiceAccounts().Where("a."+serviceAccountsTable.id+" > ?", arg("after")).OrderBy("a." + serviceAccountsTable.id)))

	selectExportedKeys = compile(limit(sq.Select("k."+apiKeysTable.id).
				Column("COALESCE(u."+usersTable.uid+", a."+serviceAccountsTable.uid+")").
				Columns(qualified("k", storedKeyColumns.names()...)...).From(aliased(apiKeysTable.name, "k")).
				LeftJoin(aliased(usersTable.name, "u")+" ON u."+usersTable.id+" = k."+apiKeysTable.userID).
				LeftJoin(aliased(serviceAccountsTable.name, "a")+" ON a."+serviceAccountsTable.id+" = k."+apiKeysTable.serviceAccountID).
				Where("k."+apiKeysTable.id+" > ?", arg("after")).OrderBy("k." + apiKeysTable.id)))
)

// HeldKey is an API key as import and export handle it.
type HeldKey struct {
	id int64

	Holder string // the uid of a user or of a service account
	identity.APIKey
}

func (k *HeldKey) targets() []any {
	return storedKeyColumns.appendTargets([]any{&k.id, &k.Holder}, &k.APIKey)
}

// ImportServiceAccounts stores accounts in one transaction; of an owner only the UID counts. It
// reports for each whether it was stored: not where a user or an account has its uid or its e-mail,
// or no user has the uid of its owner. The record has the batch.
func (r *Repository) ImportServiceAccounts(ctx context.Context, accounts []identity.ServiceAccount, batch journal.Batch) (stored []bool, err error) {
	return r.storeEach(ctx, len(accounts), func(n int64) journal.Batch { batch.ServiceAccounts = n; return batch }, func(batch *pgx.Batch, i int, done func(pgx.Rows) error) {
		account := &accounts[i]
		given := emailArgs(account.Email)
		givenAccountColumns.bind(given, account)
		given["owner uid"] = nil
		if account.Owner != nil {
			given["owner uid"] = account.Owner.UID
		}
		batch.Queue(importServiceAccount.sql, importServiceAccount.bind(given)...).Query(done)
	})
}

// ImportAPIKeys stores keys in one transaction, under the locks that InsertAPIKey takes. It reports
// for each whether it was stored: not where the kid exists or nobody has the uid of its holder. An
// active key of a holder who is not active becomes inactive. The record has the batch.
func (r *Repository) ImportAPIKeys(ctx context.Context, keys []HeldKey, batch journal.Batch) (stored []bool, err error) {
	return r.storeEach(ctx, len(keys), func(n int64) journal.Batch { batch.APIKeys = n; return batch }, func(batch *pgx.Batch, i int, done func(pgx.Rows) error) {
		given := args{"uid": keys[i].Holder, newState: keys[i].State}
		importedKeyColumns.bind(given, &keys[i].APIKey)
		batch.Queue(lockKeyAccount.sql, lockKeyAccount.bind(given)...)
		batch.Queue(lockKeyUser.sql, lockKeyUser.bind(given)...)
		batch.Queue(importAPIKey.sql, importAPIKey.bind(given)...).Query(done)
	})
}

// storeEach stores n rows in one transaction, which is recorded as a batch unless it stores none.
func (r *Repository) storeEach(ctx context.Context, n int, recorded func(stored int64) journal.Batch, queue func(batch *pgx.Batch, i int, done func(pgx.Rows) error)) (stored []bool, err error) {
	err = r.InTx(ctx, func(tx *Repository) error {
		stored = make([]bool, n)
		batch := &pgx.Batch{}
		for i := range n {
			queue(batch, i, setWhereFound(&stored[i]))
		}
		if err := tx.db.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		count := int64(0)
		for _, is := range stored {
			if is {
				count++
			}
		}
		return tx.recordBatch(ctx, count, recorded(count))
	})
	return stored, err
}

// KnownKeys returns those of the kids that an API key has.
func (r *Repository) KnownKeys(ctx context.Context, kids []string) (map[string]bool, error) {
	known := map[string]bool{}
	err := each(ctx, r, selectKIDs, args{"texts": kids}, single[string], func(kid *string) error {
		known[*kid] = true
		return nil
	})
	return known, err
}

// ExportAccounts passes all service accounts and then all API keys, with their encrypted secrets, of
// one snapshot to the functions, in the order of their ids. An error of a function ends the export.
func (r *Repository) ExportAccounts(ctx context.Context, account func(identity.ServiceAccount) error, key func(HeldKey) error) error {
	return r.snapshot(ctx, func(snapshot *Repository) error {
		for after, more := int64(0), true; more; {
			more = false
			err := each(ctx, snapshot, selectExportedAccounts, args{"after": after, "limit": maintenancePage}, (*ownedAccount).targets, func(a *ownedAccount) error {
				after, more = a.account.ID, true
				return account(a.withOwner())
			})
			if err != nil {
				return err
			}
		}
		for after, more := int64(0), true; more; {
			more = false
			err := each(ctx, snapshot, selectExportedKeys, args{"after": after, "limit": maintenancePage}, (*HeldKey).targets, func(k *HeldKey) error {
				after, more = k.id, true
				return key(*k)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
