package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// maintenancePage is the number of API keys that one statement of a maintenance command handles.
const maintenancePage = 500

var (
	selectSealed = compile(limit(sq.Select(apiKeysTable.id, apiKeysTable.kid, apiKeysTable.secret).From(apiKeysTable.name).
			Where(apiKeysTable.id+" > ?", arg("after")).OrderBy(apiKeysTable.id)))

	replaceSealed = compile(sq.Update(apiKeysTable.name).Set(apiKeysTable.secret, arg("replacement")).
			Where(apiKeysTable.id+" = ?", arg("id")).Where(apiKeysTable.secret+" = ?", arg("sealed")))

	// settleKeys locks nobody: a holder who is not active had no right to the keys, even if it
	// becomes active meanwhile.
	settleKeys = compile(deactivateKeys(limit(sq.Select("k."+apiKeysTable.id).From(aliased(apiKeysTable.name, "k")).
			LeftJoin(aliased(usersTable.name, "u")+" ON u."+usersTable.id+" = k."+apiKeysTable.userID).
			LeftJoin(aliased(serviceAccountsTable.name, "a")+" ON a."+serviceAccountsTable.id+" = k."+apiKeysTable.serviceAccountID).
			LeftJoin(aliased(usersTable.name, "o")+" ON o."+usersTable.id+" = a."+serviceAccountsTable.ownerID).
			Where("k."+apiKeysTable.state+" = "+text(identity.KeyActive)).
			Where("COALESCE(u."+usersTable.state+", "+accountState+") <> "+text(identity.StateActive))),
		apiKeysTable.id))
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
	n, err := r.exec(ctx, replaceSealed, args{"id": key.ID, "sealed": key.Sealed, "replacement": replacement})
	return n == 1, err
}

// SettleKeys deactivates the active keys of holders who are not active, which servers that do not
// know API keys leave, and returns how many there were. Each statement is a transaction of its own.
func (r *Repository) SettleKeys(ctx context.Context, now time.Time) (settled int64, err error) {
	for {
		n, err := r.exec(ctx, settleKeys, args{"now": now, "limit": maintenancePage})
		settled += n
		if err != nil || n == 0 {
			return settled, err
		}
	}
}
