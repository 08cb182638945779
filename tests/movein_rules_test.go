package tests

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestABanWithoutALabelOutlastsTheNextLabel(t *testing.T) {
	t.Parallel()
	for _, held := range []bool{true, false} {
		m := newMoveIn(t)
		m.source.Bulk(t, 3)
		m.source.Exec(t, "UPDATE users SET state = 'banned' WHERE id = 2")
		option, want := "--hold-states", "banned"
		if !held {
			option, want = "--no-hold-states", "active"
		}
		summary, findings := m.importAll(0, option)
		if !slices.ContainsFunc(findings, func(f finding) bool {
			return f.Finding == "state" && f.UID == "ID0000000002" && f.State == "banned" && (f.HeldBy == "ban: imported") == held
		}) || !strings.Contains(summary, "1 have another state") {
			t.Errorf("%s %+v", summary, findings)
		}
		if got := m.users()["ID0000000002"].State; got != "banned" {
			t.Errorf("the state is %q", got)
		}
		p := serve(t, m.settings)
		m.settings["BARONG_URL"] = "http://" + p.public
		m.run(0, "call", "createLabel", "user_uid=ID0000000002", "key=tier", "value=gold")
		if got := m.users()["ID0000000002"].State; got != want {
			t.Errorf("%s: after a label the state is %q, want %q", option, got, want)
		}
	}
}

func TestAWrittenFileImportsAsTheDatabaseDoes(t *testing.T) {
	t.Parallel()
	m := newMoveIn(t)
	m.source.Irregular(t, 2, 202)
	file := filepath.Join(m.dir, "users.ndjson")
	m.run(0, "import", "--to", file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if n := m.count("SELECT count(*) FROM pg_tables WHERE tablename = 'imported_users' AND schemaname = 'public'"); n > 0 {
		if n := m.count("SELECT count(*) FROM users"); n != 0 {
			t.Errorf("--to stored %d users", n)
		}
	}
	summary, _ := m.importAll(3, "--lenient")
	other := m.sharing()
	fromFile, _ := other.run(3, "import", file, "--lenient", "--hold-states")
	if got, want := other.exportedSorted(), m.exportedSorted(); !slices.Equal(got, want) {
		t.Errorf("%d users by way of a file, %d without", len(got), len(want))
	}
	if first, _, _ := strings.Cut(fromFile, ","); !strings.HasPrefix(summary, first+",") {
		t.Errorf("%s\n%s", fromFile, summary)
	}
	if got, want := other.read(file+".refused.ndjson"), m.read(filepath.Join(m.dir, "refused.ndjson")); strings.Count(got, "\n") != strings.Count(want, "\n") {
		t.Errorf("refused\n%s\n%s", got, want)
	}
}

func TestADryRunOfAMoveStoresNothingAndFindsTheSame(t *testing.T) {
	t.Parallel()
	m := newMoveIn(t)
	m.source.Irregular(t, 3, 202)
	dry, would := m.importAll(3, "--lenient", "--dry-run", "--batch", "20")
	for _, table := range []string{"users", "labels", "phones", "profiles", "imported_users", "import_runs"} {
		if n := m.count("SELECT count(*) FROM " + table); n != 0 {
			t.Errorf("the dry run left %d rows in %s", n, table)
		}
	}
	out, did := m.importAll(3, "--lenient", "--batch", "20")
	if !slices.Equal(kindsOf(would), kindsOf(did)) {
		t.Errorf("%s\n%s", dry, out)
	}
	if strings.ReplaceAll(dry, "would be ", "") == dry || len(did) == 0 {
		t.Error(dry)
	}
}

func kindsOf(findings []finding) []string {
	list := make([]string, len(findings))
	for i, f := range findings {
		list[i] = f.Finding + f.UID + f.Detail
	}
	slices.Sort(list)
	return list
}
