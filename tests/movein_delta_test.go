package tests

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"barong/internal/long"
)

// exportedSorted returns the lines of an export without those of some uids, sorted.
func (b bulkFile) exportedSorted(without ...string) []string {
	b.t.Helper()
	exported, _ := b.run(0, "export")
	lines := slices.Collect(strings.Lines(exported))
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return slices.ContainsFunc(without, func(uid string) bool { return strings.HasPrefix(line, `{"uid":"`+uid+`"`) })
	})
	slices.Sort(lines)
	return lines
}

// fresh imports the same source into an empty database.
func (m moveIn) fresh() moveIn {
	m.t.Helper()
	other := moveIn{newBulk(m.t), m.source}
	other.settings["BARONG_IMPORT_FROM"] = m.source.URL
	other.run(0, "import")
	return other
}

// changeAtRandom makes a change that a Barong in use makes, and returns the uid of a user that it
// deletes.
func (m moveIn) changeAtRandom(r *rand.Rand, n, users int) (deleted string) {
	// The first half gives values to later users, and the second half is deleted: a user who is gone there
	// keeps its values here.
	id := 1 + r.IntN(users)
	giver := 1 + r.IntN(users/2)
	later := giver + 1 + r.IntN(users/2)
	exec := func(statement string, args ...any) { m.source.Exec(m.t, statement, args...) }
	switch r.IntN(11) {
	case 0:
		exec("UPDATE users SET email = ? WHERE id = ?", fmt.Sprintf("changed%d@example.com", n), id)
	case 1:
		exec("UPDATE users SET state = 'banned', data = ?, updated_at = '2026-01-01 00:00:00' WHERE id = ?", fmt.Sprint(n), id)
	case 2:
		exec("DELETE FROM labels WHERE user_id = ? AND `key` = 'document'", id)
	case 3:
		exec("UPDATE labels SET value = 'rejected', updated_at = '2026-01-02 00:00:00' WHERE user_id = ? AND `key` = 'phone'", id)
	case 4:
		exec("INSERT INTO labels (user_id, `key`, value, scope, created_at, updated_at) VALUES (?, ?, 'yes', 'public', '2026-01-03 00:00:00', '2026-01-03 00:00:00')",
			id, fmt.Sprintf("step-%d", n))
	case 5:
		exec("UPDATE profiles SET city = 'Kyiv', updated_at = '2026-01-04 00:00:00' WHERE user_id = ?", id)
	case 6:
		exec("DELETE FROM profiles WHERE user_id = ?", id)
	case 7: // the number moves to a later user
		exec("UPDATE phones SET user_id = ? WHERE user_id = ?", later, giver)
	case 8: // the e-mail moves to a later user
		var email string
		if err := m.source.SQL.QueryRowContext(m.t.Context(), "SELECT email FROM users WHERE id = ?", giver).Scan(&email); err != nil {
			m.t.Fatal(err)
		}
		exec("UPDATE users SET email = ? WHERE id = ?", fmt.Sprintf("moved%d@example.com", n), giver)
		exec("UPDATE users SET email = ? WHERE id = ?", email, later)
	case 9:
		exec("INSERT INTO users (uid, email, password_digest, role, level, state, otp, referral_id, created_at, updated_at)"+
			" SELECT ?, ?, password_digest, role, 0, 'active', 1, ?, '2026-01-05 00:00:00', '2026-01-05 00:00:00' FROM users WHERE id = 1",
			fmt.Sprintf("IDNEW%d", n), fmt.Sprintf("new%d@example.com", n), id)
	case 10:
		id = 1 + users/2 + r.IntN(users/2)
		exec("UPDATE users SET referral_id = NULL WHERE referral_id = ?", id)
		exec("DELETE FROM users WHERE id = ?", id)
		return fmt.Sprintf("ID%010X", id)
	}
	return ""
}

func TestAThousandChangesInBarongComeOverWithTheNextRun(t *testing.T) {
	long.Test(t)
	t.Parallel()
	const users = 3000
	m := newMoveIn(t)
	m.source.Bulk(t, users)
	m.run(0, "import", "--batch", "300")
	const seed = 20261130
	r := rand.New(rand.NewPCG(seed, seed))
	var deleted []string
	for n := range 1000 {
		if uid := m.changeAtRandom(r, n, users); uid != "" {
			deleted = append(deleted, uid)
		}
	}
	summary, findings := m.importAll(0, "--batch", "300")
	got, want := m.exportedSorted(deleted...), m.fresh().exportedSorted()
	if !slices.Equal(got, want) {
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Errorf("%d users, and a fresh import has %d\n%s\n%s", len(got), len(want), got[i], want[i])
				break
			}
		}
	}
	slices.Sort(deleted)
	deleted = slices.Compact(deleted)
	var gone []string
	for _, f := range findings {
		if f.Finding == "gone" {
			gone = append(gone, f.UID)
		}
	}
	slices.Sort(gone)
	if !slices.Equal(gone, deleted) {
		t.Errorf("gone: %v, deleted: %v", gone, deleted)
	}
	if again, _ := m.run(0, "import"); !strings.Contains(again, "0 updated, ") || !strings.HasPrefix(again, "0 imported, 0 refused") {
		t.Errorf("%s\nand again: %s", summary, again)
	}
	if wrong := m.count("SELECT abs((SELECT count(*) FROM users) - (SELECT sum(n) FROM user_counts))"); wrong != 0 {
		t.Errorf("the counts differ by %d", wrong)
	}
}

func TestValuesThatUsersExchangeInBarongComeOver(t *testing.T) {
	t.Parallel()
	for _, batch := range []string{"1", "2000"} {
		t.Run(batch, func(t *testing.T) {
			t.Parallel()
			m := newMoveIn(t)
			m.source.Bulk(t, 6)
			m.run(0, "import")
			m.source.Exec(t, "UPDATE users SET email = 'given@example.com' WHERE id = 2")
			m.source.Exec(t, "UPDATE users SET email = 'user2@example.com' WHERE id = 5")
			m.source.Exec(t, "DELETE FROM phones WHERE user_id = 6")
			m.source.Exec(t, "UPDATE phones SET user_id = 6 WHERE user_id = 1")
			if dry, _ := m.run(0, "import", "--dry-run", "--batch", batch); !strings.Contains(dry, "4 would be updated, 2 unchanged") {
				t.Error(dry)
			}
			if out, _ := m.run(0, "import", "--batch", batch); !strings.Contains(out, "4 updated, 2 unchanged") {
				t.Error(out)
			}
			if got, want := m.exportedSorted(), m.fresh().exportedSorted(); !slices.Equal(got, want) {
				t.Errorf("%s\n%s", got, want)
			}
		})
	}
}

func TestUsersWhoChangedHereAreNotOverwrittenUnlessAskedFor(t *testing.T) {
	t.Parallel()
	m := newMoveIn(t)
	m.source.Bulk(t, 5)
	m.run(0, "import")
	uids := []string{"ID0000000001", "ID0000000002", "ID0000000003"}
	insertRows(t, newPool(t, m.url), "UPDATE users SET data = 'changed here' WHERE uid = '"+uids[0]+"'")
	insertRows(t, newPool(t, m.url), "DELETE FROM labels WHERE user_id = (SELECT id FROM users WHERE uid = '"+uids[1]+"') AND key = 'phone'")
	insertRows(t, newPool(t, m.url), "UPDATE users SET data = 'changed here' WHERE uid = '"+uids[2]+"'")
	m.source.Exec(t, "UPDATE users SET role = 'admin' WHERE id IN (1, 2, 4)")

	summary, findings := m.importAll(3)
	if !strings.Contains(summary, "1 updated, 2 unchanged") || !strings.Contains(summary, "2 changed there and here") {
		t.Error(summary)
	}
	var conflicts []string
	for _, f := range findings {
		if f.Finding == "conflict" {
			conflicts = append(conflicts, f.UID)
		}
	}
	if !slices.Equal(conflicts, uids[:2]) {
		t.Errorf("conflicts: %v", conflicts)
	}
	users := m.users()
	if got := users[uids[0]]; got.Role != "member" || got.Data == nil || *got.Data != "changed here" || users["ID0000000004"].Role != "admin" {
		t.Errorf("%+v", got)
	}
	m.importAll(0, "--overwrite")
	users = m.users()
	if got := users[uids[0]]; got.Role != "admin" || got.Data != nil || len(users[uids[1]].Labels) != 3 {
		t.Errorf("%+v", got)
	}
	if got := users[uids[2]]; got.Data == nil || *got.Data != "changed here" {
		t.Error("a user who changed only here was overwritten")
	}
	m.importAll(0)
}

func TestMoveThatIsKilledGoesOnWithoutDuplicatesOrGaps(t *testing.T) {
	long.Test(t)
	t.Parallel()
	const users = 6000
	m := newMoveIn(t)
	m.source.Bulk(t, users)
	args := []string{"import", "--batch", "100", "--report", m.dir + "/report", "--refused", m.dir + "/refused"}
	m.runKilled(10, users, 0, args...)
	m.source.Exec(t, "UPDATE users SET role = 'admin', email = concat('changed', email) WHERE id % 2 = 0")
	m.runKilled(10, users, 0, args...)
	if got, want := m.exportedSorted(), m.fresh().exportedSorted(); !slices.Equal(got, want) {
		t.Errorf("%d users, and %d without kills", len(got), len(want))
	}
	for query, want := range map[string]int64{
		"SELECT count(*) FROM users": users, "SELECT count(*) FROM phones": users, "SELECT count(*) FROM labels": 3 * users,
		"SELECT sum(n) FROM user_counts": users, "SELECT count(*) FROM imported_users": users,
		"SELECT (findings->>'updated')::bigint FROM import_runs": users / 2, "SELECT (findings->>'unchanged')::bigint FROM import_runs": users / 2,
	} {
		if got := m.count(query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}
