package barongsql

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"barong/repository"
)

// script exports the users that changed since a time, and returns the script and the users that were
// left out with their reasons.
func script(t *testing.T, repo *repository.Repository, dialect Dialect, since *time.Time) (text string, refused []string, summary Summary) {
	t.Helper()
	var written bytes.Buffer
	summary, err := Export(t.Context(), repo, &written, Options{
		Dialect: dialect, Since: since, Report: func(int64) {},
		Refuse: func(uid string, reasons []string) { refused = append(refused, uid+": "+strings.Join(reasons, ", ")) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return written.String(), refused, summary
}

// everything is all tables that a script changes.
func (i installation) everything(t *testing.T) []string {
	t.Helper()
	at := func(columns ...string) string {
		for n, column := range columns {
			columns[n] = "CAST(" + column + " AS CHAR(19))"
		}
		return strings.Join(columns, ", ")
	}
	key := i.dialect.keyColumn
	var lines []string
	for _, query := range []string{
		"SELECT 'user', u.uid, u.email, u.password_digest, u.role, u.data, u.level, CASE WHEN u.otp THEN 1 ELSE 0 END, u.state, r.uid, " +
			at("u.created_at", "u.updated_at") + " FROM users u LEFT JOIN users r ON r.id = u.referral_id ORDER BY u.id",
		"SELECT 'label', u.uid, l." + key + ", l.value, l.scope, " + at("l.created_at", "l.updated_at") +
			" FROM labels l JOIN users u ON u.id = l.user_id ORDER BY u.id, l." + key + ", l.scope",
		"SELECT 'phone', u.uid, p.country, p.number, " + at("p.validated_at", "p.created_at", "p.updated_at") +
			" FROM phones p JOIN users u ON u.id = p.user_id ORDER BY u.id, p.number",
		"SELECT 'profile', u.uid, p.first_name, p.last_name, CAST(p.dob AS CHAR(10)), p.address, p.postcode, p.city, p.country, p.state, p.metadata, " +
			at("p.created_at", "p.updated_at") + " FROM profiles p JOIN users u ON u.id = p.user_id ORDER BY p.id",
		"SELECT 'document', u.uid, d.id, d.upload, d.doc_type, d.doc_number, CAST(d.doc_expire AS CHAR(10)), d.metadata, " +
			at("d.created_at", "d.updated_at") + " FROM documents d JOIN users u ON u.id = d.user_id ORDER BY d.id",
	} {
		lines = append(lines, i.table(t, query)...)
	}
	return lines
}

const then, now = "2020-01-02 03:04:05", "2026-11-30 02:03:04"

// fillBarong makes the users of an installation before they moved: IDA, who changes afterwards, and IDX,
// who never came over.
func fillBarong(t *testing.T, barong installation) {
	t.Helper()
	key := barong.dialect.keyColumn
	for id, uid := range []string{1: "IDX", 2: "IDA"} {
		if uid != "" {
			barong.Exec(t, "INSERT INTO users (id, uid, email, password_digest, role, data, created_at, updated_at) VALUES (?, ?, ?, ?, 'member', 'kept', ?, ?)",
				id, uid, strings.ToLower(uid)+"@example.com", bcrypt, then, then)
			for _, label := range []string{"email", "gone", "Gone too"} { // Barong admits no blank today
				barong.Exec(t, "INSERT INTO labels (user_id, "+key+", value, scope, created_at, updated_at) VALUES (?, ?, 'pending', 'private', ?, ?)", id, label, then, then)
			}
			barong.Exec(t, "INSERT INTO documents (user_id, upload, doc_type, doc_number, created_at, updated_at) VALUES (?, 'passport.png', 'Passport', 'A1', ?, ?)", id, then, then)
		}
	}
	if barong.dialect.limited {
		barong.Exec(t, "ALTER TABLE users AUTO_INCREMENT = 100")
	} else {
		barong.Exec(t, "SELECT setval('users_id_seq', 100)")
	}
	barong.Exec(t, "INSERT INTO phones (user_id, country, number, code, created_at, updated_at) VALUES (2, 'DE', '+4915100000001', '12345', ?, ?), (2, 'DE', '4915100000009', '1', ?, ?)",
		then, then, then, then)
	for _, name := range []string{"Old", "Ada"} {
		barong.Exec(t, "INSERT INTO profiles (user_id, first_name, city, state, created_at, updated_at) VALUES (2, ?, 'London', 1, ?, ?)", name, then, then)
	}
}

// fill makes the users of this server: IDA as it changed, IDB, which is new, and IDLONG, whose data
// has a byte more than a text of MySQL.
func fill(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	user := "INSERT INTO users (id, uid, email, email_folded, password_digest, role, level, otp, state, referral_id, data, created_at, updated_at) VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
	exec(t, pool, user, 101, "IDB", "o'b\\@example.com", bcrypt, "member", 0, false, "pending", nil, hard, now, now)
	exec(t, pool, user, 7, "IDA", "new@example.com", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA", "admin", 2, true, "banned", 101, nil, then, now)
	exec(t, pool, user, 102, "IDLONG", "long@example.com", bcrypt, "member", 0, false, "pending", nil, strings.Repeat("x", 64<<10), now, now)
	for _, label := range [][3]string{{"email", "verified", "private"}, {"document", "pending", "private"}, {"tier", "gold", "public"}} {
		exec(t, pool, "INSERT INTO labels (user_id, key, value, scope, created_at, updated_at) VALUES (7, $1, $2, $3, $4, $5)", label[0], label[1], label[2], then, now)
	}
	exec(t, pool, "INSERT INTO phones (user_id, country, number, validated_at, created_at, updated_at) VALUES (7, 'DE', '4915100000001', $2, $1, $2), (7, 'FR', '33600000001', NULL, $2, $2), (7, 'DE', '4915100000009', NULL, $1, $2)",
		then, now)
	exec(t, pool, `INSERT INTO profiles (user_id, first_name, last_name, dob, state, metadata, created_at, updated_at) VALUES (7, 'Ada', $3, '1815-12-10', 'partial', '{"ü": "\\"}', $1, $2), (101, 'B', 'B', NULL, 'completed', NULL, $2, $2)`,
		then, now, hard)
	document := "INSERT INTO documents (user_id, doc_type, doc_number, doc_expire, metadata, filename, content_type, size, object, created_at, updated_at) VALUES (7, $1, $2, $3, $4, $5, 'image/png', 1, $6, $7, $7)"
	exec(t, pool, document, "Passport", "A1", nil, nil, "passport.png", "doc-1", then)
	exec(t, pool, document, "Passport", "A2", "2031-02-03", `{"a": "`+strings.ReplaceAll(hard, "\r\n", "")+`"}`, "Ма'рк.png", "doc-2", now)
	exec(t, pool, document, "Passport", "A3", nil, nil, "Ма'рк.png", "doc-3", now)
	exec(t, pool, document, "Passport", "A4", nil, nil, "../../etc/passwd", "doc-4", now)
}

// returned is what Barong has after the return, with what it had in the lines of IDX.
var returned = strings.Split(strings.NewReplacer("BCRYPT", bcrypt, "THEN", then, "NOW", now, "HARD", hard, "INLINE", strings.ReplaceAll(hard, "\r\n", "")).Replace(
	`user|IDX|idx@example.com|BCRYPT|member|kept|0|0|pending|∅|THEN|THEN`+"\x00"+
		`user|IDA|new@example.com|$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA|admin|kept|2|1|banned|IDB|THEN|NOW`+"\x00"+
		`user|IDB|o'b\@example.com|BCRYPT|member|HARD|0|0|pending|∅|NOW|NOW`+"\x00"+
		`label|IDX|Gone too|pending|private|THEN|THEN`+"\x00"+
		`label|IDX|email|pending|private|THEN|THEN`+"\x00"+
		`label|IDX|gone|pending|private|THEN|THEN`+"\x00"+
		`label|IDA|Gone too|pending|private|THEN|THEN`+"\x00"+ // this server cannot hold it
		`label|IDA|document|pending|private|THEN|NOW`+"\x00"+
		`label|IDA|email|verified|private|THEN|NOW`+"\x00"+
		`label|IDA|tier|gold|public|THEN|NOW`+"\x00"+
		`phone|IDA|DE|+4915100000001|NOW|THEN|NOW`+"\x00"+
		`phone|IDA|FR|33600000001|∅|NOW|NOW`+"\x00"+
		`phone|IDA|DE|4915100000009|∅|THEN|THEN`+"\x00"+
		`profile|IDA|Old|∅|∅|∅|∅|London|∅|1|∅|THEN|THEN`+"\x00"+
		`profile|IDA|Ada|HARD|1815-12-10|∅|∅|London|∅|1|{"ü": "\\"}|THEN|NOW`+"\x00"+
		`profile|IDB|B|B|∅|∅|∅|∅|∅|1|∅|NOW|NOW`+"\x00"+
		`document|IDX|1|passport.png|Passport|A1|∅|∅|THEN|THEN`+"\x00"+
		`document|IDA|2|passport.png|Passport|A1|∅|∅|THEN|THEN`+"\x00"+
		`document|IDA|3|Ма'рк.png|Passport|A2|2031-02-03|{"a": "INLINE"}|NOW|NOW`+"\x00"+
		`document|IDA|4|passwd.png|Passport|A4|∅|∅|NOW|NOW`+"\x00"+
		`document|IDA|5|Ма'рк.png|Passport|A3|∅|∅|NOW|NOW`), "\x00")

func TestScriptPutsEveryChangeIntoBarongAndChangesNothingTheSecondTime(t *testing.T) {
	eachDialect(t, func(t *testing.T, barong installation) {
		fillBarong(t, barong)
		repo, pool := newRepository(t)
		fill(t, pool)
		text, refused, summary := script(t, repo, barong.dialect, nil)

		want, wantRefused := slices.Clone(returned), []string{"IDLONG: users.data is longer than 65535 bytes"}
		if !barong.dialect.limited {
			last := "user|IDLONG|long@example.com|" + bcrypt + "|member|" + strings.Repeat("x", 64<<10) + "|0|0|pending|∅|" + now + "|" + now
			want, wantRefused = slices.Insert(want, 3, last), nil
		}
		if !slices.Equal(refused, wantRefused) || summary.Digests != 1 || summary.Documents != 4 || summary.Refused != int64(len(wantRefused)) {
			t.Errorf("left out: %v, %+v", refused, summary)
		}
		copies := []string{
			"doc-1 uploads/document/upload/2/passport.png", "doc-2 uploads/document/upload/3/Ма'рк.png",
			"doc-4 uploads/document/upload/4/passwd.png", "doc-3 uploads/document/upload/5/Ма'рк.png",
		}
		for time := range 2 {
			if got := barong.apply(t, text); !slices.Equal(got, copies) {
				t.Errorf("time %d: files\n%s\nwant\n%s", time, strings.Join(got, "\n"), strings.Join(copies, "\n"))
			}
			differences(t, barong.everything(t), want)
		}
	})
}

func differences(t *testing.T, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)) // databases sort labels in their own ways
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("row %d:\n%q, want\n%q", i, got[i], want[i])
		}
	}
}

func TestScriptThatEndsEarlyChangesNothing(t *testing.T) {
	eachDialect(t, func(t *testing.T, barong installation) {
		fillBarong(t, barong)
		repo, pool := newRepository(t)
		fill(t, pool)
		before := barong.everything(t)
		text, _, _ := script(t, repo, barong.dialect, nil)
		cut, _, found := strings.Cut(text, "COMMIT;")
		if !found {
			t.Fatal("no COMMIT in the script")
		}
		barong.apply(t, cut)
		differences(t, barong.everything(t), before)
	})
}

func TestSinceFindsUsersByTheirOwnTimeAndThoseOfTheirRows(t *testing.T) {
	repo, pool := newRepository(t)
	since := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	late := since.Add(time.Second)
	for i := range 7 {
		exec(t, pool, "INSERT INTO users (id, uid, email, email_folded, password_digest, created_at, updated_at) VALUES ($1, $2, $2, $2, $3, $4, $4)",
			i+1, fmt.Sprintf("ID%d", i+1), bcrypt, since.Add(-time.Second))
	}
	exec(t, pool, "INSERT INTO labels (user_id, key, value, scope, created_at, updated_at) VALUES (2, 'email', 'verified', 'private', $1, $1)", late)
	exec(t, pool, "INSERT INTO phones (user_id, country, number, created_at, updated_at) VALUES (3, 'DE', '49151', $1, $1)", late)
	exec(t, pool, "INSERT INTO profiles (user_id, state, created_at, updated_at) VALUES (4, 'partial', $1, $1)", late)
	exec(t, pool, "INSERT INTO documents (user_id, doc_type, doc_number, filename, content_type, size, object, created_at, updated_at) VALUES (5, '', '', '', '', 1, 'doc', $1, $1)", late)
	exec(t, pool, "UPDATE users SET updated_at = $1 WHERE id = 6", since)
	var uids []string
	err := repo.ExportCompleteUsers(t.Context(), &since, func(page []repository.StoredUser) error {
		for _, u := range page {
			uids = append(uids, u.UID)
		}
		return nil
	})
	if want := []string{"ID2", "ID3", "ID4", "ID5", "ID6"}; err != nil || !slices.Equal(uids, want) {
		t.Errorf("%v %v, want %v", uids, err, want)
	}
}
