package tests

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"barong/internal/identity"
	"barong/repository"
)

// populated is a database with users whose ids leave gaps and reach over several
// blocks of counts, times that are not in the order of ids, and labels: the key
// tier on everybody, a second time in the other scope on some, club on a few.
func populated(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := newPool(t, newDatabase(t))
	insertRows(t, pool, `INSERT INTO users (id, uid, email, email_folded, password_digest, created_at, updated_at)
		SELECT i * 100 + i % 7, 'ID' || i, i || '@example.com', i || '@example.com', '',
			timestamptz '2026-01-01Z' + i * 7919 % 1000 * interval '1 second', timestamptz '2026-01-01Z' + i * 104729 % 1000 * interval '1 second'
		FROM generate_series(1, 3000) AS i`)
	insertRows(t, pool, `INSERT INTO labels (user_id, key, value, scope, created_at, updated_at)
		SELECT id, key, CASE WHEN id % 3 = 0 THEN 'gold' ELSE 'silver' END, scope,
			created_at + (id % 11 + length(scope)) * interval '1 second', updated_at + (id % 13 - length(scope)) * interval '1 second'
		FROM users, (VALUES ('tier', 'private', 1), ('tier', 'public', 4), ('club', 'private', 50)) AS kinds (key, scope, every)
		WHERE id % every = 0`)
	insertRows(t, pool, `UPDATE users SET role = CASE WHEN id % 40 = 0 THEN 'Admin' ELSE role END, level = id % 3,
		state = CASE WHEN id % 5 = 0 THEN 'active' WHEN id % 901 = 0 THEN 'banned' ELSE state END`)
	insertRows(t, pool, `INSERT INTO profiles (user_id, first_name, last_name, country, state, created_at, updated_at)
		SELECT id, CASE id % 4 WHEN 0 THEN 'Ada' WHEN 1 THEN 'ADA' WHEN 2 THEN 'Éva' ELSE 'ÉVA MARIA' END, 'Last' || id % 97,
			CASE WHEN id % 3 = 0 THEN 'DE' ELSE 'gb' END, 'partial', created_at, updated_at FROM users WHERE id % 10 < 8`)
	insertRows(t, pool, `SELECT setval(pg_get_serial_sequence('users', 'id'), 400000)`)
	if _, err := repository.New(pool).RecountUsers(t.Context()); err != nil {
		t.Fatal(err)
	}
	insertRows(t, pool, `ANALYZE`)
	return pool
}

// listing is a list to be read page by page: all users, or those of a filter.
type listing struct {
	filter repository.LabelFilter // of all users where the key is empty
	users  repository.UserFilter  // where that is so
	in     repository.Range
}

func (l listing) read(t testing.TB, repo *repository.Repository, page repository.Page) ([]int64, int64) {
	t.Helper()
	var users []identity.User
	var total int64
	var err error
	if l.filter.Key == "" {
		users, total, err = repo.FilterUsers(t.Context(), l.users, l.in, page)
	} else {
		users, total, err = repo.FilterUsersByLabel(t.Context(), l.filter, l.in, page)
	}
	if err != nil {
		t.Fatalf("%v, page %d: %v", l, page.Number, err)
	}
	ids := make([]int64, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	return ids, total
}

// expected are the ids of the list, worked out from all rows.
func (l listing) expected(t testing.TB, pool *pgxpool.Pool) []int64 {
	t.Helper()
	column, rowsOf := "created_at", "SELECT id, '', '', '', %s FROM users WHERE id = ANY($1)"
	if l.in.Updated {
		column = "updated_at"
	}
	if l.filter.Key != "" {
		rowsOf = "SELECT user_id, key, value, scope, %s FROM labels WHERE user_id = ANY($1)"
	}
	rows, err := pool.Query(t.Context(), fmt.Sprintf(rowsOf, column), meant(t, pool, l.users))
	if err != nil {
		t.Fatal(err)
	}
	type place struct {
		id int64
		at time.Time
	}
	first := map[int64]time.Time{}
	var row place
	var label repository.LabelFilter
	_, err = pgx.ForEachRow(rows, []any{&row.id, &label.Key, &label.Value, &label.Scope, &row.at}, func() error {
		wanted := func(given, has string) bool { return given == "" || given == has }
		if !wanted(l.filter.Key, label.Key) || !wanted(l.filter.Value, label.Value) || !wanted(l.filter.Scope, label.Scope) ||
			l.in.From != nil && row.at.Unix() < *l.in.From || l.in.To != nil && row.at.Unix() > *l.in.To {
			return nil
		}
		if at, known := first[row.id]; !known || row.at.Before(at) {
			first[row.id] = row.at
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var places []place
	for id, at := range first {
		if l.in.From == nil && l.in.To == nil {
			at = time.Time{}
		}
		places = append(places, place{id, at})
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	ids := make([]int64, len(places))
	for i, p := range places {
		ids[i] = p.id
	}
	return ids
}

func listings() []listing {
	first := time.Date(2026, 1, 1, 0, 2, 0, 0, time.UTC).Unix()
	last := first + 600
	var all []listing
	for _, in := range []repository.Range{
		{}, {From: &first}, {To: &last}, {From: &first, To: &last}, {From: &first, To: &last, Updated: true}, {To: &first, From: &last},
	} {
		for _, filter := range []repository.LabelFilter{
			{},
			{Key: "tier"},
			{Key: "tier", Value: "gold"},
			{Key: "tier", Scope: "private"},
			{Key: "tier", Value: "silver", Scope: "public"},
			{Key: "club"},
			{Key: "nobody"},
		} {
			all = append(all, listing{filter: filter, in: in})
		}
		for _, filter := range userFilters() {
			all = append(all, listing{users: filter, in: in})
		}
	}
	return all
}

// Whether a page is asked for out of the blue, after the one before it, or of
// another server than that one: it is the same page.
func TestEveryPageOfEveryListIsWhatTheOrderSays(t *testing.T) {
	t.Parallel()
	pool := populated(t)
	for _, size := range []int64{47, 1000} {
		servers := []*repository.Repository{repository.New(pool), repository.New(pool)}
		for _, l := range listings() {
			want := l.expected(t, pool)
			pages := int64(len(want))/size + 2
			var numbers []int64
			for number := range pages {
				numbers = append(numbers, number+1)
			}
			rand.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
			numbers = numbers[:min(len(numbers), 12)]
			for number := range pages { // in order, with the keys that are remembered
				numbers = append(numbers, number+1)
			}
			for i, number := range numbers {
				got, total := l.read(t, servers[i/5%2], repository.Page{Number: number, Size: size})
				begin := min(int(size*(number-1)), len(want))
				end := min(begin+int(size), len(want))
				if !slices.Equal(got, want[begin:end]) || total != int64(len(want)) {
					t.Fatalf("%+v page %d of %d: %d users %v of %d\nwant %d users %v of %d",
						l, number, size, len(got), got, total, end-begin, want[begin:end], len(want))
				}
			}
		}
	}
}

// Who reads a list page by page gets everybody once who is in it all the while,
// whatever comes before the place where the reader is, or goes from there.
func TestCrawlMissesNobodyAndShowsNobodyTwice(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for _, l := range []listing{
		{},
		{in: repository.Range{From: &from}},
		{filter: repository.LabelFilter{Key: "tier"}},
		{filter: repository.LabelFilter{Key: "tier", Scope: "private"}, in: repository.Range{From: &from}},
		{users: repository.UserFilter{Role: "member", Country: "de"}},
		{users: repository.UserFilter{State: "pending"}, in: repository.Range{From: &from}},
	} {
		t.Run(fmt.Sprint(l.filter.Key, l.users.Role, l.users.State, l.in.From != nil), func(t *testing.T) {
			t.Parallel()
			pool := populated(t)
			repo := repository.New(pool)
			there := l.expected(t, pool)
			var seen []int64
			for number := int64(1); ; number++ {
				ids, _ := l.read(t, repo, repository.Page{Number: number, Size: 50})
				seen = append(seen, ids...)
				if len(ids) < 50 {
					break
				}
				newcomer := newUser(unique("user") + "@example.com")
				newcomer.CreatedAt = time.Now()
				newcomer.UpdatedAt = newcomer.CreatedAt
				newcomer.Labels = []identity.Label{{Key: "tier", Value: "gold", Scope: identity.ScopePrivate}}
				if err := repo.InsertUser(t.Context(), &newcomer, func() string { return unique("NEW") }); err != nil {
					t.Fatal(err)
				}
				if l.filter.Key != "" { // two of those who were shown lose what the filter asks for
					insertRows(t, pool, `DELETE FROM labels WHERE user_id = ANY($1)`, ids[:2])
				}
				if l.users != (repository.UserFilter{}) {
					insertRows(t, pool, `UPDATE users SET role = 'guest', state = 'gone' WHERE id = ANY($1)`, ids[:2])
				}
			}
			slices.Sort(seen)
			if unique := slices.Compact(slices.Clone(seen)); len(unique) != len(seen) {
				t.Errorf("%d users on all pages, %d different ones", len(seen), len(unique))
			}
			for _, id := range there {
				if _, found := slices.BinarySearch(seen, id); !found {
					t.Errorf("user %d was missed", id)
				}
			}
		})
	}
}
