package barongtest

import (
	"fmt"
	"testing"
	"time"

	"barong/internal/barongdb"
)

// bulkStart is when the first user of Bulk was made.
var bulkStart = time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)

// BulkUser returns the user with an id that Bulk makes: three labels, a validated phone and a profile.
func BulkUser(id int64) barongdb.User {
	at := bulkStart.Add(time.Duration(id) * time.Minute)
	label := func(key string, days int) barongdb.Label {
		written := at.AddDate(0, 0, days)
		return barongdb.Label{Key: key, Value: "verified", Scope: "private", CreatedAt: written, UpdatedAt: written}
	}
	u := barongdb.User{
		ID: id, UID: fmt.Sprintf("ID%010X", id), Email: fmt.Sprintf("user%d@example.com", id), PasswordDigest: digest, Role: "member", State: "active", Level: 3,
		CreatedAt: at, UpdatedAt: at, Labels: []barongdb.Label{label("email", 0), label("phone", 1), label("document", 2)},
		Phones: []barongdb.Phone{{Number: fmt.Sprintf("49151%08d", 10_000_000+id), ValidatedAt: &at, CreatedAt: at, UpdatedAt: at}},
		Profile: &barongdb.Profile{
			FirstName: new("Ada"), LastName: new(fmt.Sprintf("Lovelace-%d", id)), DOB: new(time.Date(1950+int(id%50), 1+time.Month(id%12), 1+int(id%28), 0, 0, 0, 0, time.UTC)),
			Address: new("Unter den Linden 77"), Postcode: new("10117"), City: new("Berlin"), Country: new("DE"), CreatedAt: at, UpdatedAt: at,
		},
	}
	if id%2 == 0 {
		u.Data = new(`{"language":"en"}`)
	}
	return u
}

// Bulk fills an empty database with the users 1 to n, see [BulkUser].
func (d *Database) Bulk(t testing.TB, n int64) {
	t.Helper()
	for name, rowsOf := range map[string]func(barongdb.User) []row{
		"users": func(u barongdb.User) []row {
			return []row{{u.ID, u.UID, u.Email, u.PasswordDigest, u.Role, u.Data, u.Level, u.OTP, u.State, nil, u.CreatedAt, u.UpdatedAt}}
		},
		"labels": func(u barongdb.User) (rows []row) {
			for i, l := range u.Labels {
				rows = append(rows, row{3*u.ID + int64(i), u.ID, l.Key, l.Value, l.Scope, nil, l.CreatedAt, l.UpdatedAt})
			}
			return rows
		},
		"phones": func(u barongdb.User) []row {
			p := u.Phones[0]
			return []row{{u.ID, u.ID, "DE", p.Number, "12345", p.ValidatedAt, p.CreatedAt, p.UpdatedAt}}
		},
		"profiles": func(u barongdb.User) []row {
			p := u.Profile
			return []row{{u.ID, u.ID, p.FirstName, p.LastName, p.DOB, p.Address, p.Postcode, p.City, p.Country, 1, p.Metadata, p.CreatedAt, p.UpdatedAt}}
		},
	} {
		names, adapt := d.adapt(name)
		rows := func(yield func(row) bool) {
			for id := int64(1); id <= n; id++ {
				for _, r := range rowsOf(BulkUser(id)) {
					if !yield(adapt(r)) {
						return
					}
				}
			}
		}
		if err := d.load(t.Context(), name, names, rows); err != nil {
			t.Fatal(err)
		}
		d.advance(t, name)
	}
	if d.mysql {
		d.Exec(t, "ANALYZE TABLE users, labels, phones, profiles")
	} else {
		d.Exec(t, "ANALYZE")
	}
}
