package repository

import (
	"cmp"
	"context"
	"slices"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
	"barong/internal/problem"
)

// Two columns identify the e-mail address of a user. email_folded is set in every row and unique;
// servers that do not know email_key find users by it. email_key is the key of the mailbox, which
// all its spellings share. It is NULL in rows that those servers wrote: an email_folded in ASCII is
// the key itself, and FillEmailKeys computes the others.

// The arguments that identify an e-mail.
const (
	foldedEmail = arg("folded e-mail")
	mailboxKey  = arg("key of the mailbox")
)

func emailArgs(email string) args {
	return args{foldedEmail: identity.FoldEmail(email), mailboxKey: identity.MailboxKey(email)}
}

// selectByEmail selects the id of the user with an e-mail. A user with exactly this address,
// ignoring case, comes first, because two users may share a mailbox whose addresses were stored
// before mailboxes had keys.
func selectByEmail() sq.SelectBuilder {
	byColumn := func(column string, value arg, rank string) sq.SelectBuilder {
		return sq.Select(usersTable.id, rank+" AS rank").From(usersTable.name).Where(column+" = ?", value)
	}
	candidates := unionAll(byColumn(usersTable.emailFolded, foldedEmail, "1"),
		byColumn(usersTable.emailKey, mailboxKey, "2"),
		byColumn(usersTable.emailFolded, mailboxKey, "3"))
	return sq.Select(usersTable.id).FromSelect(candidates, "candidates").OrderBy("rank").Limit(1)
}

// emailTaken is true where a user or a service account has an e-mail.
func emailTaken() sq.Sqlizer {
	return sq.Expr("(? OR ?)", exists(selectByEmail()), exists(accountsWithEmail()))
}

var findEmailTaken = compile(sq.Select().Column(emailTaken()))

// EmailTaken reports whether a user or a service account has this e-mail, in any spelling. The
// answer may change before an insert, so it serves for error reports only. A spent key of the record is
// ErrKeySpent.
func (r *Repository) EmailTaken(ctx context.Context, email string) (bool, error) {
	return firstQuestion(ctx, r, findEmailTaken, emailArgs(email), single[bool])
}

// isMissingKey is the condition of the index users_email_key_missing_idx. Postgres uses the index
// only for this exact expression.
var isMissingKey = usersTable.emailKey + " IS NULL AND octet_length(" + usersTable.emailFolded + ") > char_length(" + usersTable.emailFolded + ")"

// emailPage begins a select of a page of users.
func emailPage() sq.SelectBuilder {
	return sq.Select(userEmailColumns.names()...).From(usersTable.name)
}

func afterID(users sq.SelectBuilder) sq.SelectBuilder {
	return limit(users.Where(usersTable.id+" > ?", arg("after")).OrderBy(usersTable.id))
}

var (
	userEmailColumns = userColumns.only(usersTable.id, usersTable.email)
	neighbourColumns = userColumns.only(usersTable.id, usersTable.uid, usersTable.email, usersTable.state, usersTable.level, usersTable.createdAt)

	other = aliased(usersTable.name, "other")

	selectMissingKeys = compile(afterID(emailPage().Where(isMissingKey)))

	// selectSharedASCII finds users who share the mailbox of a row from an older server, whose key
	// is NULL because its address is in ASCII. The first condition is that of
	// users_email_key_other_idx.
	selectSharedASCII = compile(afterID(emailPage().Where(usersTable.emailKey + " <> " + usersTable.emailFolded).
				Where(exists(sq.Select("1").From(other).
					Where("other." + usersTable.emailFolded + " = " + usersTable.name + "." + usersTable.emailKey).
					Where("other." + usersTable.id + " <> " + usersTable.name + "." + usersTable.id)))))

	// fillKeys leaves out mailboxes that another user has.
	fillKeys = compile(sq.Update(usersTable.name).Set(usersTable.emailKey, sq.Expr("computed.mailbox")).
			FromSelect(sq.Select().Column(sq.Alias(unnested("ids", "bigint"), "owner")).Column(sq.Alias(unnested("keys", "text"), "mailbox")), "computed").
			Where(usersTable.name + "." + usersTable.id + " = computed.owner AND " + usersTable.name + "." + usersTable.emailKey + " IS NULL").
			Where(notExists(sq.Select("1").From(other).Where("other." + usersTable.emailKey + " = computed.mailbox"))).
			Where(notExists(sq.Select("1").From(other).Where("other." + usersTable.emailFolded + " = computed.mailbox").
				Where("other." + usersTable.id + " <> computed.owner"))))

	selectNeighbours = compile(sq.Select(neighbourColumns.names()...).From(usersTable.name).Where(sq.Or{
		anyOf(usersTable.id, "bigint", arg("ids")), anyOf(usersTable.emailKey, "text", arg("keys")), anyOf(usersTable.emailFolded, "text", arg("keys")),
	}))
)

// keyBatch is the number of users that get their key in one transaction.
const keyBatch = 1000

// eachEmailPage calls visit with the users that a statement selects, page by page.
func (r *Repository) eachEmailPage(ctx context.Context, page statement, visit func([]identity.User) error) error {
	for after := int64(0); ; {
		users, err := all(ctx, r, page, args{"after": after, "limit": keyBatch}, userEmailColumns.targets)
		if err != nil || len(users) == 0 {
			return err
		}
		after = users[len(users)-1].ID
		if err := visit(users); err != nil {
			return err
		}
	}
}

// FillEmailKeys computes missing mailbox keys in batches and returns how many it filled in. Servers
// may write meanwhile, and several processes may fill keys. A user whose mailbox another user has
// stays without a key; SharedMailboxes lists these. Without missing keys it reads one page of an
// index.
func (r *Repository) FillEmailKeys(ctx context.Context) (filled int64, err error) {
	err = r.eachEmailPage(ctx, selectMissingKeys, func(users []identity.User) error {
		n, err := r.fillKeysOf(ctx, users)
		filled += n
		return err
	})
	return filled, err
}

// fillKeysOf sets the keys of users; of several users with one mailbox the first gets the key. It
// tries again when a concurrent insert takes one of the mailboxes.
func (r *Repository) fillKeysOf(ctx context.Context, users []identity.User) (int64, error) {
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
		filled, err := r.exec(ctx, fillKeys, args{"ids": ids, "keys": keys})
		if err == nil || attempt == maxAttempts || problem.KindOf(err) != problem.InvalidRecord {
			return filled, err
		}
	}
}

// SharedMailbox is a mailbox that the e-mails of several users lead to.
type SharedMailbox struct {
	Key   string
	Users []identity.User // without relations, oldest first
}

// SharedMailboxes returns the mailboxes of several users, in the order of their keys. Such users
// date from before mailboxes had keys, or were added by a server that does not know keys. Call
// FillEmailKeys first: afterwards at least one user of each such mailbox has no key, or a key that
// is the ASCII address of another user.
func (r *Repository) SharedMailboxes(ctx context.Context) ([]SharedMailbox, error) {
	byKey := map[string][]identity.User{}
	for _, page := range []statement{selectMissingKeys, selectSharedASCII} {
		err := r.eachEmailPage(ctx, page, func(users []identity.User) error {
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

// addNeighbours adds users, and all other users with the same mailboxes.
func (r *Repository) addNeighbours(ctx context.Context, users []identity.User, byKey map[string][]identity.User) error {
	ids, keys := make([]int64, len(users)), make([]string, len(users))
	for i, user := range users {
		ids[i], keys[i] = user.ID, identity.MailboxKey(user.Email)
	}
	return each(ctx, r, selectNeighbours, args{"ids": ids, "keys": keys}, neighbourColumns.targets, func(user *identity.User) error {
		key := identity.MailboxKey(user.Email)
		byKey[key] = append(byKey[key], *user)
		return nil
	})
}
