package repository

import (
	"context"
	"math"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/identity"
)

func queue[row any](batch *pgx.Batch, statement sq.Sqlizer, into *[]row) error {
	sql, args, err := statement.ToSql()
	if err != nil {
		return err
	}
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[row])
		return err
	})
	return nil
}

// Range is a span of seconds, both ends included, on one of two times.
type Range struct {
	Updated  bool   // updated_at instead of created_at
	From, To *int64 // Unix seconds; nil where that end is open
}

// Page is a part of a list. Number counts from 1; Size is positive.
type Page struct{ Number, Size int64 }

func (p Page) offset() int64 {
	if p.Number-1 > math.MaxInt64/p.Size {
		return math.MaxInt64 // past any end
	}
	return (p.Number - 1) * p.Size
}

// LabelFilter says which labels are meant; an empty Value or Scope means any.
type LabelFilter struct{ Key, Value, Scope string }

// ListUsers returns a page of all users and how many there are on all pages: in
// the order of their ids, or with an end to the range in the order of its time.
func (r *Repository) ListUsers(ctx context.Context, in Range, page Page) ([]identity.User, int64, error) {
	condition := in.condition()
	rows := psql.Select(userColumns...).From("users u")
	if condition == nil {
		rows = rows.OrderBy("u.id")
	} else {
		rows = rows.Where(in.conditionOn("u.")).OrderBy("u."+in.column(), "u.id")
	}
	count := psql.Select("count(*)").From("users")
	if condition != nil {
		count = count.Where(condition)
	}
	return r.page(ctx, rows.Suffix("LIMIT ? OFFSET ?", page.Size, page.offset()), count)
}

// FilterUsersByLabel returns a page of the users that have a label of the
// filter, within the range of the label's times, and how many there are on all
// pages. A user counts once, by the earliest time among the labels that match.
func (r *Repository) FilterUsersByLabel(ctx context.Context, filter LabelFilter, in Range, page Page) ([]identity.User, int64, error) {
	matching := sq.And{sq.Eq{"key": filter.Key}}
	if filter.Value != "" {
		matching = append(matching, sq.Eq{"value": filter.Value})
	}
	if filter.Scope != "" {
		matching = append(matching, sq.Eq{"scope": filter.Scope})
	}
	// Keys first, from the labels' index alone; whole rows only for the page.
	ids := sq.Select("user_id").From("labels").GroupBy("user_id")
	order := []string{"user_id"}
	if condition := in.condition(); condition != nil {
		matching = append(matching, condition)
		ids = ids.Column("min(" + in.column() + ") AS at")
		order = []string{"at", "user_id"}
	}
	ids = ids.Where(matching).OrderBy(order...).Suffix("LIMIT ? OFFSET ?", page.Size, page.offset())
	for i := range order {
		order[i] = "page." + order[i]
	}
	rows := psql.Select(userColumns...).FromSelect(ids, "page").
		Join("users u ON u.id = page.user_id").OrderBy(order...)
	count := psql.Select("count(DISTINCT user_id)").From("labels").Where(matching)
	return r.page(ctx, rows, count)
}

// page runs the select of a page and the one of its total in one round trip.
func (r *Repository) page(ctx context.Context, rows, count sq.SelectBuilder) ([]identity.User, int64, error) {
	var found []userRow
	var totals []struct{ Count int64 }
	batch := &pgx.Batch{}
	if err := queue(batch, rows, &found); err != nil {
		return nil, 0, err
	}
	if err := queue(batch, count, &totals); err != nil {
		return nil, 0, err
	}
	if err := r.db.SendBatch(ctx, batch).Close(); err != nil {
		return nil, 0, translate(err)
	}
	users := make([]identity.User, len(found))
	for i, row := range found {
		users[i] = row.user()
	}
	return users, totals[0].Count, nil
}

func (in Range) column() string {
	if in.Updated {
		return "updated_at"
	}
	return "created_at"
}

func (in Range) condition() sq.Sqlizer { return in.conditionOn("") }

// conditionOn is nil when the range has no end. A time within the second To is
// included: answers show whole seconds.
func (in Range) conditionOn(table string) sq.Sqlizer {
	var condition sq.And
	if in.From != nil {
		condition = append(condition, sq.GtOrEq{table + in.column(): atSecond(*in.From)})
	}
	if in.To != nil {
		condition = append(condition, sq.Lt{table + in.column(): atSecond(*in.To).Add(time.Second)})
	}
	if condition == nil {
		return nil
	}
	return condition
}

// atSecond is the time of Unix seconds, brought within what the database can
// hold: no row is older or newer.
func atSecond(seconds int64) time.Time {
	const first, last = -62_135_596_800, 253_402_300_799 // the years 1 and 9999
	return time.Unix(min(max(seconds, first), last), 0).UTC()
}
