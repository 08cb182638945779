package repository

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// list is what pages are cut from: users, in one order. Lists with the same
// users in the same order are equal, so that what is remembered of a list is
// found by it.
type list struct {
	labelled   bool // users by a label of theirs; else all, or those of a filter
	filter     LabelFilter
	userFilter userFilter

	ranged   bool // by a time, within [from, to), in the order of that time; else in the order of ids
	updated  bool // the time is updated_at; else created_at
	from, to int64
}

func allUsers(in Range) list { return list{}.within(in) }

func labelledUsers(filter LabelFilter, in Range) list {
	return list{labelled: true, filter: filter}.within(in)
}

// within keeps what matters of a range: without an end it is none. A time within
// the second To is included: answers show whole seconds.
func (l list) within(in Range) list {
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

func (l list) fromTime() time.Time { return time.Unix(l.from, 0).UTC() }
func (l list) toTime() time.Time   { return time.Unix(l.to, 0).UTC() }

// String names the list: no two have the same name.
func (l list) String() string {
	return fmt.Sprintf("%t %q %#v %t %t %d %d", l.labelled, l.filter, l.userFilter, l.ranged, l.updated, l.from, l.to)
}

// column is the time that orders a list with a range.
func (l list) column() string {
	if l.updated {
		return "updated_at"
	}
	return "created_at"
}

// position is a place in a list: that of a user, or before all.
type position struct {
	at time.Time // of the list's time; in lists without a range it says how old the user is
	id int64
}

// start is before the first user of the list: ids are positive.
func (l list) start() position { return position{at: l.fromTime(), id: 0} }

// query is a statement that is put together with its arguments. The texts are
// few and always come out alike, so that connections know them; putting one
// together takes a microsecond, where a general builder takes thirty.
type query struct {
	text strings.Builder
	args []any
}

// add appends text, in which each ? stands for the next of the arguments.
func (q *query) add(text string, args ...any) *query {
	for _, arg := range args {
		before, after, _ := strings.Cut(text, "?")
		q.args = append(q.args, arg)
		q.text.WriteString(before)
		q.text.WriteByte('$')
		q.text.WriteString(strconv.Itoa(len(q.args)))
		text = after
	}
	q.text.WriteString(text)
	return q
}

// A filter of users, and one by a label and dates, is planned with its values each time, for a tenth of a
// millisecond: which index is best depends on how many rows they leave, and a plan
// that is made once for all values may read a million rows for a value that a
// hundred have.
func (l list) arguments(q *query) []any {
	if l.byLabelTime() || l.byUserFilter() {
		return append([]any{pgx.QueryExecModeCacheDescribe}, q.args...)
	}
	return q.args
}

// maxPageSize is the most that a page can have. It stands in statements as it is:
// a planner that sees no number expects a tenth of the table, and would sort that.
const maxPageSize = "1000"

// listedColumns are what userColumns need of users.
const listedColumns = "id, uid, email, role, level, otp, state, referral_id, data, created_at, updated_at"

// byLabelTime says that users come in the order of a time of their label, which
// each row of a page then brings; all other orders are by what a user has.
func (l list) byLabelTime() bool { return l.labelled && l.ranged }

// page selects the rows of a page, which starts after a position, each with the
// total where counted says so.
func (l list) page(after position, size int64, counted bool) *query {
	if l.byUserFilter() {
		return l.filterPage(after, size, counted)
	}
	q := &query{}
	q.add("SELECT " + userColumns + ", ")
	if l.byLabelTime() {
		q.add("page.at, ")
	}
	switch {
	case !l.labelled && !l.ranged:
		q.add(sumOfCounts)
	case counted:
		q.add("(")
		l.count(q)
		q.add(")")
	default:
		q.add("0::bigint")
	}
	q.add(" AS total FROM ")
	order := "u.id"
	if l.labelled {
		q.add("(")
		l.keys(q, after, false)
		// LIMIT 1 keeps the planner from a join that reads all users of a smaller table.
		q.add(" LIMIT " + maxPageSize + ") AS page CROSS JOIN LATERAL (SELECT " + listedColumns + " FROM users WHERE id = page.id LIMIT 1) AS u")
		order = "page.id"
		if l.ranged {
			order = "page.at, page.id"
		}
	} else {
		q.add("(SELECT " + listedColumns + " FROM users AS u WHERE ")
		l.users(q, after)
		if l.ranged {
			order = "u." + l.column() + ", u.id"
		}
		q.add(" ORDER BY " + order + " LIMIT " + maxPageSize + ") AS u")
	}
	return q.add(" ORDER BY "+order+" LIMIT ?", size)
}

// locate selects the position that is offset users after the start of the list,
// or before its end: from the index alone.
func (l list) locate(fromEnd bool, offset int64) *query {
	if l.byUserFilter() {
		return l.filterLocate(fromEnd, offset)
	}
	q := &query{}
	l.keys(q, l.start(), fromEnd)
	return q.add(" LIMIT 1 OFFSET ?", offset)
}

// keys selects ids, and times where they order the list, of the users after a
// position, in order or from the end.
func (l list) keys(q *query, after position, fromEnd bool) {
	direction := ""
	if fromEnd {
		direction = " DESC"
	}
	switch {
	case !l.labelled:
		q.add("SELECT u.id, u." + l.column() + " AS at FROM users AS u WHERE ")
		l.users(q, after)
		if l.ranged {
			q.add(" ORDER BY u." + l.column() + direction + ", u.id" + direction)
		} else {
			q.add(" ORDER BY u.id" + direction)
		}
	case !l.ranged:
		// With a scope no user matches twice; without, the two are neighbours.
		distinct := "DISTINCT "
		if l.filter.Scope != "" {
			distinct = ""
		}
		q.add("SELECT " + distinct + "l.user_id AS id FROM labels AS l WHERE ")
		l.matching(q, "l")
		q.add(" AND l.user_id > ? ORDER BY l.user_id"+direction, after.id)
	default:
		at := "l." + l.column()
		q.add("SELECT l.user_id AS id, " + at + " AS at FROM labels AS l WHERE ")
		l.matching(q, "l")
		q.add(" AND "+at+" < ? AND ("+at+", l.user_id) > (?, ?)", l.toTime(), after.at, after.id)
		if l.filter.Scope == "" {
			// A user's place is that of the earlier of the two labels.
			q.add(" AND NOT EXISTS (SELECT 1 FROM labels AS o WHERE o.user_id = l.user_id AND o.scope <> l.scope AND ")
			l.matching(q, "o")
			q.add(" AND o."+l.column()+" >= ? AND (o."+l.column()+", o.scope) < ("+at+", l.scope))", l.fromTime())
		}
		q.add(" ORDER BY " + at + direction + ", l.user_id" + direction)
	}
}

// users is the condition on users u that are in the list after a position.
func (l list) users(q *query, after position) {
	if l.ranged {
		at := "u." + l.column()
		q.add(at+" < ? AND ("+at+", u.id) > (?, ?)", l.toTime(), after.at, after.id)
		return
	}
	q.add("u.id > ?", after.id)
}

// matching is the condition that labels are those of the filter.
func (l list) matching(q *query, table string) {
	q.add(table+".key = ?", l.filter.Key)
	if l.filter.Value != "" {
		q.add(" AND "+table+".value = ?", l.filter.Value)
	}
	if l.filter.Scope != "" {
		q.add(" AND "+table+".scope = ?", l.filter.Scope)
	}
}

// count selects how many users a list with a filter has, from an index alone
// where that is possible.
func (l list) count(q *query) {
	within := func(table string) {
		if l.ranged {
			at := table + "." + l.column()
			q.add(" AND "+at+" >= ? AND "+at+" < ?", l.fromTime(), l.toTime())
		}
	}
	switch {
	case !l.labelled:
		q.add("SELECT count(*) FROM users AS u WHERE u.id > 0")
		within("u")
	case l.filter.Scope != "":
		q.add("SELECT count(*) FROM labels AS l WHERE ")
		l.matching(q, "l")
		within("l")
	case !l.ranged:
		q.add("SELECT count(*) FROM (SELECT l.user_id FROM labels AS l WHERE ")
		l.matching(q, "l")
		q.add(" GROUP BY l.user_id) AS matching")
	default:
		// Users with two matches count by the private one.
		q.add("SELECT count(*) FROM labels AS l WHERE ")
		l.matching(q, "l")
		within("l")
		q.add(" AND (l.scope = 'private' OR NOT EXISTS (SELECT 1 FROM labels AS o WHERE o.user_id = l.user_id AND o.scope = 'private' AND ")
		l.matching(q, "o")
		within("o")
		q.add("))")
	}
}
