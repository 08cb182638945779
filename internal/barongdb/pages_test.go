package barongdb_test

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"barong/internal/barongdb"
	"barong/internal/barongdb/barongtest"
	"barong/internal/long"
)

const severalPages = 2500

func TestPagesFollowOneAnother(t *testing.T) {
	long.Test(t)
	for name, d := range map[string]*barongtest.Database{"MariaDB": barongtest.MariaDB(t, barongtest.V23), "Postgres": barongtest.Postgres(t, barongtest.V26)} {
		d.Bulk(t, severalPages)
		db := open(t, d)
		for _, after := range []int64{0, 1, 999, 1000, 1500, 2499, 2500, 9999} {
			users := read(t, db, after)
			if want := max(0, severalPages-int(after)); len(users) != want {
				t.Errorf("%s: %d users after %d", name, len(users), after)
			}
			for i, u := range users {
				want := barongtest.BulkUser(after + int64(i) + 1)
				if d.Schema == barongtest.V26 {
					want.Data = u.Data
					want.Profile.State = "submitted"
				}
				if !reflect.DeepEqual(u, want) {
					t.Fatalf("%s: %s is not %s", name, show(reflect.ValueOf(u)), show(reflect.ValueOf(want)))
				}
			}
		}
	}
}

// What Barong writes during a pass belongs to the next one.
func TestPassReadsOneState(t *testing.T) {
	long.Test(t)
	for name, d := range map[string]*barongtest.Database{"MariaDB": barongtest.MariaDB(t, barongtest.V23), "Postgres": barongtest.Postgres(t, barongtest.V23)} {
		d.Bulk(t, severalPages)
		count := 0
		for u, err := range open(t, d).Users(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if count == 0 {
				// Not blocked by the reader either.
				d.Exec(t, "UPDATE users SET state = 'banned'")
				d.Exec(t, "DELETE FROM labels")
				d.Exec(t, "DELETE FROM users WHERE id > 2000")
			}
			if count++; u.State != "active" || len(u.Labels) != 3 {
				t.Fatalf("%s: %s has changed during the pass", name, u.UID)
			}
		}
		if count != severalPages {
			t.Errorf("%s: %d users", name, count)
		}
	}
}

func TestReaderEndsWithTheLoop(t *testing.T) {
	long.Test(t)
	d := barongtest.MariaDB(t, barongtest.V23)
	d.Bulk(t, severalPages)
	db := open(t, d)
	for range 50 { // more than there are connections
		for _, err := range db.Users(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for running := -1; running != 0; {
		err := d.SQL.QueryRowContext(t.Context(), "SELECT count(*) FROM information_schema.innodb_trx").Scan(&running)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d transactions are open, %v", running, err)
		}
		if running != 0 {
			time.Sleep(200 * time.Millisecond) // InnoDB refreshes the table only when it was not read for 100 ms
		}
	}
}

func TestCancellationIsTheLastError(t *testing.T) {
	for name, d := range map[string]*barongtest.Database{"MariaDB": barongtest.MariaDB(t, barongtest.V23), "Postgres": barongtest.Postgres(t, barongtest.V23)} {
		d.Bulk(t, severalPages)
		ctx, cancel := context.WithCancel(t.Context())
		var last error
		count := 0
		for _, err := range open(t, d).Users(ctx, 0) {
			if count++; count == 10 {
				cancel()
			}
			last = err
		}
		cancel()
		if !errors.Is(last, context.Canceled) || count > severalPages {
			t.Errorf("%s: %v after %d users", name, last, count)
		}
	}
}

func TestSessionOnlyReads(t *testing.T) {
	each(t, func(t *testing.T, d *barongtest.Database) {
		if err := barongdb.TryToWrite(t.Context(), open(t, d)); err == nil || !strings.Contains(strings.ToLower(err.Error()), "read") {
			t.Error(err)
		}
	})
}

// A table that was made for another encoding, or a dump that was loaded as one, has such texts.
func TestTextsThatAreNotUTF8AreRead(t *testing.T) {
	d := barongtest.MariaDB(t, barongtest.V23)
	d.Irregular(t, 1, 2)
	d.Exec(t, "ALTER TABLE users MODIFY data BLOB")
	d.Exec(t, "ALTER TABLE labels MODIFY `key` VARBINARY(255), MODIFY value VARBINARY(255)")
	d.Exec(t, "UPDATE users SET data = x'7b22ff22003a317d'")
	d.Exec(t, "UPDATE labels SET `key` = x'fffe', value = x'00'")
	for _, u := range read(t, open(t, d), 0) {
		if u.Data == nil || *u.Data != "{\"\xff\"\x00:1}" || len(u.Labels) == 0 || u.Labels[0].Value != "\x00" {
			t.Errorf("%q %+v", *u.Data, u.Labels)
		}
	}
}

func TestDatesThatDoNotExistAreNoted(t *testing.T) {
	d := barongtest.MariaDB(t, barongtest.V23)
	d.Bulk(t, 1)
	d.Exec(t, "UPDATE profiles SET dob = '1990-00-00', created_at = '2019-02-00 10:00:00'")
	d.Exec(t, "UPDATE phones SET validated_at = '2019-00-01 00:00:00'")
	d.Exec(t, "UPDATE users SET created_at = 0, updated_at = 0")
	u := read(t, open(t, d), 0)[0]
	if u.Profile.DOB != nil || !u.Profile.CreatedAt.Equal(u.Profile.UpdatedAt) || u.Phones[0].ValidatedAt != nil || u.CreatedAt.Unix() != 0 || u.UpdatedAt.Unix() != 0 || len(u.Notes) != 4 {
		t.Errorf("%s %q", show(reflect.ValueOf(u)), u.Notes)
	}
}

// Rows of users that Barong has deleted stay behind, and do not take a number from anybody.
func TestRowsWithoutAUserCountForNothing(t *testing.T) {
	d := barongtest.MariaDB(t, barongtest.V23)
	d.Bulk(t, 3)
	d.Exec(t, "UPDATE phones SET number = '4915110000001', validated_at = '2021-01-01' + INTERVAL id DAY")
	d.Exec(t, "DELETE FROM users WHERE id = 3")
	users := read(t, open(t, d), 0)
	if len(users) != 2 || users[0].Phones[0].ValidatedAt != nil || users[1].Phones[0].ValidatedAt == nil {
		t.Errorf("%s", show(reflect.ValueOf(users)))
	}
	if notes := users[0].Notes; len(notes) != 1 || !strings.Contains(notes[0], users[1].UID) {
		t.Errorf("%q", notes)
	}
}

// Memory would otherwise be a thousand times what MySQL allows a text.
func TestPagesOfLongTextsAreSmall(t *testing.T) {
	long.Test(t)
	d := barongtest.MariaDB(t, barongtest.V23)
	d.Bulk(t, 400)
	d.Exec(t, "UPDATE users SET data = concat(id, repeat('x', 60000))")
	d.Exec(t, "UPDATE profiles SET metadata = concat(user_id, repeat('y', 60000))")
	db := open(t, d)
	runtime.GC()
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	largest, id := uint64(0), int64(0)
	for u, err := range db.Users(t.Context(), 0) {
		id++
		if err != nil || u.ID != id || len(*u.Data) < 60000 || len(*u.Profile.Metadata) < 60000 {
			t.Fatalf("%s, %v", u.UID, err)
		}
		if id%50 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&during)
			largest = max(largest, during.HeapAlloc-min(before.HeapAlloc, during.HeapAlloc))
		}
	}
	// The first page of 100 users has 12 MB, and the next one is read meanwhile.
	if id != 400 || largest > 24<<20 {
		t.Errorf("%d users in %d bytes", id, largest)
	}
}
