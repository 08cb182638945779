package barongdb

import (
	"context"
	"fmt"
	"iter"
	"time"

	sq "github.com/Masterminds/squirrel"
)

// How many users are read at once. Two pages are in memory: the one that the caller gets, and the next one.
// Texts of a user may have 64 KiB each, so that pages of long texts have fewer users.
const (
	firstPage    = 100
	smallestPage = 10
	largestPage  = 1000
	bytesOfPage  = 4 << 20
)

// Users returns the users with ids above afterID in the order of their ids, with their labels, phones and
// newest profiles, as they were at one time: when the first is asked for. The error, if any, is the last
// value.
//
// Of labels with one key and scope, as this server compares them, the newest is kept. A number that several
// users have validated is validated for the one who did it last. What is left out or changed is in the notes
// of the user.
func (d *DB) Users(ctx context.Context, afterID int64) iter.Seq2[User, error] {
	return pages(ctx, d, func(ctx context.Context, s *snapshot, deliver func([]User) bool) error {
		r, err := newUserReader(ctx, d, s)
		if err != nil {
			return err
		}
		for size := firstPage; ; {
			before := s.bytes
			page, err := r.page(ctx, afterID, size)
			if err != nil || len(page) == 0 || !deliver(page) || len(page) < size {
				return err
			}
			afterID = page[len(page)-1].ID
			size = nextPage(len(page), s.bytes-before)
		}
	})
}

// nextPage returns how many users the next page has, after one of so many users and bytes.
func nextPage(users, bytes int) int {
	return min(max(bytesOfPage/max(bytes/users, 1), smallestPage), largestPage)
}

// pages returns the elements of pages that another goroutine reads from one snapshot, one page ahead of the
// caller. read calls deliver with each page, and ends when that returns false.
func pages[T any](ctx context.Context, d *DB, read func(ctx context.Context, s *snapshot, deliver func([]T) bool) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		delivered := make(chan []T)
		var failure error
		go func() {
			defer close(delivered)
			s, err := d.snapshot(ctx)
			if err != nil {
				failure = err
				return
			}
			defer s.end()
			failure = read(ctx, s, func(page []T) bool {
				select {
				case delivered <- page:
					return true
				case <-ctx.Done():
					return false
				}
			})
		}()
		defer func() { // the connection is free when the loop ends
			cancel()
			for range delivered { // until the reader has ended
			}
		}()
		for page := range delivered {
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
		}
		if ctx.Err() != nil { // whatever the database made of it
			failure = context.Cause(ctx)
		}
		if failure != nil {
			var none T
			yield(none, fmt.Errorf("reading Barong's database %s: %w", d.name, d.withoutData(failure)))
		}
	}
}

// userReader assembles users of one snapshot.
type userReader struct {
	db        *DB
	snapshot  *snapshot
	shared    sharedNumbers
	words     words
	names     []labelName // of one user, reused
	encrypted bool        // the numbers of phones

	users, labels, phones, profiles statement
}

func newUserReader(ctx context.Context, d *DB, s *snapshot) (*userReader, error) {
	columns := d.schema
	_, encrypted := columns.column("phones", "number")
	r := &userReader{
		db: d, snapshot: s, words: words{}, encrypted: encrypted,
		labels:   d.rangeOfUsers("labels", "id", "key", "value", "scope", "description", "created_at", "updated_at"),
		phones:   d.rangeOfUsers("phones", "id", "number", "validated_at", "created_at", "updated_at"),
		profiles: d.rangeOfUsers("profiles", "id", "first_name", "last_name", "dob", "address", "postcode", "city", "country", "metadata", "created_at", "updated_at", "state"),
	}
	selected := columns.names("users", "id", "uid", "email", "password_digest", "role", "data", "level", "otp", "state", "referral_id", "created_at", "updated_at")
	_, hasReferrers := columns.columns["users"]["referral_id"]
	if !hasReferrers {
		selected = append(selected, "NULL")
	} else {
		selected = append(selected, "referrers.uid")
	}
	r.users = compile(d.dialect, selected, func(b sq.SelectBuilder) sq.SelectBuilder {
		if b = b.From("users"); hasReferrers {
			b = b.LeftJoin("users referrers ON referrers.id = users.referral_id")
		}
		return b.Where("users.id > ?", 0).OrderBy("users.id").Suffix("LIMIT ?", 0)
	})
	var err error
	r.shared, err = findSharedNumbers(ctx, d, s)
	return r, err
}

// rangeOfUsers selects the rows of a table that belong to users of a range of ids, sorted by user and id.
// The first column is the user's id.
func (d *DB) rangeOfUsers(table string, columns ...string) statement {
	selected := append([]string{table + ".user_id"}, d.schema.names(table, columns...)...)
	return compile(d.dialect, selected, func(b sq.SelectBuilder) sq.SelectBuilder {
		return b.From(table).Where(table+".user_id BETWEEN ? AND ?", 0, 0).OrderBy(table+".user_id", table+".id")
	})
}

// page reads users up to a number.
func (r *userReader) page(ctx context.Context, afterID int64, size int) ([]User, error) {
	page := make([]User, 0, size)
	err := r.snapshot.read(ctx, r.users, func(c cells) error {
		u, err := r.user(c)
		page = append(page, u)
		return err
	}, afterID, size)
	if err != nil || len(page) == 0 {
		return nil, err
	}
	for _, add := range []func(context.Context, []User) error{r.addLabels, r.addPhones, r.addProfiles} {
		if err := add(ctx, page); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// user reads a row of users.
func (r *userReader) user(c cells) (u User, err error) {
	if u.ID, err = c.integer(0); err != nil {
		return u, err
	}
	level, err := c.integer(6)
	if err != nil {
		return u, fmt.Errorf("the level of the user with the id %d: %w", u.ID, err)
	}
	u.UID, u.Email, u.PasswordDigest, u.Role, u.Data = c.text(1), c.text(2), c.text(3), r.words.of(c[4]), c.optional(5)
	u.Level, u.OTP, u.State, u.ReferralUID = int(level), c.boolean(7), r.words.of(c[8]), c.optional(12)
	if c[9] != nil && u.ReferralUID == nil {
		u.note("the user who invited this one is no longer there")
	}
	u.CreatedAt, u.UpdatedAt = r.times(c, 10, time.Unix(0, 0).UTC(), &u, "the user")
	return u, nil
}

// times returns created_at and the next column, updated_at. Each stands in for the other where that is a
// date that does not exist, and fallback for both.
func (r *userReader) times(c cells, i int, fallback time.Time, u *User, of string) (created, updated time.Time) {
	created, isCreated := c.moment(i)
	updated, isUpdated := c.moment(i + 1)
	if isCreated && isUpdated {
		return created, updated
	}
	u.note("a time of %s is a date that does not exist", of)
	switch {
	case isCreated:
		return created, created
	case isUpdated:
		return updated, updated
	default:
		return fallback, fallback
	}
}

func (u *User) note(format string, args ...any) {
	u.Notes = append(u.Notes, fmt.Sprintf(format, args...))
}

// related calls a function with each row of a statement that rangeOfUsers made, and the user that it
// belongs to. Rows of users that are gone are left out.
func (r *userReader) related(ctx context.Context, of statement, page []User, each func(i int, c cells) error) error {
	i := 0
	return r.snapshot.read(ctx, of, func(c cells) error {
		id, err := c.integer(0)
		if err != nil {
			return err
		}
		for page[i].ID < id {
			i++ // the last user of the page has the largest id that is read
		}
		if page[i].ID != id {
			return nil
		}
		return each(i, c)
	}, page[0].ID, page[len(page)-1].ID)
}

// words keeps one string of each text that many rows have, such as a role.
type words map[string]string

// maxWords bounds the memory of words.
const maxWords = 4096

func (w words) of(text []byte) string {
	if word, ok := w[string(text)]; ok { // without an allocation
		return word
	}
	word := string(text)
	if len(w) < maxWords && len(word) <= 64 {
		w[word] = word
	}
	return word
}
