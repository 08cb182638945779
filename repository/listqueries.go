package repository

import (
	"fmt"
	"time"
)

// listQuery is what pages are cut from: users, in one order. Lists with the same
// users in the same order are equal, so that what is remembered of a list is
// found by it.
type listQuery struct {
	labelled   bool // users by a label of theirs; else all, or those of a filter
	filter     LabelFilter
	userFilter userFilter

	ranged   bool // by a time, within [from, to), in the order of that time; else in the order of ids
	updated  bool // the time is updated_at; else created_at
	from, to int64
}

func allUsers(in Range) listQuery { return listQuery{}.within(in) }

func labelledUsers(filter LabelFilter, in Range) listQuery {
	return listQuery{labelled: true, filter: filter}.within(in)
}

// within keeps what matters of a range: without an end it is none. A time within
// the second To is included: answers show whole seconds.
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

// What the database can hold, in Unix seconds: the years 1 to 9999. No row is
// older or newer.
const firstSecond, lastSecond = -62_135_596_800, 253_402_300_799

func (l listQuery) fromTime() time.Time { return time.Unix(l.from, 0).UTC() }
func (l listQuery) toTime() time.Time   { return time.Unix(l.to, 0).UTC() }

// String names the list: no two have the same name.
func (l listQuery) String() string {
	return fmt.Sprintf("%t %q %#v %t %t %d %d", l.labelled, l.filter, l.userFilter, l.ranged, l.updated, l.from, l.to)
}

// column is the time that orders a list with a range.
func (l listQuery) column() string {
	if l.updated {
		return usersTable.updatedAt // the columns of labels have the same names
	}
	return usersTable.createdAt
}

// cursor is a place in a list: that of a user, or before all.
type cursor struct {
	at time.Time // of the list's time; in lists without a range it says how old the user is
	id int64
}

// start is before the first user of the list: ids are positive.
func (l listQuery) start() cursor { return cursor{at: l.fromTime(), id: 0} }

// byUserFilter says that a list is of users that a filter means.
func (l listQuery) byUserFilter() bool { return l.userFilter != userFilter{} }

// byLabelTime says that users come in the order of a time of their label, which
// each row of a page then brings; all other orders are by what a user has.
func (l listQuery) byLabelTime() bool { return l.labelled && l.ranged }

func (c *cursor) idAndTime() []any { return []any{&c.id, &c.at} }
func (c *cursor) idAlone() []any   { return []any{&c.id} }
