package repository

import (
	"maps"

	sq "github.com/Masterminds/squirrel"
	"github.com/maypok86/otter/v2"
)

// maxPageSize is the largest page. Statements contain it as a constant: without a number the
// planner expects a tenth of the table, and would sort that.
const maxPageSize = 1000

// listKind is the kind of query on a list.
type listKind int

const (
	selectPage listKind = iota
	selectCountedPage
	locateFromStart
	locateFromEnd
	countUsers
)

// listShape is everything that determines the SQL of a statement about a list.
type listShape struct {
	kind         listKind
	labelled     bool
	accounts     bool
	value, scope bool // whether the filter by label has them
	filter       filterShape
	ranged       bool
	column       string // the time that the range is about
}

// listStatements caches the statements that squirrel has built. Only a few of some thousand shapes
// are used.
var listStatements = otter.Must(&otter.Options[listShape, statement]{MaximumSize: 1000})

// The arguments of a statement about a list.
const (
	rangeFrom   = arg("from")
	rangeTo     = arg("to")
	afterTime   = arg("after time")
	afterUser   = arg("after id")
	filterKey   = arg("label key")
	filterValue = arg("label value")
	filterScope = arg("label scope")
)

// statement returns the statement of a kind about a list, after a cursor, and its arguments.
func (l listQuery) statement(kind listKind, after cursor, more args) (statement, args) {
	shape := listShape{
		kind: kind, labelled: l.labelled, accounts: l.accounts, value: l.filter.Value != "", scope: l.filter.Scope != "",
		filter: l.userFilter.shape(), ranged: l.ranged, column: l.column(),
	}
	s, known := listStatements.GetIfPresent(shape)
	if !known {
		s = compile(shape.build())
		// The best index depends on how many rows match the values of a filter.
		s.replanned = l.byLabelTime() || l.byUserFilter() && !l.accounts
		listStatements.Set(shape, s)
	}
	given := args{
		rangeFrom: l.fromTime(), rangeTo: l.toTime(), afterTime: after.at, afterUser: after.id,
		filterKey: l.filter.Key, filterValue: l.filter.Value, filterScope: l.filter.Scope,
	}
	l.userFilter.addArgs(given, shape.filter)
	maps.Copy(given, more)
	return s, given
}

// page selects the rows of a page that starts after a cursor. With counted, each row includes the
// total.
func (l listQuery) page(after cursor, size int64, counted bool) (statement, args) {
	kind := selectPage
	if counted && (l.labelled || l.ranged || l.accounts || l.byUserFilter()) {
		kind = selectCountedPage
	}
	return l.statement(kind, after, args{"limit": size})
}

// locate selects the cursor that is offset users after the start of the list, or before its end. It
// reads only indexes where these have all the columns it needs.
func (l listQuery) locate(fromEnd bool, offset int64) (statement, args) {
	kind := locateFromStart
	if fromEnd {
		kind = locateFromEnd
	}
	return l.statement(kind, l.start(), args{"offset": offset})
}

// count selects the number of users in the list.
func (l listQuery) count() (statement, args) { return l.statement(countUsers, l.start(), nil) }

func (s listShape) build() sq.SelectBuilder {
	switch s.kind {
	case countUsers:
		return s.count()
	case locateFromStart, locateFromEnd:
		return limitOffset(s.keys())
	default:
		return limit(s.page())
	}
}

func (s listShape) count() sq.SelectBuilder {
	switch {
	case s.accounts:
		return s.countAccounts()
	case s.labelled:
		return s.countLabelled()
	case s.filter != filterShape{}:
		return s.countFiltered()
	default:
		return s.within(sq.Select("count(*)").From(aliased(usersTable.name, "u")).Where("u."+usersTable.id+" > 0"), "u")
	}
}

func (s listShape) page() sq.SelectBuilder {
	switch {
	case s.accounts:
		return s.pageOfAccounts()
	case s.labelled:
		return s.pageOfLabelled()
	case s.filter != filterShape{}:
		return s.pageOfFiltered()
	default:
		return s.pageOfAll()
	}
}

// keys selects ids, and the times that order the list, in order or from the end.
func (s listShape) keys() sq.SelectBuilder {
	switch {
	case s.accounts:
		return s.keysOfAccounts()
	case s.labelled:
		return s.keysOfLabelled()
	case s.filter != filterShape{}:
		return s.keysOfFiltered()
	default:
		return s.ordered(s.after(sq.Select("u."+usersTable.id, "u."+s.column).From(aliased(usersTable.name, "u"))), "u", usersTable.id)
	}
}

// withTotal adds the number of users on all pages to each row of a page.
func (s listShape) withTotal(page sq.SelectBuilder) sq.SelectBuilder {
	if s.kind == selectCountedPage {
		return page.Column(subselect(s.count()))
	}
	return page.Column("0::bigint")
}

// pageOfAll selects a page of all users, or of those within a range.
func (s listShape) pageOfAll() sq.SelectBuilder {
	page := selectUsers()
	if s.ranged {
		page = s.withTotal(page)
	} else {
		page = page.Column(subselect(countUsersKept))
	}
	cut := s.ordered(s.after(sq.Select(fromUsers()...).From(aliased(usersTable.name, "u"))), "u", usersTable.id).Limit(maxPageSize)
	return s.ordered(page.FromSelect(cut, "u"), "u", usersTable.id)
}

// ordered orders a list by id, or by time where it has a range.
func (s listShape) ordered(list sq.SelectBuilder, alias, id string) sq.SelectBuilder {
	direction := ""
	if s.kind == locateFromEnd {
		direction = " DESC"
	}
	if s.ranged {
		list = list.OrderBy(alias + "." + s.column + direction)
	}
	return list.OrderBy(alias + "." + id + direction)
}

// after leaves out users u up to a cursor, and those beyond the range.
func (s listShape) after(list sq.SelectBuilder) sq.SelectBuilder {
	if s.ranged {
		return s.afterTime(list, "u", usersTable.id)
	}
	return list.Where("u."+usersTable.id+" > ?", afterUser)
}

func (s listShape) afterTime(list sq.SelectBuilder, alias, id string) sq.SelectBuilder {
	at := alias + "." + s.column
	return list.Where(at+" < ?", rangeTo).Where("("+at+", "+alias+"."+id+") > (?, ?)", afterTime, afterUser)
}

// within leaves out rows outside of the range.
func (s listShape) within(list sq.SelectBuilder, alias string) sq.SelectBuilder {
	if !s.ranged {
		return list
	}
	at := alias + "." + s.column
	return list.Where(at+" >= ?", rangeFrom).Where(at+" < ?", rangeTo)
}
