package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"barong/repository"
)

// userFilters are some for the users of populated: frequent, rare and impossible
// ones, alone and together.
func userFilters() []repository.UserFilter {
	level, none := int32(1), int32(7)
	return []repository.UserFilter{
		{Role: "member"},
		{Role: "ADMIN"},
		{State: "Pending"},
		{Level: &level},
		{Level: &level, State: "active"},
		{Level: &none, State: "active"},
		{Country: "de"},
		{FirstName: "ada"},
		{FirstName: "éva"},
		{FirstName: "éva  maria", State: "active", Level: &level},
		{LastName: "last42"},
		{UID: "id77"},
		{Email: " 77@EXAMPLE.com"},
		{Email: "77@example.com", Role: "nobody"},
		{Role: "member", State: "active", Country: "DE", FirstName: "Ada"},
		{State: "banned", Country: "gb"},
	}
}

// meant are the ids of the users that a filter means, worked out from all rows.
func meant(t testing.TB, pool *pgxpool.Pool, filter repository.UserFilter) []int64 {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT u.id, u.uid, u.email, u.role, u.state, u.level, coalesce(p.first_name, ''), coalesce(p.last_name, ''), coalesce(p.country, '')
		FROM users AS u LEFT JOIN profiles AS p ON p.user_id = u.id`)
	if err != nil {
		t.Fatal(err)
	}
	ids := []int64{}
	var id int64
	var level int32
	var uid, email, role, state, first, last, country string
	_, err = pgx.ForEachRow(rows, []any{&id, &uid, &email, &role, &state, &level, &first, &last, &country}, func() error {
		for asked, has := range map[*string]string{
			&filter.UID: uid, &filter.Email: email, &filter.Role: role, &filter.State: state,
			&filter.FirstName: first, &filter.LastName: last, &filter.Country: country,
		} {
			if *asked != "" && !strings.EqualFold(strings.Join(strings.Fields(*asked), " "), has) {
				return nil
			}
		}
		if filter.Level == nil || *filter.Level == level {
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestUsersAreListedByAllThatIsAskedTogether(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		begin := a.clock.Now().Unix()
		eva := a.must("importUser", parametersOf(ada).with("first_name", "Éva Mária")).object(t)["uid"].(string)
		insertRows(t, a.pool, `UPDATE users SET role = 'admin' WHERE uid = $1`, eva)
		a.clock.Advance(time.Minute)
		other := a.must("importUser", parameters{"email": "ANNA@Example.com", "password_digest": digest, "first_name": "Анна", "last_name": "O'Neil", "country": "deu"}).object(t)["uid"].(string)
		a.label(other, "email", "verified")
		a.clock.Advance(time.Minute)
		plain := a.user(nil)
		for _, c := range []struct {
			given parameters
			want  []string
		}{
			{parameters{"role": "member"}, []string{other, plain}},
			{parameters{"role": "Admin"}, []string{eva}},
			{parameters{"role": "nobody"}, []string{}},
			{parameters{"uid": other}, []string{other}},
			{parameters{"uid": strings.ToLower(other)}, []string{other}},
			{parameters{"uid": "ID0000000000"}, []string{}},
			{parameters{"email": " anna@EXAMPLE.com "}, []string{other}},
			{parameters{"email": "no e-mail"}, []string{}},
			{parameters{"first_name": "ÉVA  mária"}, []string{eva}},
			{parameters{"first_name": "АННА"}, []string{other}},
			{parameters{"first_name": "анна", "last_name": "o'neil", "country": "DEU"}, []string{other}},
			{parameters{"first_name": "анна", "country": "de"}, []string{}},
			{parameters{"level": 1}, []string{other}},
			{parameters{"level": "0"}, []string{eva, plain}},
			{parameters{"level": "2147483647"}, []string{}},
			{parameters{"level": 1, "state": "Active"}, []string{other}},
			{parameters{"level": 0, "state": "ACTIVE"}, []string{}},
			{parameters{"state": "pending", "role": "admin"}, []string{eva}},
			{parameters{"state": "pending", "role": nil, "level": nil}, []string{eva, plain}},
			{parameters{"role": "member", "from": begin + 61}, []string{plain}},
			{parameters{"role": "member", "to": begin + 60}, []string{other}},
			{parameters{"country": "deu", "from": begin, "to": begin + 60, "range": "updated"}, []string{other}},
			{parameters{"uid": eva, "email": "anna@example.com"}, []string{}},
			{parameters{"first_name": "%", "last_name": "_", "country": "' OR true --"}, []string{}},
		} {
			for _, extended := range []bool{false, true} {
				got := a.call(f, "listUsers", parametersOf(c.given).with("extended", extended))
				if got.status != http.StatusCreated || !slices.Equal(got.uids(t), c.want) || got.header.Get("Total") != fmt.Sprint(len(c.want)) {
					t.Errorf("%v: %.300s (Total %s), want %v", c.given, got, got.header.Get("Total"), c.want)
				}
			}
		}
		got := a.call(f, "listUsers", parameters{"role": "member", "limit": 1, "page": 2})
		if want := `</api/v2/management/users/list?limit=1&page=1>; rel="first", </api/v2/management/users/list?limit=1&page=1>; rel="prev"`; !slices.Equal(got.uids(t), []string{plain}) || got.header.Get("Link") != want {
			t.Errorf("page 2 is %v with the links %s", got.uids(t), got.header.Get("Link"))
		}
		for given, want := range map[string]string{
			`{"level": "high"}`:        "level is invalid",
			`{"level": -1}`:            "level is invalid",
			`{"level": "2147483648"}`:  "level is invalid",
			`{"level": 1.5}`:           "level is invalid",
			`{"uid": " ", "role": ""}`: "uid is empty, role is empty",
			`{"email": "a\u0000b"}`:    "email is invalid",
			`{"page": 0, "state": "` + strings.Repeat("x", 256) + `", "level": true}`: "page Non positive page, level is invalid, state is invalid",
		} {
			a.call(f, "listUsers", fromJSON(t, given)).refused(t, http.StatusUnprocessableEntity, want)
		}
	})
}

// With few rows the database would rather read all of them.
func TestEveryFilterOfUsersReadsAnIndexOfItsOwn(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	owner := newPool(t, url)
	insertRows(t, owner, `INSERT INTO users (uid, email, email_folded, password_digest, role, level, state, created_at, updated_at)
		SELECT 'ID' || i, i || '@example.com', i || '@example.com', '', 'role' || i, i, 'state' || i, now(), now() FROM generate_series(1, 20000) AS i`)
	insertRows(t, owner, `INSERT INTO profiles (user_id, first_name, last_name, country, state, created_at, updated_at)
		SELECT id, 'first' || id, 'last' || id, 'country' || id, 'partial', now(), now() FROM users`)
	insertRows(t, owner, `ANALYZE`)
	level := int32(5)
	for index, filter := range map[string]repository.UserFilter{
		"users_uid_key":                         {UID: "id5"},
		"users_email_folded_key":                {Email: "5@example.com"},
		"users_lower_role_id_idx":               {Role: "role5"},
		"users_lower_state_id_idx":              {State: "state5"},
		"users_level_id_idx":                    {Level: &level},
		"users_level_state_id_idx":              {Level: &level, State: "state5"},
		"profiles_lower_first_name_user_id_idx": {FirstName: "FIRST5"},
		"profiles_lower_last_name_user_id_idx":  {LastName: "last5"},
		"profiles_lower_country_user_id_idx":    {Country: "Country5"},
	} {
		pool, err := pgxpool.New(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		users, total, err := repository.New(pool).FilterUsers(t.Context(), filter, repository.Range{}, repository.Page{Number: 1, Size: 10})
		pool.Close() // which makes its statistics known
		if err != nil || total != 1 || len(users) != 1 || users[0].Email != "5@example.com" {
			t.Fatalf("%+v: %d users, %v", filter, total, err)
		}
		eventually(t, index+" is read", func() bool {
			var scans int64
			if err := owner.QueryRow(t.Context(), "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = $1", index).Scan(&scans); err != nil {
				t.Fatal(index, err)
			}
			return scans > 0
		})
	}
}

func fromJSON(t testing.TB, text string) (given parameters) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&given); err != nil {
		t.Fatal(err)
	}
	return given
}
