package repository

import (
	"context"
	"errors"
	"math"
	"time"

	"barong/internal/identity"
)

// Range is a span of seconds of one of two times. Both ends are included.
type Range struct {
	Updated  bool   // updated_at instead of created_at
	From, To *int64 // Unix seconds; nil: no bound
}

// Page is a part of a list. Number counts from 1; Size is 1 to 1000.
type Page struct{ Number, Size int64 }

func (p Page) offset() int64 {
	if p.Number-1 > math.MaxInt64/p.Size {
		return math.MaxInt64 // past the end of every list
	}
	return (p.Number - 1) * p.Size
}

// LabelFilter selects labels; an empty Value or Scope matches all.
type LabelFilter struct{ Key, Value, Scope string }

// longestLabelText limits the memory for cached filters, in bytes. No label of this server is
// longer.
const longestLabelText = 255

// ListUsers returns a page of all users and their total on all pages. The order is by id, or by the
// time of the range if it has a bound. Without a range the total is exact.
func (r *Repository) ListUsers(ctx context.Context, in Range, page Page) ([]identity.User, int64, error) {
	l := allUsers(in)
	if l.ranged {
		return filtered(ctx, r, l, page, r.read)
	}
	if after, known := r.lists.cursors.of(l, page); known {
		found, err := r.read(ctx, l, after, page, true)
		if err != nil || len(found.rows) > 0 {
			return found.rows, found.total, err
		}
	}
	return r.byNumber(ctx, l, page)
}

// FilterUsersByLabel returns a page of the users that have a label of the filter with its time
// within the range, and their total on all pages. A user counts once, by the earliest time among
// the matching labels. docs/performance.md says how old the total may be.
func (r *Repository) FilterUsersByLabel(ctx context.Context, filter LabelFilter, in Range, page Page) ([]identity.User, int64, error) {
	if max(len(filter.Key), len(filter.Value), len(filter.Scope)) > longestLabelText {
		return []identity.User{}, 0, nil
	}
	return filtered(ctx, r, labelledUsers(filter, in), page, r.read)
}

// byNumber reads a page of all users whose cursor is unknown, in a single snapshot: the counts say
// which block has the row before the page, and the block is scanned from its nearer end.
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
		users = found.rows
		return err
	})
	return users, total, err
}

// pageReader reads the page that starts after a cursor. With counted it counts the list too.
type pageReader[T any] func(ctx context.Context, l listQuery, after cursor, page Page, counted bool) (pageRead[T], error)

// filtered reads a page of a filtered list. A list that is known to be small is counted together
// with the page.
func filtered[T any](ctx context.Context, r *Repository, l listQuery, page Page, readPage pageReader[T]) ([]T, int64, error) {
	known, err := r.lists.totals.of(ctx, l, func(ctx context.Context) (int64, error) { return r.count(ctx, l) })
	if err != nil {
		return nil, 0, translate(err)
	}
	after, found, err := r.startOf(ctx, l, page, known)
	if err != nil {
		return nil, 0, err
	}
	read := pageRead[T]{rows: []T{}, total: known.users}
	if found {
		if read, err = readPage(ctx, l, after, page, known.small); err != nil {
			return nil, 0, err
		}
	}
	switch {
	case known.small && len(read.rows) == 0:
		if read.total, err = r.count(ctx, l); err != nil {
			return nil, 0, err
		}
	case !known.small && len(read.rows) > 0:
		read.total = max(known.users, page.offset()+int64(len(read.rows)))
	case !known.small:
		read.total = known.users
	}
	if known.small {
		r.lists.totals.invalidateIfLarge(l, read.total)
	}
	return read.rows, read.total, nil
}

// startOf returns the cursor after which a page of a filtered list starts; found is false where the
// page is past the end.
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

func (r *Repository) locate(ctx context.Context, l listQuery, fromEnd bool, offset int64) (at cursor, found bool, err error) {
	s, given := l.locate(fromEnd, offset)
	fields := (*cursor).idAndTime
	if (l.labelled || l.accounts || l.byUserFilter()) && !l.ranged {
		fields = (*cursor).idAlone
	}
	at, err = one(ctx, r, s, given, fields)
	if errors.Is(err, identity.ErrRecordNotFound) {
		return at, false, nil
	}
	return at, err == nil, err
}

func (r *Repository) count(ctx context.Context, l listQuery) (int64, error) {
	s, given := l.count()
	return one(ctx, r, s, given, single[int64])
}

// pageRead is the result of reading a page. total is 0 where it was not counted or the page is
// empty.
type pageRead[T any] struct {
	rows  []T
	total int64
}

// usualPage is the initial capacity of a page: the default of limit. The slice grows for a larger
// page.
const usualPage = 100

// listedUser is a row of a page: a user, the label's time in a list that is ordered by it, and the
// total.
type listedUser struct {
	user  identity.User
	at    time.Time
	total int64
}

func (u *listedUser) targets() []any       { return append(userTargets(&u.user), &u.total) }
func (u *listedUser) targetsByTime() []any { return append(userTargets(&u.user), &u.at, &u.total) }

// read reads the page that starts after a cursor, and caches the start of the next page.
func (r *Repository) read(ctx context.Context, l listQuery, after cursor, page Page, counted bool) (found pageRead[identity.User], err error) {
	s, given := l.page(after, page.Size, counted)
	fields := (*listedUser).targets
	if l.byLabelTime() {
		fields = (*listedUser).targetsByTime
	}
	found.rows = make([]identity.User, 0, min(page.Size, usualPage))
	var last time.Time
	err = each(ctx, r, s, given, fields, func(listed *listedUser) error {
		found.rows = append(found.rows, listed.user)
		found.total, last = listed.total, listed.at
		return nil
	})
	if err != nil {
		return pageRead[identity.User]{}, err
	}
	if n := len(found.rows); int64(n) == page.Size {
		user := found.rows[n-1]
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
