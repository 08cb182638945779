package repository

import (
	"context"
	"errors"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
	"barong/internal/problem"
)

var (
	accountUID = serviceAccountColumns.arg(serviceAccountsTable.uid)

	findServiceAccount = compile(selectServiceAccounts().Where("a."+serviceAccountsTable.uid+" = ?", accountUID))

	findServiceAccountByEmail = compile(selectServiceAccounts().Where("a."+serviceAccountsTable.emailFolded+" = ?", mailboxKey))

	findUserAlone = compile(selectUsers().From(aliased(usersTable.name, "u")).Where(isUser("u")))

	usersWithUID = sq.Select("1").From(usersTable.name).Where(usersTable.uid+" = ?", accountUID)

	// insertServiceAccount stores nothing where a user or an account has the uid or the e-mail. It
	// does not rely on a constraint violation for this: Postgres would write the complete e-mail to
	// its log.
	insertServiceAccount = recordedWrite(sq.Insert(serviceAccountsTable.name).
				Columns(givenAccountColumns.names()...).Columns(serviceAccountsTable.ownerID).
				Select(givenAccountColumns.selectArgs(sq.Select()).Column(typed("owner", "bigint")).
					Where(notExists(selectByEmail())).Where(notExists(usersWithUID))).
				Suffix(onConflictDoNothing()).Suffix(returning(serviceAccountsTable.id)),
		typed(accountUID, "text"), changedAccount(nullText,
			sq.Expr("COALESCE(?::text, ?)", serviceAccountColumns.arg(serviceAccountsTable.state), ownerBy("owner", usersTable.state)),
			ownerBy("owner", usersTable.uid)),
		utf8Of(jsonObject("uid", typed(accountUID, "text"))))

	findAccountConflicts = compile(sq.Select().Column(sq.Expr("? OR ?", exists(selectByEmail()), exists(usersWithUID))).
				Column(exists(accountsWithEmail())).Column(exists(accountsWithUID(accountUID))))

	lockServiceAccount = compile(sq.Select(serviceAccountsTable.id).From(serviceAccountsTable.name).
				Where(serviceAccountsTable.uid+" = ?", accountUID).Suffix(forNoKeyUpdate))

	lockNewOwner = compile(sq.Select(usersTable.id).From(usersTable.name).Where(isUser(usersTable.name)).Suffix(forShare))

	ofAccount = serviceAccountsTable.name + "."

	// setOwner does nothing where the account has this owner already or nobody has the uid. A
	// disabled account stays disabled.
	setOwner = recordedChange(sq.Select(aliased(accountState, "was")).
			Column(sq.Alias(sq.Case().When("a."+serviceAccountsTable.state+" = "+text(identity.StateDisabled), "a."+serviceAccountsTable.state).Else("successor."+usersTable.state), "becomes")).
			From(aliased(serviceAccountsTable.name, "a")).
			LeftJoin(aliased(usersTable.name, "o")+" ON o."+usersTable.id+" = a."+serviceAccountsTable.ownerID).
			Join(aliased(usersTable.name, "successor")+" ON successor."+usersTable.uid+" = ?", arg("uid")).
			Where("a."+serviceAccountsTable.uid+" = ?", accountUID), sq.Update(serviceAccountsTable.name).
			Set(serviceAccountsTable.ownerID, sq.Expr("o."+usersTable.id)).
			Set(serviceAccountsTable.level, nil).
			Set(serviceAccountsTable.state, sq.Case().When(ofAccount+serviceAccountsTable.state+" = "+text(identity.StateDisabled), ofAccount+serviceAccountsTable.state)).
			Set(serviceAccountsTable.updatedAt, arg("now")).
			FromSelect(sq.Select(usersTable.id).From(usersTable.name).Where(isUser(usersTable.name)), "o").
			Where(ofAccount+serviceAccountsTable.uid+" = ?", accountUID).
			Where(ofAccount+serviceAccountsTable.ownerID+" IS DISTINCT FROM o."+usersTable.id).
			Suffix(returning(ofAccount+serviceAccountsTable.id)),
		typed(accountUID, "text"), changedAccount(sq.Expr("before.was"), sq.Expr("before.becomes"), typed("uid", "text")))

	disableServiceAccount = recordedChange(sq.Select(aliased(accountState, "was"), aliased("o."+usersTable.uid, "owner")).
				From(aliased(serviceAccountsTable.name, "a")).
				LeftJoin(aliased(usersTable.name, "o")+" ON o."+usersTable.id+" = a."+serviceAccountsTable.ownerID).
				Where("a."+serviceAccountsTable.uid+" = ?", accountUID), sq.Update(serviceAccountsTable.name).
				Set(serviceAccountsTable.state, identity.StateDisabled).Set(serviceAccountsTable.updatedAt, arg("now")).
				Where(serviceAccountsTable.uid+" = ?", accountUID).
				Where(serviceAccountsTable.state+" IS DISTINCT FROM ?", identity.StateDisabled).Suffix(returning(serviceAccountsTable.id)),
		typed(accountUID, "text"), changedAccount(sq.Expr("before.was"), sq.Expr(text(identity.StateDisabled)+"::text"), sq.Expr("before.owner")))
)

// changedAccount is the journal.Changes of the service account with the uid accountUID.
func changedAccount(was, becomes, owner sq.Sqlizer) sq.Sqlizer {
	return jsonObject("service_account", jsonObject("id", typed(accountUID, "text"), "old", was, "new", becomes, "owner", owner))
}

// ownerBy is a column of the user with an id.
func ownerBy(id arg, column string) sq.Sqlizer {
	return subselect(sq.Select("o."+column).From(aliased(usersTable.name, "o")).Where("o."+usersTable.id+" = ?::bigint", id))
}

// accountsWithEmail and accountsWithUID select from the service accounts with an e-mail or a uid.
func accountsWithEmail() sq.SelectBuilder {
	return sq.Select("1").From(serviceAccountsTable.name).Where(serviceAccountsTable.emailFolded+" = ?", mailboxKey)
}

func accountsWithUID(uid arg) sq.SelectBuilder {
	return sq.Select("1").From(serviceAccountsTable.name).Where(serviceAccountsTable.uid+" = ?", uid)
}

// selectServiceAccounts begins a select of service accounts a with their owners.
func selectServiceAccounts() sq.SelectBuilder {
	// An array of at most one record, because a join would return NULL for each column of an owner
	// who does not exist.
	owner := arrayOf(selectUsers().From(aliased(usersTable.name, "u")).
		Where("u." + usersTable.id + " = a." + serviceAccountsTable.ownerID))
	return sq.Select(qualified("a", serviceAccountColumns.names()...)...).Column(owner).From(aliased(serviceAccountsTable.name, "a"))
}

// ownedAccount is a row of selectServiceAccounts.
type ownedAccount struct {
	account identity.ServiceAccount
	owners  records[identity.User] // at most one
}

func (a *ownedAccount) targets() []any {
	a.owners.columns = ownerColumns
	return append(serviceAccountColumns.targets(&a.account), &a.owners)
}

func (a *ownedAccount) withOwner() identity.ServiceAccount {
	account := a.account
	if len(a.owners.list) > 0 {
		account.Owner = &a.owners.list[0]
	}
	return account
}

// ServiceAccount returns the account with a uid.
func (r *Repository) ServiceAccount(ctx context.Context, uid string) (identity.ServiceAccount, error) {
	found, err := one(ctx, r, findServiceAccount, args{accountUID: uid}, (*ownedAccount).targets)
	return found.withOwner(), err
}

// ServiceAccountByEmail returns the account with an e-mail, in any spelling.
func (r *Repository) ServiceAccountByEmail(ctx context.Context, email string) (identity.ServiceAccount, error) {
	found, err := one(ctx, r, findServiceAccountByEmail, emailArgs(email), (*ownedAccount).targets)
	return found.withOwner(), err
}

// Owner returns the user with a uid, without relations, as the owner of a new account. An unknown
// user is identity.ErrOwnerUnknown.
func (r *Repository) Owner(ctx context.Context, uid string) (identity.User, error) {
	user, err := one(ctx, r, findUserAlone, args{"uid": uid}, userTargets)
	if errors.Is(err, identity.ErrRecordNotFound) {
		err = identity.ErrOwnerUnknown
	}
	return user, err
}

// InsertServiceAccount stores a new account and fills in its ID. stored is false where a user or an
// account has its uid or its e-mail: ServiceAccountConflicts says which.
func (r *Repository) InsertServiceAccount(ctx context.Context, a *identity.ServiceAccount) (stored bool, err error) {
	given := emailArgs(a.Email)
	givenAccountColumns.bind(given, a)
	given["owner"] = nil
	if a.Owner != nil {
		given["owner"] = a.Owner.ID
	}
	err = r.retry(ctx, func() (err error) {
		a.ID, err = r.idOfWrite(ctx, insertServiceAccount, given)
		return err
	})
	if errors.Is(err, identity.ErrRecordNotFound) {
		return false, nil
	}
	return err == nil, err
}

// accountConflicts says who has the uid or the e-mail of an account.
type accountConflicts struct{ user, email, uid bool }

func (c *accountConflicts) targets() []any { return []any{&c.user, &c.email, &c.uid} }

// ServiceAccountConflicts returns the violations of a uid and an e-mail that a user or another
// account has. Empty ones have none.
func (r *Repository) ServiceAccountConflicts(ctx context.Context, uid, email string) ([]problem.Violation, error) {
	given := emailArgs(email)
	given[accountUID] = uid
	found, err := one(ctx, r, findAccountConflicts, given, (*accountConflicts).targets)
	var violations []problem.Violation
	for _, each := range []struct {
		is        bool
		violation problem.Violation
	}{{found.user, identity.ServiceUserHasIt}, {found.email, identity.ServiceEmailTaken}, {found.uid, identity.ServiceUIDTaken}} {
		if each.is {
			violations = append(violations, each.violation)
		}
	}
	return violations, err
}

// SetServiceAccountOwner gives an account another owner, drops its own level, deactivates its keys
// unless it is active afterwards, and returns it. An owner that it has already changes nothing. An
// unknown account is identity.ErrServiceAccountUnknown, an unknown owner identity.ErrOwnerUnknown.
func (r *Repository) SetServiceAccountOwner(ctx context.Context, uid, owner string, now time.Time) (identity.ServiceAccount, error) {
	var ownerKnown bool
	account, known, err := r.changeServiceAccount(ctx, args{accountUID: uid, "uid": owner, "now": now}, func(batch *pgx.Batch, given args) {
		ownerKnown = false
		batch.Queue(lockNewOwner.sql, lockNewOwner.bind(given)...).Query(setWhereFound(&ownerKnown))
		r.queueWrite(batch, setOwner, given)
	})
	switch {
	case err == nil && !known:
		err = identity.ErrServiceAccountUnknown
	case err == nil && !ownerKnown:
		err = identity.ErrOwnerUnknown
	}
	return account, err
}

// DisableServiceAccount disables an account for good, deactivates its keys, and returns it. An
// unknown account is identity.ErrRecordNotFound.
func (r *Repository) DisableServiceAccount(ctx context.Context, uid string, now time.Time) (identity.ServiceAccount, error) {
	account, known, err := r.changeServiceAccount(ctx, args{accountUID: uid, "now": now}, func(batch *pgx.Batch, given args) {
		r.queueWrite(batch, disableServiceAccount, given)
	})
	if err == nil && !known {
		err = identity.ErrRecordNotFound
	}
	return account, err
}

// changeServiceAccount locks an account, changes it, deactivates its keys unless it is active then,
// and returns it: one transaction, one round trip. The account is locked before its owner, and its
// owner before the keys, like everywhere.
func (r *Repository) changeServiceAccount(ctx context.Context, given args, change func(*pgx.Batch, args)) (account identity.ServiceAccount, known bool, err error) {
	err = translate(r.retry(ctx, func() error {
		known = false
		batch := &pgx.Batch{}
		batch.Queue(lockServiceAccount.sql, lockServiceAccount.bind(given)...)
		r.queueRepetition(batch)
		change(batch, given)
		batch.Queue(deactivateKeysOfAccount.sql, deactivateKeysOfAccount.bind(given)...)
		batch.Queue(findServiceAccount.sql, findServiceAccount.bind(given)...).Query(func(rows pgx.Rows) error {
			return visitRows(rows, (*ownedAccount).targets, func(found *ownedAccount) error {
				account, known = found.withOwner(), true
				return nil
			})
		})
		return r.db.SendBatch(ctx, batch).Close()
	}))
	return account, known, err
}

// setWhereFound sets found where a statement of a batch returns rows.
func setWhereFound(found *bool) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*found = rows.Next()
		rows.Close()
		return rows.Err()
	}
}
