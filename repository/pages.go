package repository

import (
	"context"
	"errors"
	"math"
	"time"

	"barong/internal/identity"
)

// Range is a span of seconds, both ends included, on one of two times.
type Range struct {
	Updated  bool   // updated_at instead of created_at
	From, To *int64 // Unix seconds; nil where that end is open
}

// Page is a part of a list. Number counts from 1; Size is 1 to 1000.
type Page struct{ Number, Size int64 }

func (p Page) offset() int64 {
	if p.Number-1 > math.MaxInt64/p.Size {
		return math.MaxInt64 // past any end
	}
	return (p.Number - 1) * p.Size
}

// LabelFilter says which labels are meant; an empty Value or Scope means any.
type LabelFilter struct{ Key, Value, Scope string }

// longestLabelText bounds what is remembered of a filter, in bytes. No label of
// this server is longer.
const longestLabelText = 255

// ListUsers returns a page of all users and how many there are on all pages: in
// the order of their ids, or with an end to the range in the order of its time.
// Without a range the total is exact.
func (r *Repository) ListUsers(ctx context.Context, in Range, page Page) ([]identity.User, int64, error) {
	l := allUsers(in)
	if l.ranged {
		return r.filtered(ctx, l, page)
	}
	if after, known := r.lists.cursors.of(l, page); known {
		found, err := r.read(ctx, l, after, page, true)
		if err != nil || len(found.users) > 0 {
			return found.users, found.total, err
		}
	}
	return r.byNumber(ctx, l, page)
}

// FilterUsersByLabel returns a page of the users that have a label of the
// filter, within the range of the label's times, and how many there are on all
// pages. A user counts once, by the earliest time among the labels that match.
// The total may be as old as docs/performance.md says.
func (r *Repository) FilterUsersByLabel(ctx context.Context, filter LabelFilter, in Range, page Page) ([]identity.User, int64, error) {
	if max(len(filter.Key), len(filter.Value), len(filter.Scope)) > longestLabelText {
		return []identity.User{}, 0, nil
	}
	return r.filtered(ctx, labelledUsers(filter, in), page)
}

// byNumber reads a page of all users where nothing is known of its start, in a
// single snapshot: the counts say which block has the row before the page, and
// the block is walked from its nearer end.
func (r *Repository) byNumber(ctx context.Context, l listQuery, page Page) (users []identity.User, total int64, err error) {
	err = r.inSnapshot(ctx, func(snapshot *Repository) error {
		users, total = []identity.User{}, 0
		blocks, err := snapshot.blocks(ctx)
		if err != nil {
			return err
		}
		for _, b := range blocks {
			total += b.users
		}
		after, offset := l.start(), page.offset()
		if offset >= total {
			return nil
		}
		if offset > 0 {
			if after.id, err = snapshot.idOfRow(ctx, blocks, offset-1); err != nil {
				return err
			}
		}
		found, err := snapshot.read(ctx, l, after, page, true)
		users = found.users
		return err
	})
	return users, total, err
}

// filtered reads a page of a list with a filter. It counts with the page where
// the list is known to be small.
func (r *Repository) filtered(ctx context.Context, l listQuery, page Page) ([]identity.User, int64, error) {
	known, err := r.lists.totals.of(ctx, l, func(ctx context.Context) (int64, error) { return r.count(ctx, l) })
	if err != nil {
		return nil, 0, translate(err)
	}
	after, found, err := r.startOf(ctx, l, page, known)
	if err != nil {
		return nil, 0, err
	}
	read := pageRead{users: []identity.User{}, total: known.users}
	if found {
		if read, err = r.read(ctx, l, after, page, known.small); err != nil {
			return nil, 0, err
		}
	}
	switch {
	case known.small && len(read.users) == 0:
		if read.total, err = r.count(ctx, l); err != nil {
			return nil, 0, err
		}
	case !known.small && len(read.users) > 0:
		read.total = max(known.users, page.offset()+int64(len(read.users)))
	case !known.small:
		read.total = known.users
	}
	if known.small {
		r.lists.totals.invalidateIfLarge(l, read.total)
	}
	return read.users, read.total, nil
}

// startOf is the position after which a page of a list with a filter starts;
// false where the page is past the end.
func (r *Repository) startOf(ctx context.Context, l listQuery, page Page, known total) (after cursor, found bool, err error) {
	if after, found = r.lists.cursors.of(l, page); found {
		return after, true, nil
	}
	offset := page.offset()
	switch {
	case known.small:
		return r.locate(ctx, l, false, offset-1)
	case offset >= known.users:
		return after, false, nil
	case offset > known.users/2:
		return r.locate(ctx, l, true, known.users-offset)
	default:
		return r.locate(ctx, l, false, offset-1)
	}
}

func (r *Repository) locate(ctx context.Context, l listQuery, fromEnd bool, offset int64) (place cursor, found bool, err error) {
	s, given := l.locate(fromEnd, offset)
	fields := (*cursor).idAndTime
	if (l.labelled || l.byUserFilter()) && !l.ranged {
		fields = (*cursor).idAlone
	}
	place, err = one(ctx, r, s, given, fields)
	if errors.Is(err, identity.ErrRecordNotFound) {
		return place, false, nil
	}
	return place, err == nil, err
}

func (r *Repository) count(ctx context.Context, l listQuery) (int64, error) {
	s, given := l.count()
	return one(ctx, r, s, given, single[int64])
}

// pageRead is a page as it was read; total is 0 where it was not counted along,
// and where there is no user.
type pageRead struct {
	users []identity.User
	total int64
}

// usualPage is how many users room is made for at once: the default of limit. A
// larger page grows.
const usualPage = 100

// listedUser is a row of a page: a user, in a list by a label's time with that time, and
// the total.
type listedUser struct {
	user  identity.User
	at    time.Time
	total int64
}

func (u *listedUser) targets() []any       { return append(userTargets(&u.user), &u.total) }
func (u *listedUser) targetsByTime() []any { return append(userTargets(&u.user), &u.at, &u.total) }

// read reads the page that starts after a cursor, and remembers where the next one
// starts.
func (r *Repository) read(ctx context.Context, l listQuery, after cursor, page Page, counted bool) (found pageRead, err error) {
	s, given := l.page(after, page.Size, counted)
	fields := (*listedUser).targets
	if l.byLabelTime() {
		fields = (*listedUser).targetsByTime
	}
	found.users = make([]identity.User, 0, min(page.Size, usualPage))
	var last time.Time
	err = each(ctx, r, s, given, fields, func(listed *listedUser) error {
		found.users = append(found.users, listed.user)
		found.total, last = listed.total, listed.at
		return nil
	})
	if err != nil {
		return pageRead{}, err
	}
	if n := len(found.users); int64(n) == page.Size {
		user := found.users[n-1]
		switch {
		case l.byLabelTime():
		case l.updated:
			last = user.UpdatedAt
		default:
			last = user.CreatedAt
		}
		r.lists.cursors.rememberNext(l, page, cursor{at: last, id: user.ID})
	}
	return found, nil
}
