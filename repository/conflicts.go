package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// Conflicts holds the unique values that existing users have, and the existing users by uid.
type Conflicts struct {
	Emails  map[string]bool  // folded e-mails and mailbox keys: an e-mail is taken when either of its own is present
	UIDs    map[string]int64 // from uid to id: users that exist, for uniqueness and as referrers
	Numbers map[string]bool  // numbers that a user has validated
}

// HasEmail reports whether a user has this e-mail, in any spelling.
func (c Conflicts) HasEmail(email string) bool {
	return c.Emails[identity.FoldEmail(email)] || c.Emails[identity.MailboxKey(email)]
}

var (
	selectFolded    = compile(selectAmong(usersTable.name, usersTable.emailFolded))
	selectKeys      = compile(selectAmong(usersTable.name, usersTable.emailKey))
	selectValidated = compile(selectAmong(phonesTable.name, phonesTable.number).Where(phonesTable.validatedAt + " IS NOT NULL"))
	selectUIDs      = compile(selectAmong(usersTable.name, uidColumns.names()...))

	uidColumns = columns[identity.User]{userColumns.only(usersTable.uid)[0], userColumns.only(usersTable.id)[0]}
)

// selectAmong selects the rows whose first column equals one of the texts.
func selectAmong(table string, columns ...string) sq.SelectBuilder {
	return sq.Select(columns...).From(table).Where(anyOf(columns[0], "text", arg("texts")))
}

// FindConflicts looks up e-mails, uids and phone numbers in one round trip.
func (r *Repository) FindConflicts(ctx context.Context, emails, uids, numbers []string) (Conflicts, error) {
	found := Conflicts{Emails: map[string]bool{}, UIDs: map[string]int64{}, Numbers: map[string]bool{}}
	var keys, folded []string
	for _, email := range emails {
		key, fold := identity.MailboxKey(email), identity.FoldEmail(email)
		keys, folded = append(keys, key), append(folded, fold)
		if key != fold { // a user without a key has it as the folded e-mail
			folded = append(folded, key)
		}
	}
	batch := &pgx.Batch{}
	lookUp := func(s statement, texts []string, into map[string]bool) {
		batch.Queue(s.sql, s.bind(args{"texts": texts})...).Query(func(rows pgx.Rows) error {
			return visitRows(rows, single[string], func(text *string) error { into[*text] = true; return nil })
		})
	}
	lookUp(selectFolded, folded, found.Emails)
	lookUp(selectKeys, keys, found.Emails)
	lookUp(selectValidated, numbers, found.Numbers)
	batch.Queue(selectUIDs.sql, selectUIDs.bind(args{"texts": uids})...).Query(func(rows pgx.Rows) error {
		return visitRows(rows, uidColumns.targets, func(u *identity.User) error { found.UIDs[u.UID] = u.ID; return nil })
	})
	return found, translate(r.db.SendBatch(ctx, batch).Close())
}
