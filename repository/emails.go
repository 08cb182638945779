package repository

import (
	"cmp"
	"context"
	"slices"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// Two columns say which address a user has. email_folded is what servers of before
// email_key find users by, and what they keep unique; every row has it. email_key is
// that of the mailbox, which all its spellings share. It is NULL in rows that those
// servers wrote: where email_folded is in ASCII, that is the key, and else
// FillEmailKeys computes it.

// The values that say which e-mail is meant.
const (
	foldedEmail = placeholder("folded e-mail")
	mailboxKey  = placeholder("key of the mailbox")
)

func emailValues(email string) values {
	return values{foldedEmail: identity.FoldEmail(email), mailboxKey: identity.MailboxKey(email)}
}

// selectByEmail finds the user with an e-mail: first the one who has just this address,
// in whatever case, for two users may share a mailbox since before it had a key.
func selectByEmail() sq.SelectBuilder {
	byColumn := func(column string, value placeholder, rank string) sq.SelectBuilder {
		return sq.Select("id", rank+" AS rank").From("users").Where(column+" = ?", value)
	}
	candidates := byColumn("email_folded", foldedEmail, "1").
		Suffix("UNION ALL").SuffixExpr(byColumn("email_key", mailboxKey, "2")).
		Suffix("UNION ALL").SuffixExpr(byColumn("email_folded", mailboxKey, "3"))
	return sq.Select("id").FromSelect(candidates, "candidates").OrderBy("rank").Suffix("LIMIT 1")
}

var findIDByEmail = prepared(psql.Select("id").FromSelect(selectByEmail(), "found"))

// EmailTaken says whether a user has this e-mail, in whatever spelling. It is good
// for a report only: by the time of an insert the answer may be another.
func (r *Repository) EmailTaken(ctx context.Context, email string) (bool, error) {
	rows, err := r.db.Query(ctx, findIDByEmail.sql, findIDByEmail.bind(emailValues(email))...)
	if err != nil {
		return false, translate(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return len(ids) > 0, translate(err)
}

// isMissingKey is the condition of the index users_email_key_missing_idx: without its
// very words the index is not used.
const isMissingKey = "email_key IS NULL AND octet_length(email_folded) > char_length(email_folded)"

var (
	selectMissingKeys = compile(psql.Select("id", "email").From("users").Where(isMissingKey).Where("id > ?", argument).OrderBy("id").Suffix("LIMIT ?", argument))

	// Users who share the mailbox of an older server's row whose key is missing because
	// it is in ASCII. The first condition is that of users_email_key_other_idx.
	selectSharedASCII = compile(psql.Select("id", "email").From("users").Where("email_key <> email_folded").
				Where("EXISTS (SELECT 1 FROM users AS other WHERE other.email_folded = users.email_key AND other.id <> users.id)").
				Where("id > ?", argument).OrderBy("id").Suffix("LIMIT ?", argument))

	// A mailbox that somebody else has stays with them.
	fillKeys = compile(psql.Update("users").Set("email_key", sq.Expr("computed.key")).
			FromSelect(sq.Select().Column("unnest(?::bigint[]) AS id", argument).Column("unnest(?::text[]) AS key", argument), "computed").
			Where("users.id = computed.id AND users.email_key IS NULL").
			Where("NOT EXISTS (SELECT 1 FROM users AS other WHERE other.email_key = computed.key)").
			Where("NOT EXISTS (SELECT 1 FROM users AS other WHERE other.email_folded = computed.key AND other.id <> computed.id)"))

	selectNeighbours = compile(psql.Select("id", "uid", "email", "state", "level", "created_at").From("users").
				Where("(id = ANY(?) OR email_key = ANY(?) OR email_folded = ANY(?))", argument, argument, argument))
)

// keyBatch is how many users get their key in one transaction.
const keyBatch = 1000

// userEmail is the e-mail of a user.
type userEmail struct {
	ID    int64
	Email string
}

// eachEmailPage calls visit with the users that a statement selects, page by page. The
// statement's arguments are an id, beyond which a page begins, and the size of a page.
func (r *Repository) eachEmailPage(ctx context.Context, statement string, visit func([]userEmail) error) error {
	for after := int64(0); ; {
		rows, err := r.db.Query(ctx, statement, after, keyBatch)
		if err != nil {
			return translate(err)
		}
		users, err := pgx.CollectRows(rows, pgx.RowToStructByName[userEmail])
		if err != nil || len(users) == 0 {
			return translate(err)
		}
		after = users[len(users)-1].ID
		if err := visit(users); err != nil {
			return err
		}
	}
}

// FillEmailKeys computes the keys of the users who have none, batch by batch, and
// returns how many it filled in. Servers may write meanwhile, and several may fill.
// Users whose mailbox another one has stay without: SharedMailboxes has them. Where
// nobody lacks a key it reads one page of an index.
func (r *Repository) FillEmailKeys(ctx context.Context) (filled int64, err error) {
	err = r.eachEmailPage(ctx, selectMissingKeys, func(users []userEmail) error {
		n, err := r.fillKeysOf(ctx, users)
		filled += n
		return err
	})
	return filled, err
}

// fillKeysOf gives users their keys; of those with one mailbox the first gets it. It
// is tried again where a user came in between who has the mailbox of one of them.
func (r *Repository) fillKeysOf(ctx context.Context, users []userEmail) (int64, error) {
	var ids []int64
	var keys []string
	seen := make(map[string]bool, len(users))
	for _, user := range users {
		key := identity.MailboxKey(user.Email)
		if !seen[key] {
			seen[key] = true
			ids, keys = append(ids, user.ID), append(keys, key)
		}
	}
	for attempt := 1; ; attempt++ {
		tag, err := r.db.Exec(ctx, fillKeys, ids, keys)
		if err = translate(err); err == nil || attempt == maxAttempts || identity.KindOf(err) != identity.InvalidRecord {
			return tag.RowsAffected(), err
		}
	}
}

// SharedMailbox is a mailbox to which the e-mails of several users lead.
type SharedMailbox struct {
	Key   string
	Users []identity.User // without relations, oldest first
}

// SharedMailboxes are the mailboxes that several users have, in the order of their
// keys. They are from before mailboxes had keys, or a server that does not know keys
// let one of the users in. FillEmailKeys comes first: afterwards, at least one user of
// each such mailbox has no key, or a key that is the ASCII address of another user.
func (r *Repository) SharedMailboxes(ctx context.Context) ([]SharedMailbox, error) {
	byKey := map[string][]identity.User{}
	for _, statement := range []string{selectMissingKeys, selectSharedASCII} {
		err := r.eachEmailPage(ctx, statement, func(users []userEmail) error {
			return r.addNeighbours(ctx, users, byKey)
		})
		if err != nil {
			return nil, err
		}
	}
	shared := []SharedMailbox{}
	for key, users := range byKey {
		slices.SortFunc(users, func(a, b identity.User) int { return cmp.Compare(a.ID, b.ID) })
		users = slices.CompactFunc(users, func(a, b identity.User) bool { return a.ID == b.ID })
		if len(users) > 1 {
			shared = append(shared, SharedMailbox{Key: key, Users: users})
		}
	}
	slices.SortFunc(shared, func(a, b SharedMailbox) int { return cmp.Compare(a.Key, b.Key) })
	return shared, nil
}

// addNeighbours adds users, and those who have the mailboxes of them.
func (r *Repository) addNeighbours(ctx context.Context, users []userEmail, byKey map[string][]identity.User) error {
	ids, keys := make([]int64, len(users)), make([]string, len(users))
	for i, user := range users {
		ids[i], keys[i] = user.ID, identity.MailboxKey(user.Email)
	}
	rows, err := r.db.Query(ctx, selectNeighbours, ids, keys, keys)
	if err != nil {
		return translate(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u identity.User, err error) {
		return u, row.Scan(&u.ID, &u.UID, &u.Email, &u.State, &u.Level, &u.CreatedAt)
	})
	for _, user := range found {
		key := identity.MailboxKey(user.Email)
		byKey[key] = append(byKey[key], user)
	}
	return translate(err)
}
