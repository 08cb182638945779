package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// FilterUsers returns a page of the users that match a filter within the range, and their total on
// all pages. The order is by id, or by the time of the range if it has a bound. docs/performance.md
// says how old the total may be. An empty filter matches all users.
func (r *Repository) FilterUsers(ctx context.Context, filter UserFilter, in Range, page Page) ([]identity.User, int64, error) {
	l := listQuery{userFilter: filter.comparable()}.within(in)
	if !l.byUserFilter() {
		return r.ListUsers(ctx, in, page)
	}
	return filtered(ctx, r, l, page, r.read)
}

// pageOfFiltered selects a page of the users that match a filter.
func (s listShape) pageOfFiltered() sq.SelectBuilder {
	page := s.withTotal(s.filtered(s.tables(true), selectUsers()))
	return s.ordered(s.afterFiltered(s.tables(true), page), "u", usersTable.id)
}

// keysOfFiltered reads only indexes where these have all the columns it needs.
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

// countFiltered selects the number of users that match a filter.
func (s listShape) countFiltered() sq.SelectBuilder {
	return s.within(s.filtered(s.tables(false), sq.Select("count(*)")), "u")
}

// filterTables are the tables that a statement reads: users u, profiles p, or both.
type filterTables struct{ users, profiles bool }

// tables returns the tables that the filter needs; users says that the statement selects columns of
// users too.
func (s listShape) tables(users bool) filterTables {
	return filterTables{users: users || s.ranged || s.filter.ofUsers(), profiles: s.filter.ofProfiles()}
}

// id returns a column that holds the user's id.
func (t filterTables) id() string {
	if t.users {
		return "u." + usersTable.id
	}
	return "p." + profilesTable.userID
}

// filtered selects columns of all users that match the filter.
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

// afterFiltered leaves out the rows up to a cursor. Where ids order the list, both tables get the
// condition: the planner does not derive it for the second table, and would read that table's index
// from the start.
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
