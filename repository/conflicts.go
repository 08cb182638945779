package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// Conflicts holds the unique values that existing users have, with the ids of these users, and those
// of service accounts.
type Conflicts struct {
	Emails  map[string]int64 // folded e-mails and mailbox keys: an e-mail is taken when either of its own is present
	UIDs    map[string]int64 // users that exist, for uniqueness and as referrers
	Numbers map[string]int64 // numbers that a user has validated

	AccountUIDs map[string]int64 // of service accounts

	accountEmails map[string]int64 // mailbox keys
}

// AccountHasEmail reports whether a service account has this e-mail, in any spelling.
func (c Conflicts) AccountHasEmail(email string) bool {
	return c.accountEmails[identity.MailboxKey(email)] != 0
}

// EmailOwners returns the ids of the users that have this e-mail, in any spelling.
func (c Conflicts) EmailOwners(email string) []int64 {
	var owners []int64
	for _, key := range []string{identity.FoldEmail(email), identity.MailboxKey(email)} {
		if id := c.Emails[key]; id != 0 {
			owners = append(owners, id)
		}
	}
	return owners
}

var (
	selectFolded    = compile(selectAmong(usersTable.name, usersTable.emailFolded, usersTable.id))
	selectKeys      = compile(selectAmong(usersTable.name, usersTable.emailKey, usersTable.id))
	selectValidated = compile(selectAmong(phonesTable.name, phonesTable.number, phonesTable.userID).Where(phonesTable.validatedAt + " IS NOT NULL"))
	selectUIDs      = compile(selectAmong(usersTable.name, usersTable.uid, usersTable.id))

	selectAccountUIDs   = compile(selectAmong(serviceAccountsTable.name, serviceAccountsTable.uid, serviceAccountsTable.id))
	selectAccountEmails = compile(selectAmong(serviceAccountsTable.name, serviceAccountsTable.emailFolded, serviceAccountsTable.id))
)

// owner is a unique value and the id of the user or service account that has it.
type owner struct {
	value string
	id    int64
}

func (o *owner) targets() []any { return []any{&o.value, &o.id} }

// selectAmong selects the rows whose first column equals one of the texts.
func selectAmong(table string, columns ...string) sq.SelectBuilder {
	return sq.Select(columns...).From(table).Where(anyOf(columns[0], "text", arg("texts")))
}

// FindConflicts looks up e-mails, uids and phone numbers in one round trip.
func (r *Repository) FindConflicts(ctx context.Context, emails, uids, numbers []string) (Conflicts, error) {
	found := Conflicts{Emails: map[string]int64{}, UIDs: map[string]int64{}, Numbers: map[string]int64{}, AccountUIDs: map[string]int64{}, accountEmails: map[string]int64{}}
	var keys, folded []string
	for _, email := range emails {
		key, fold := identity.MailboxKey(email), identity.FoldEmail(email)
		keys, folded = append(keys, key), append(folded, fold)
		if key != fold { // a user without a key has it as the folded e-mail
			folded = append(folded, key)
		}
	}
	batch := &pgx.Batch{}
	lookUp := func(s statement, texts []string, into map[string]int64) {
		batch.Queue(s.sql, s.bind(args{"texts": texts})...).Query(func(rows pgx.Rows) error {
			return visitRows(rows, (*owner).targets, func(row *owner) error { into[row.value] = row.id; return nil })
		})
	}
	lookUp(selectFolded, folded, found.Emails)
	lookUp(selectKeys, keys, found.Emails)
	lookUp(selectValidated, numbers, found.Numbers)
	lookUp(selectUIDs, uids, found.UIDs)
	lookUp(selectAccountUIDs, uids, found.AccountUIDs)
	lookUp(selectAccountEmails, keys, found.accountEmails)
	return found, translate(r.db.SendBatch(ctx, batch).Close())
}
