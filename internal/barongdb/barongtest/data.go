package barongtest

import (
	"hash/crc32"
	"maps"
	"slices"
	"testing"
	"time"

	"barong/internal/barongdb"
)

// UserPassword is the password of every user whose digest is valid.
const UserPassword = "Correct-Horse-17"

// digest is bcrypt's of UserPassword.
const digest = "$2a$11$RxXdeRj7hX6bARdL0MBPbOETyxaqQ6KuZKIJMM6JI3NVaYIOcN962"

// Account is a user and what must be read of it.
type Account struct {
	Want         barongdb.User // Notes are empty
	Notes        int           // how many notes the reader adds
	Irregularity string        // a few words, or "" for an ordinary user
}

// Document is a row of documents, and what must be read of it.
type Document struct {
	ID        int64
	UserID    int64
	UID       string
	Upload    *string
	Type      *string
	Number    *string
	Expire    *time.Time
	Metadata  *string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Data is the content of a database.
type Data struct {
	Accounts  []*Account // in the order of their ids
	Documents []Document
	rows      map[string][]row
	db        *Database
}

// columns of the tables, in the order in which rows have them. Versions that lack one, or have it encrypted,
// are filled by adapt.
var columns = map[string][]string{
	"users":     {"id", "uid", "email", "password_digest", "role", "data", "level", "otp", "state", "referral_id", "created_at", "updated_at"},
	"profiles":  {"id", "user_id", "first_name", "last_name", "dob", "address", "postcode", "city", "country", "state", "metadata", "created_at", "updated_at"},
	"phones":    {"id", "user_id", "country", "number", "code", "validated_at", "created_at", "updated_at"},
	"labels":    {"id", "user_id", "key", "value", "scope", "description", "created_at", "updated_at"},
	"documents": {"id", "user_id", "upload", "doc_type", "doc_number", "doc_expire", "metadata", "created_at", "updated_at"},
}

// encryptedColumns are encrypted in 2.6.
var encryptedColumns = map[string][]string{
	"profiles":  {"first_name", "last_name", "dob", "address"},
	"phones":    {"number"},
	"documents": {"doc_number"},
}

// insert writes all rows.
func (d *Data) insert(t testing.TB) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		names, adapt := d.db.adapt(name)
		rows := func(yield func(row) bool) {
			for _, r := range d.rows[name] {
				if !yield(adapt(r)) {
					return
				}
			}
		}
		if err := d.db.load(t.Context(), name, names, rows); err != nil {
			t.Fatal(err)
		}
		d.db.advance(t, name)
	}
}

// advance makes the next id one that no row has. MariaDB does it itself.
func (d *Database) advance(t testing.TB, name string) {
	if !d.mysql {
		d.Exec(t, "SELECT setval(pg_get_serial_sequence('"+name+"', 'id'), greatest(1, (SELECT max(id) FROM "+name+")))")
	}
}

// adapt returns the columns of a table in this version, and a function that makes its rows of those of
// the list columns.
func (d *Database) adapt(name string) (names []string, adapt func(row) row) {
	type source struct {
		index     int
		encrypted bool
		crc       bool
	}
	var sources []source
	for i, column := range columns[name] {
		switch {
		case column == "data" && d.Schema == V20, column == "description" && d.Schema < V25:
		case d.Schema.encrypted() && slices.Contains(encryptedColumns[name], column):
			names, sources = append(names, column+"_encrypted"), append(sources, source{index: i, encrypted: true})
			if column == "number" || column == "doc_number" {
				names, sources = append(names, column+"_index"), append(sources, source{index: i, crc: true})
			}
		default:
			names, sources = append(names, column), append(sources, source{index: i})
		}
	}
	return names, func(r row) row {
		adapted := make(row, len(sources))
		for i, s := range sources {
			value := plain(r[s.index])
			if date, ok := value.(time.Time); ok && (s.encrypted || s.crc) {
				value = date.Format(time.DateOnly)
			}
			text, _ := value.(string)
			switch {
			case value == nil:
			case s.encrypted:
				value = d.Transit.Encrypt(name+"_"+columns[name][s.index], text)
			case s.crc:
				value = int64(crc32.ChecksumIEEE([]byte(text)))
			}
			adapted[i] = value
		}
		return adapted
	}
}
