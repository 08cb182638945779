package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// FilterUsers returns a page of the users that a filter means, within the range,
// and how many there are on all pages: in the order of their ids, or with an end to
// the range in the order of its time. The total may be as old as docs/performance.md
// says. A filter that is empty means all users.
func (r *Repository) FilterUsers(ctx context.Context, filter UserFilter, in Range, page Page) ([]identity.User, int64, error) {
	l := listQuery{userFilter: filter.comparable()}.within(in)
	if !l.byUserFilter() {
		return r.ListUsers(ctx, in, page)
	}
	return r.filtered(ctx, l, page)
}

// pageOfFiltered selects a page of the users that a filter means.
func (s listShape) pageOfFiltered() sq.SelectBuilder {
	page := s.withTotal(s.filtered(s.tables(true), selectUsers()))
	return s.ordered(s.afterFiltered(s.tables(true), page), "u", usersTable.id)
}

// keysOfFiltered reads indexes alone, where these have all that is asked.
func (s listShape) keysOfFiltered() sq.SelectBuilder {
	tables := s.tables(false)
	keys := s.afterFiltered(tables, s.filtered(tables, sq.Select(tables.id())))
	if s.ranged {
		return s.ordered(keys.Column("u."+s.column), "u", usersTable.id)
	}
	if s.kind == locateFromEnd {
		return keys.OrderBy(tables.id() + " DESC")
	}
	return keys.OrderBy(tables.id())
}

// countFiltered selects how many users a filter means.
func (s listShape) countFiltered() sq.SelectBuilder {
	return s.within(s.filtered(s.tables(false), sq.Select("count(*)")), "u")
}

// filterTables are those that a statement reads: users u, profiles p, or both.
type filterTables struct{ users, profiles bool }

// tables are those that have what is asked, and users where the statement selects
// columns of theirs.
func (s listShape) tables(users bool) filterTables {
	return filterTables{users: users || s.ranged || s.filter.ofUsers(), profiles: s.filter.ofProfiles()}
}

// id is a column with the id of the user.
func (t filterTables) id() string {
	if t.users {
		return "u." + usersTable.id
	}
	return "p." + profilesTable.userID
}

// filtered selects columns of all users that are meant.
func (s listShape) filtered(tables filterTables, selected sq.SelectBuilder) sq.SelectBuilder {
	selected = selected.Where(s.filter.condition())
	switch {
	case !tables.profiles:
		return selected.From(aliased(usersTable.name, "u"))
	case !tables.users:
		return selected.From(aliased(profilesTable.name, "p"))
	default:
		return selected.From(aliased(usersTable.name, "u")).Join(aliased(profilesTable.name, "p") + " ON p." + profilesTable.userID + " = u." + usersTable.id)
	}
}

// afterFiltered leaves out what is before a cursor. Where ids order the list, each table
// is told so: the database does not conclude it for the other one, and would read
// its index from the start.
func (s listShape) afterFiltered(tables filterTables, list sq.SelectBuilder) sq.SelectBuilder {
	if s.ranged {
		return s.after(list)
	}
	if tables.users {
		list = s.after(list)
	}
	if tables.profiles {
		list = list.Where("p."+profilesTable.userID+" > ?", afterUser)
	}
	return list
}
