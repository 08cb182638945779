package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
	"barong/internal/journal"
)

// maintenancePage is the number of API keys that one statement of a maintenance command handles.
const maintenancePage = 500

var (
	selectSealed = compile(limit(sq.Select(apiKeysTable.id, apiKeysTable.kid, apiKeysTable.secret).From(apiKeysTable.name).
			Where(apiKeysTable.id+" > ?", arg("after")).OrderBy(apiKeysTable.id)))

	replaceSealed = recordedWrite(sq.Update(apiKeysTable.name).Set(apiKeysTable.secret, arg("replacement")).
			Where(apiKeysTable.id+" = ?", arg("id")).Where(apiKeysTable.secret+" = ?", arg("sealed")).
			Suffix(returning(apiKeysTable.userID, apiKeysTable.serviceAccountID, apiKeysTable.kid, apiKeysTable.state)),
		sq.Expr("COALESCE(?, ?)",
			subselect(sq.Select("u."+usersTable.uid).From(aliased(usersTable.name, "u")).Where("u."+usersTable.id+" = written."+apiKeysTable.userID)),
			subselect(sq.Select("a."+serviceAccountsTable.uid).From(aliased(serviceAccountsTable.name, "a")).Where("a."+serviceAccountsTable.id+" = written."+apiKeysTable.serviceAccountID))),
		jsonMerged(fieldsChanged(apiKeysTable.secret), jsonObject("api_keys", jsonArray(jsonObject(
			"id", sq.Expr("written."+apiKeysTable.kid), "old", sq.Expr("written."+apiKeysTable.state), "new", sq.Expr("written."+apiKeysTable.state))))),
		noAnswer)

	// settleKeys locks nobody: a holder who is not active had no right to the keys, even if it
	// becomes active meanwhile.
	settleKeys = compile(deactivateKeys(limit(sq.Select("k."+apiKeysTable.id).From(aliased(apiKeysTable.name, "k")).
			LeftJoin(aliased(usersTable.name, "u")+" ON u."+usersTable.id+" = k."+apiKeysTable.userID).
			LeftJoin(aliased(serviceAccountsTable.name, "a")+" ON a."+serviceAccountsTable.id+" = k."+apiKeysTable.serviceAccountID).
			LeftJoin(aliased(usersTable.name, "o")+" ON o."+usersTable.id+" = a."+serviceAccountsTable.ownerID).
			Where("k."+apiKeysTable.state+" = "+text(identity.KeyActive)).
			Where("COALESCE(u."+usersTable.state+", "+accountState+") <> "+text(identity.StateActive))),
		apiKeysTable.id).Suffix(returning(apiKeysTable.name + "." + apiKeysTable.kid)))
)

// SealedKey is the encrypted secret of an API key.
type SealedKey struct {
	ID     int64
	KID    string
	Sealed []byte
}

func (k *SealedKey) targets() []any { return []any{&k.ID, &k.KID, &k.Sealed} }

// SealedKeys calls visit with the encrypted secrets of all API keys, page by page.
func (r *Repository) SealedKeys(ctx context.Context, visit func([]SealedKey) error) error {
	for after := int64(0); ; {
		page, err := all(ctx, r, selectSealed, args{"after": after, "limit": maintenancePage}, (*SealedKey).targets)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].ID
		if err := visit(page); err != nil {
			return err
		}
	}
}

// ReplaceSealed replaces the encrypted secret of a key. It returns false where it is another one by
// now.
func (r *Repository) ReplaceSealed(ctx context.Context, key SealedKey, replacement []byte) (bool, error) {
	n, err := r.execWrite(ctx, replaceSealed, args{"id": key.ID, "sealed": key.Sealed, "replacement": replacement})
	return n == 1, err
}

// SettleKeys deactivates the active keys of holders who are not active, which servers that do not
// know API keys leave, and returns how many there were. Each page is a transaction with a record of its
// own.
func (r *Repository) SettleKeys(ctx context.Context, now time.Time, record func() *journal.Record) (settled int64, err error) {
	for {
		var kids []string
		err := r.Recorded(record()).InTx(ctx, func(tx *Repository) (err error) {
			kids, err = all(ctx, tx, settleKeys, args{"now": now, "limit": maintenancePage}, single[string])
			if err != nil || len(kids) == 0 {
				return err
			}
			return tx.recordWrites(ctx, nil, deactivated(kids))
		})
		if err != nil || len(kids) == 0 {
			return settled, err
		}
		settled += int64(len(kids))
	}
}

// deactivated is the change of active keys that are inactive now.
func deactivated(kids []string) (changes journal.Changes) {
	active, inactive := identity.KeyActive, identity.KeyInactive
	for _, kid := range kids {
		changes.APIKeys = append(changes.APIKeys, journal.HeldChange{ID: kid, Old: &active, New: &inactive})
	}
	return changes
}
