package repository

import (
	"fmt"
	"time"
)

// listQuery defines a list: which users, in which order. Equal values define the same list, so
// listQuery serves as a cache key.
type listQuery struct {
	labelled   bool // users by one of their labels; else all users, or those of userFilter
	filter     LabelFilter
	userFilter userFilter
	accounts   bool // service accounts: all, or those whose owner userFilter selects

	ranged   bool // within [from, to) of a time, ordered by that time; else ordered by id
	updated  bool // the time is updated_at; else created_at
	from, to int64
}

func allUsers(in Range) listQuery { return listQuery{}.within(in) }

func labelledUsers(filter LabelFilter, in Range) listQuery {
	return listQuery{labelled: true, filter: filter}.within(in)
}

// within applies a range; a range without bounds has no effect. A time within the second To is
// included, because responses show whole seconds.
func (l listQuery) within(in Range) listQuery {
	if in.From == nil && in.To == nil {
		return l
	}
	l.ranged, l.updated, l.from, l.to = true, in.Updated, firstSecond, lastSecond+1
	if in.From != nil {
		l.from = min(max(*in.From, firstSecond), lastSecond+1)
	}
	if in.To != nil {
		l.to = min(max(*in.To, firstSecond-1), lastSecond) + 1
	}
	return l
}

// firstSecond and lastSecond limit ranges to the years 1 to 9999, in Unix seconds. No stored time
// is outside of them.
const firstSecond, lastSecond = -62_135_596_800, 253_402_300_799

func (l listQuery) fromTime() time.Time { return time.Unix(l.from, 0).UTC() }
func (l listQuery) toTime() time.Time   { return time.Unix(l.to, 0).UTC() }

// String returns a unique name of the list.
func (l listQuery) String() string {
	return fmt.Sprintf("%t %t %q %#v %t %t %d %d", l.accounts, l.labelled, l.filter, l.userFilter, l.ranged, l.updated, l.from, l.to)
}

// column is the time that orders a list with a range.
func (l listQuery) column() string {
	if l.updated {
		return usersTable.updatedAt // the columns of labels have the same names
	}
	return usersTable.createdAt
}

// cursor is a position in a list: that of a user, or before the first one.
type cursor struct {
	at time.Time // the time that orders the list; in lists without a range the user's created_at
	id int64
}

// start is the position before the first user of the list: ids are positive.
func (l listQuery) start() cursor { return cursor{at: l.fromTime(), id: 0} }

// byUserFilter reports whether a filter selects the users of the list.
func (l listQuery) byUserFilter() bool { return l.userFilter != userFilter{} }

// byLabelTime reports whether a time of their label orders the users. Each row of a page then
// includes that time; all other orders use columns of users.
func (l listQuery) byLabelTime() bool { return l.labelled && l.ranged }

func (c *cursor) idAndTime() []any { return []any{&c.id, &c.at} }
func (c *cursor) idAlone() []any   { return []any{&c.id} }
