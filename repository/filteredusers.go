package repository

import (
	"context"
	"maps"

	sq "github.com/Masterminds/squirrel"
	"github.com/maypok86/otter/v2"

	"barong/internal/identity"
)

// FilterUsers returns a page of the users that a filter means, within the range,
// and how many there are on all pages: in the order of their ids, or with an end to
// the range in the order of its time. The total may be as old as docs/performance.md
// says. A filter that is empty means all users.
func (r *Repository) FilterUsers(ctx context.Context, filter UserFilter, in Range, page Page) ([]identity.User, int64, error) {
	l := list{userFilter: filter.comparable()}.within(in)
	if !l.byUserFilter() {
		return r.ListUsers(ctx, in, page)
	}
	return r.filtered(ctx, l, page)
}

// byUserFilter says that a list is of users that a filter means.
func (l list) byUserFilter() bool { return l.userFilter != userFilter{} }

// listStatement is what is asked about a list.
type listStatement int

const (
	selectPage listStatement = iota
	selectCountedPage
	locateFromStart
	locateFromEnd
	countUsers
)

// filterStatement is all that the text of a statement about a list by a filter
// depends on.
type filterStatement struct {
	kind   listStatement
	filter filterShape
	ranged bool
	column string // the time of the range
}

// filterStatements keeps what squirrel has written. Of some thousand shapes few are
// ever asked for.
var filterStatements = otter.Must(&otter.Options[filterStatement, statement]{MaximumSize: 1000})

// filterQuery is a statement about a list by a filter, from a position on.
func (l list) filterQuery(kind listStatement, after position, more values) *query {
	shape := l.userFilter.shape()
	key := filterStatement{kind, shape, l.ranged, l.column()}
	s, known := filterStatements.GetIfPresent(key)
	if !known {
		s = prepared(key.build().PlaceholderFormat(sq.Dollar))
		filterStatements.Set(key, s)
	}
	given := l.userFilter.values(shape)
	given["from"], given["to"], given["after time"], given["after id"] = l.fromTime(), l.toTime(), after.at, after.id
	maps.Copy(given, more)
	q := &query{args: s.bind(given)}
	q.text.WriteString(s.sql)
	return q
}

func (l list) filterPage(after position, size int64, counted bool) *query {
	kind := selectPage
	if counted {
		kind = selectCountedPage
	}
	return l.filterQuery(kind, after, values{"limit": size})
}

func (l list) filterLocate(fromEnd bool, offset int64) *query {
	kind := locateFromStart
	if fromEnd {
		kind = locateFromEnd
	}
	return l.filterQuery(kind, l.start(), values{"offset": offset})
}

func (s filterStatement) build() sq.SelectBuilder {
	switch s.kind {
	case countUsers:
		return s.count()
	case locateFromStart, locateFromEnd:
		return s.locate()
	default:
		return s.page()
	}
}

// page selects users, each with the total where that is counted along.
func (s filterStatement) page() sq.SelectBuilder {
	page := s.matching(s.tables(true), userColumns)
	if s.kind == selectCountedPage {
		page = page.Column(sq.Alias(s.count(), "total"))
	} else {
		page = page.Column("0::bigint AS total")
	}
	page = s.after(s.tables(true), page)
	if s.ranged {
		page = page.OrderBy("u." + s.column)
	}
	return page.OrderBy("u.id").Suffix("LIMIT ?", placeholder("limit"))
}

// locate selects one position: from indexes alone, where these have all that is
// asked.
func (s filterStatement) locate() sq.SelectBuilder {
	order := []string{s.tables(false).id()}
	if s.ranged {
		order = []string{"u." + s.column, "u.id"}
	}
	direction := ""
	if s.kind == locateFromEnd {
		direction = " DESC"
	}
	located := s.after(s.tables(false), s.matching(s.tables(false), s.tables(false).id()))
	if s.ranged {
		located = located.Column("u." + s.column)
	}
	for _, column := range order {
		located = located.OrderBy(column + direction)
	}
	return located.Suffix("LIMIT 1 OFFSET ?", placeholder("offset"))
}

// count selects how many users there are.
func (s filterStatement) count() sq.SelectBuilder {
	count := s.matching(s.tables(false), "count(*)")
	if s.ranged {
		at := "u." + s.column
		count = count.Where(at+" >= ?", placeholder("from")).Where(at+" < ?", placeholder("to"))
	}
	return count
}

// filterTables are those that a statement reads: users u, profiles p, or both.
type filterTables struct{ users, profiles bool }

// tables are those that have what is asked, and users where the statement selects
// columns of theirs.
func (s filterStatement) tables(users bool) filterTables {
	return filterTables{users: users || s.ranged || s.filter.ofUsers(), profiles: s.filter.ofProfiles()}
}

// id is a column with the id of the user.
func (t filterTables) id() string {
	if t.users {
		return "u.id"
	}
	return "p.user_id"
}

// matching selects columns of all users that are meant.
func (s filterStatement) matching(tables filterTables, columns ...string) sq.SelectBuilder {
	selected := sq.Select(columns...).Where(s.filter.condition())
	switch {
	case !tables.profiles:
		return selected.From("users AS u")
	case !tables.users:
		return selected.From("profiles AS p")
	default:
		return selected.From("users AS u").Join("profiles AS p ON p.user_id = u.id")
	}
}

// after leaves out what is before a position. Where ids order the list, each table
// is told so: the database does not conclude it for the other one, and would read
// its index from the start.
func (s filterStatement) after(tables filterTables, selected sq.SelectBuilder) sq.SelectBuilder {
	if s.ranged {
		at := "u." + s.column
		return selected.Where(at+" < ?", placeholder("to")).Where("("+at+", u.id) > (?, ?)", placeholder("after time"), placeholder("after id"))
	}
	if tables.users {
		selected = selected.Where("u.id > ?", placeholder("after id"))
	}
	if tables.profiles {
		selected = selected.Where("p.user_id > ?", placeholder("after id"))
	}
	return selected
}
