package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// OwnerFilter selects the owner of service accounts by uid and e-mail, which must be those of one
// user. Empty texts match any owner, and accounts without one.
type OwnerFilter struct{ UID, Email string }

// ListServiceAccounts returns a page of the service accounts of an owner, or of all, in the order of
// their ids, and their total on all pages. An owner who does not exist has none.
// docs/performance.md says how old the total may be.
func (r *Repository) ListServiceAccounts(ctx context.Context, owner OwnerFilter, page Page) ([]identity.ServiceAccount, int64, error) {
	l := listQuery{accounts: true}
	l.userFilter.uid = owner.UID
	if owner.Email != "" {
		l.userFilter.email, l.userFilter.mailbox = identity.FoldEmail(owner.Email), identity.MailboxKey(owner.Email)
	}
	return filtered(ctx, r, l, page, r.readAccounts)
}

// listedAccount is a row of a page: an account and the total.
type listedAccount struct {
	ownedAccount
	total int64
}

func (a *listedAccount) targets() []any { return append(a.ownedAccount.targets(), &a.total) }

// readAccounts reads the page that starts after a cursor, and caches the start of the next page.
func (r *Repository) readAccounts(ctx context.Context, l listQuery, after cursor, page Page, counted bool) (found pageRead[identity.ServiceAccount], err error) {
	s, given := l.page(after, page.Size, counted)
	found.rows = make([]identity.ServiceAccount, 0, min(page.Size, usualPage))
	err = each(ctx, r, s, given, (*listedAccount).targets, func(listed *listedAccount) error {
		found.rows, found.total = append(found.rows, listed.withOwner()), listed.total
		return nil
	})
	if err != nil {
		return pageRead[identity.ServiceAccount]{}, err
	}
	if n := len(found.rows); int64(n) == page.Size {
		last := found.rows[n-1]
		r.lists.cursors.rememberNext(l, page, cursor{at: last.CreatedAt, id: last.ID})
	}
	return found, nil
}

// pageOfAccounts selects a page of service accounts a. Only the page's rows are joined with their
// owners.
func (s listShape) pageOfAccounts() sq.SelectBuilder {
	return s.afterAccount(s.ownedBy(s.withTotal(selectServiceAccounts()))).OrderBy("a." + serviceAccountsTable.id)
}

func (s listShape) keysOfAccounts() sq.SelectBuilder {
	return s.ordered(s.afterAccount(s.ownedBy(sq.Select("a."+serviceAccountsTable.id).From(aliased(serviceAccountsTable.name, "a")))), "a", serviceAccountsTable.id)
}

func (s listShape) countAccounts() sq.SelectBuilder {
	return s.ownedBy(sq.Select("count(*)").From(aliased(serviceAccountsTable.name, "a")))
}

func (listShape) afterAccount(list sq.SelectBuilder) sq.SelectBuilder {
	return list.Where("a."+serviceAccountsTable.id+" > ?", afterUser)
}

// ownedBy leaves out the accounts of other owners than those of the filter.
func (s listShape) ownedBy(list sq.SelectBuilder) sq.SelectBuilder {
	if s.filter.uid {
		list = list.Where(equalsSubselect("a."+serviceAccountsTable.ownerID,
			sq.Select("o."+usersTable.id).From(aliased(usersTable.name, "o")).Where("o."+usersTable.uid+" = ?", filterUID)))
	}
	if s.filter.email {
		list = list.Where(equalsSubselect("a."+serviceAccountsTable.ownerID, selectByEmail()))
	}
	return list
}
