package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// Names of columns of keyHolders.
const (
	holderUser    = "holder_user"
	holderAccount = "holder_account"
	holderState   = "holder_state"
	holderKeys    = "holder_keys"
)

// Arguments of the statements about keys.
const (
	keysOfUsersAllowed    = arg("keys of users allowed")
	keysOfAccountsAllowed = arg("keys of accounts allowed")
	newScopes             = arg("new scopes")
	newState              = arg("new state")
)

var (
	kidArg = apiKeyColumns.arg(apiKeysTable.kid)

	lockKeyAccount = compile(sq.Select(serviceAccountsTable.id).From(serviceAccountsTable.name).
			Where(serviceAccountsTable.uid+" = ?", arg("uid")).Suffix(forShare))

	// lockKeyUser locks the holder, or the owner of the account that is the holder. It runs after
	// lockKeyAccount, so the owner does not change any more.
	lockKeyUser = compile(sq.Select(usersTable.id).From(usersTable.name).
			Where(sq.Expr(usersTable.id+" = COALESCE(?, ?)",
			subselect(sq.Select(usersTable.id).From(usersTable.name).Where(usersTable.uid+" = ?", arg("uid"))),
			subselect(sq.Select(serviceAccountsTable.ownerID).From(serviceAccountsTable.name).Where(serviceAccountsTable.uid+" = ?", arg("uid"))))).
		Suffix(forShare))

	findKeyHolder = compile(keyHolders())

	isAllowedHolder = sq.Expr("CASE WHEN h."+holderUser+" IS NULL THEN ?::boolean ELSE ?::boolean END", keysOfAccountsAllowed, keysOfUsersAllowed)

	insertAPIKey = recordedWrite(sq.Insert(apiKeysTable.name).Columns(storedKeyColumns.names()...).Columns(apiKeysTable.userID, apiKeysTable.serviceAccountID).
			Select(storedKeyColumns.selectArgs(sq.Select()).Columns("h."+holderUser, "h."+holderAccount).
				FromSelect(keyHolders(), "h").Where(isAllowedHolder).
				Where("h."+holderState+" = "+text(identity.StateActive)).Where("h."+holderKeys+" < ?", identity.MaxActiveKeys)).
			Suffix(onConflictDoNothing()).Suffix(returning(apiKeysTable.id)),
		typed("uid", "text"), changedKey(nullText, typed(apiKeyColumns.arg(apiKeysTable.state), "text")),
		utf8Of(jsonObject("kid", typed(kidArg, "text"))))

	// lockAPIKey makes concurrent changes of a key see each other's values.
	lockAPIKey = compile(sq.Select(apiKeysTable.id).From(apiKeysTable.name).Where(apiKeysTable.kid+" = ?", kidArg).Suffix(forNoKeyUpdate))

	isKeyOfHolder = "(k." + apiKeysTable.userID + " = h." + holderUser + " OR k." + apiKeysTable.serviceAccountID + " = h." + holderAccount + ")"

	// updateAPIKey writes nothing where nothing changes, and where the key would be active and its
	// holder is not.
	updateAPIKey = recordedChange(sq.Select(aliased("k."+apiKeysTable.state, "was")).
			Column(sq.Alias(sq.Expr("COALESCE(k."+apiKeysTable.scopes+" <> ?::text[], false)", newScopes), "moves_scopes")).
			From(aliased(apiKeysTable.name, "k")).JoinClause(sq.Expr("JOIN (?) AS h ON "+isKeyOfHolder, keyHolders())).
			Where("k."+apiKeysTable.kid+" = ?", kidArg).Where(isAllowedHolder).Where(keepsActive).
			Where(sq.Expr("(?::text[] IS NOT NULL OR ?::text IS NOT NULL)", newScopes, newState)), sq.Update(aliased(apiKeysTable.name, "k")).
			Set(apiKeysTable.scopes, sq.Expr("COALESCE(?::text[], k."+apiKeysTable.scopes+")", newScopes)).
			Set(apiKeysTable.state, sq.Expr("COALESCE(?::text, k."+apiKeysTable.state+")", newState)).
			Set(apiKeysTable.updatedAt, arg("now")).
			FromSelect(keyHolders(), "h").
			Where("k."+apiKeysTable.kid+" = ?", kidArg).Where(isKeyOfHolder).Where(isAllowedHolder).
			Where(keepsActive).
			Where(sq.Expr("(k."+apiKeysTable.scopes+" <> ?::text[] OR k."+apiKeysTable.state+" <> ?::text)", newScopes, newState)).
			Suffix(returning("k."+apiKeysTable.id)),
		typed("uid", "text"), jsonMerged(
			changedKey(sq.Expr("before.was"), sq.Expr("COALESCE(?::text, before.was)", newState)),
			sq.Case().When("before.moves_scopes", fieldsChanged(apiKeysTable.scopes)).Else(nothingChanged)))

	// keepsActive is false where a key would be active and its holder is not.
	keepsActive = sq.Expr("(COALESCE(?::text, k."+apiKeysTable.state+") <> "+text(identity.KeyActive)+" OR h."+holderState+" = "+text(identity.StateActive)+")", newState)

	findAPIKey = compile(sq.Select(qualified("k", apiKeyColumns.names()...)...).From(aliased(apiKeysTable.name, "k")).
			JoinClause(sq.Expr("JOIN (?) AS h ON "+isKeyOfHolder, keyHolders())).
			Where("k."+apiKeysTable.kid+" = ?", kidArg))

	findStoredKey = compile(sq.Select(storedKeyColumns.names()...).From(apiKeysTable.name).Where(apiKeysTable.kid+" = ?", kidArg))

	deactivateKeysOfListed = compile(deactivateKeysOf(cte{"moved", sq.Select(usersTable.id, usersTable.state).From(usersTable.name).
				Where(anyOf(usersTable.id, "bigint", arg("ids")))}))

	// deactivateKeysOfAccount changes nothing while the account is active.
	deactivateKeysOfAccount = compile(deactivateKeys(sq.Select("a."+serviceAccountsTable.id).From(aliased(serviceAccountsTable.name, "a")).
				LeftJoin(aliased(usersTable.name, "o")+" ON o."+usersTable.id+" = a."+serviceAccountsTable.ownerID).
				Where("a."+serviceAccountsTable.uid+" = ?", accountUID).Where(accountState+" <> "+text(identity.StateActive)),
		apiKeysTable.serviceAccountID))
)

// changedKey is the journal.Changes of the API key with the kid kidArg.
func changedKey(was, becomes sq.Sqlizer) sq.Sqlizer {
	return jsonObject("api_keys", jsonArray(jsonObject("id", typed(kidArg, "text"), "old", was, "new", becomes)))
}

// accountState is the state of an account a with the owner o.
var accountState = "COALESCE(a." + serviceAccountsTable.state + ", o." + usersTable.state + ")"

// keyHolders selects the user with a uid or, without one, the service account: the id of the one or
// the other, its state and the number of its active keys.
func keyHolders() sq.SelectBuilder {
	active := func(holder, id string) sq.Sqlizer {
		return subselect(sq.Select("count(*)").From(aliased(apiKeysTable.name, "counted")).
			Where("counted." + holder + " = " + id).Where("counted." + apiKeysTable.state + " = " + text(identity.KeyActive)))
	}
	users := sq.Select(aliased("u."+usersTable.id, holderUser), aliased("NULL::bigint", holderAccount), aliased("u."+usersTable.state, holderState)).
		Column(sq.Alias(active(apiKeysTable.userID, "u."+usersTable.id), holderKeys)).
		From(aliased(usersTable.name, "u")).Where(isUser("u"))
	return unionAll(users, sq.Select("NULL", "a."+serviceAccountsTable.id, accountState).
		Column(active(apiKeysTable.serviceAccountID, "a."+serviceAccountsTable.id)).
		From(aliased(serviceAccountsTable.name, "a")).
		LeftJoin(aliased(usersTable.name, "o")+" ON o."+usersTable.id+" = a."+serviceAccountsTable.ownerID).
		Where("a."+serviceAccountsTable.uid+" = ?", arg("uid")).
		Where(notExists(sq.Select("1").From(aliased(usersTable.name, "u")).Where(isUser("u")))))
}

// deactivateKeys makes the active keys of holders inactive. holder is the column of the keys that
// refers to the ids that the select returns.
func deactivateKeys(holders sq.SelectBuilder, holder string) sq.UpdateBuilder {
	return sq.Update(apiKeysTable.name).Set(apiKeysTable.state, identity.KeyInactive).Set(apiKeysTable.updatedAt, arg("now")).
		FromSelect(holders, "holders").
		Where(apiKeysTable.name + "." + holder + " = holders." + usersTable.id).
		Where(apiKeysTable.name + "." + apiKeysTable.state + " = " + text(identity.KeyActive))
}

// keysDeactivated are the queries of a WITH prefix that make the active keys of users, and of their service
// accounts, inactive. They read the query moved, which returns id and state of users whose rows are locked; the
// condition on it is "" for all of them. Where it returns no user, no key is read.
func keysDeactivated(condition string) []cte {
	users := sq.Select("moved." + usersTable.id).From("moved").Where(condition)
	accounts := sq.Select("a." + serviceAccountsTable.id).From("moved").
		Join(aliased(serviceAccountsTable.name, "a") + " ON a." + serviceAccountsTable.ownerID + " = moved." + usersTable.id).Where(condition)
	return []cte{
		{"with_keys_of_accounts", deactivateKeys(accounts, apiKeysTable.serviceAccountID)},
		{"with_keys_of_users", deactivateKeys(users, apiKeysTable.userID)},
	}
}

// deactivateKeysOf is keysDeactivated as a statement, for all users of moved.
func deactivateKeysOf(moved cte) sq.Sqlizer {
	return sq.Select().Column("count(*)").From("moved").PrefixExpr(with(append([]cte{moved}, keysDeactivated("")...)...))
}

// moved is the query of keysDeactivated that updates users.
func moved(update sq.UpdateBuilder) cte {
	return cte{"moved", update.Suffix(returning(qualified(usersTable.name, usersTable.id, usersTable.state)...))}
}

// KeyHolder is the user or the service account with API keys.
type KeyHolder struct {
	Service    bool // whether it is a service account
	State      string
	ActiveKeys int64
}

// keyHolder is a row of keyHolders.
type keyHolder struct {
	user, account *int64
	KeyHolder
}

func (h *keyHolder) targets() []any { return []any{&h.user, &h.account, &h.State, &h.ActiveKeys} }

// FindKeyHolder returns the user with a uid, else the service account. Neither is
// identity.ErrRecordNotFound.
func (r *Repository) FindKeyHolder(ctx context.Context, uid string) (KeyHolder, error) {
	found, err := one(ctx, r, findKeyHolder, args{"uid": uid}, (*keyHolder).targets)
	found.Service = found.user == nil
	return found.KeyHolder, err
}

// KeyHolders says whose API keys an installation allows.
type KeyHolders struct{ Users, Accounts bool }

func (allowed KeyHolders) args(uid string) args {
	return args{"uid": uid, keysOfUsersAllowed: allowed.Users, keysOfAccountsAllowed: allowed.Accounts}
}

// InsertAPIKey stores a key with its encrypted secret in one transaction and one round trip. stored
// is false where nobody with this uid may have a key now, or the kid exists. The holder and its
// owner are locked, so of a concurrent change of their state one happens before the other.
func (r *Repository) InsertAPIKey(ctx context.Context, uid string, key identity.APIKey, allowed KeyHolders) (stored bool, err error) {
	given := allowed.args(uid)
	storedKeyColumns.bind(given, &key)
	err = r.withKeyHolder(ctx, given, func(batch *pgx.Batch) {
		stored = false
		r.queueWrite(batch, insertAPIKey, given).Query(setWhereFound(&stored))
	})
	return stored, err
}

// APIKey returns the key with a kid, and its encrypted secret. A missing one is identity.ErrRecordNotFound.
func (r *Repository) APIKey(ctx context.Context, kid string) (identity.APIKey, error) {
	return one(ctx, r, findStoredKey, args{kidArg: kid}, storedKeyColumns.targets)
}

// withKeyHolder locks a holder, and runs statements under the locks: one transaction, one round
// trip. A change of the holder's state takes a stronger lock.
func (r *Repository) withKeyHolder(ctx context.Context, given args, queue func(*pgx.Batch)) error {
	return translate(r.retry(ctx, func() error {
		batch := &pgx.Batch{}
		batch.Queue(lockKeyAccount.sql, lockKeyAccount.bind(given)...)
		batch.Queue(lockKeyUser.sql, lockKeyUser.bind(given)...)
		r.queueRepetition(batch)
		queue(batch)
		return r.db.SendBatch(ctx, batch).Close()
	}))
}

// KeyChange is a change of an API key; nil fields stay.
type KeyChange struct {
	Scopes []string
	State  *string
}

// KeyUpdate is the result of UpdateAPIKey; nil: there is none.
type KeyUpdate struct {
	Holder *KeyHolder
	Key    *identity.APIKey // as it is afterwards
}

// UpdateAPIKey changes a key of a holder in one transaction and one round trip, and returns both. It
// changes nothing where the key would be active and its holder is not, or the holder may have no
// keys. A change without fields only reads, and is not recorded.
func (r *Repository) UpdateAPIKey(ctx context.Context, uid, kid string, change KeyChange, allowed KeyHolders, now time.Time) (found KeyUpdate, err error) {
	given := allowed.args(uid)
	given[kidArg], given[newState], given["now"] = kid, change.State, now
	given[newScopes] = change.Scopes // nil becomes NULL
	err = r.withKeyHolder(ctx, given, func(batch *pgx.Batch) {
		found = KeyUpdate{}
		batch.Queue(lockAPIKey.sql, lockAPIKey.bind(given)...)
		r.queueWrite(batch, updateAPIKey, given)
		batch.Queue(findKeyHolder.sql, findKeyHolder.bind(given)...).Query(func(rows pgx.Rows) error {
			return visitRows(rows, (*keyHolder).targets, func(h *keyHolder) error {
				h.Service = h.user == nil
				found.Holder = &h.KeyHolder
				return nil
			})
		})
		batch.Queue(findAPIKey.sql, findAPIKey.bind(given)...).Query(func(rows pgx.Rows) error {
			return visitRows(rows, apiKeyColumns.targets, func(key *identity.APIKey) error {
				found.Key = key
				return nil
			})
		})
	})
	return found, err
}
