package tests

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"barong/internal/spec"

	"github.com/jackc/pgx/v5"
)

// checked is the report of barong check as a program reads it.
type checked struct {
	Ignored  []struct{ Name string }
	Keychain struct {
		Operations []struct {
			Operation, Scope string
			Mandatory        []string `json:"mandatory_signers"`
			Optional         []string `json:"optional_signers"`
		}
	}
	Rules struct {
		States []struct {
			State string
			Keys  []string
		}
		Ignored []string
	}
	Database struct {
		Where      string
		Reachable  bool
		ReadOnly   bool    `json:"read_only"`
		ClockAhead float64 `json:"clock_ahead_seconds"`
		Schema     int64
		Required   int64 `json:"schema_required"`
	}
	Problems, Warnings []string
}

func checkReport(t *testing.T, folder string, settings map[string]string) (report checked, exit int) {
	t.Helper()
	out, stderr, exit := inFolder(t, folder, settings, "check", "--output", "json")
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s%s", err, out, stderr)
	}
	return report, exit
}

// policied is a folder with a keychain that has no scope write_users, and a barong.yml.
func policied(t *testing.T) (folder string, settings map[string]string) {
	t.Helper()
	folder = t.TempDir()
	if _, stderr, exit := inFolder(t, folder, nil, "keygen", "--keychain", "backend", "auditor", "idle"); exit != 0 {
		t.Fatal(stderr)
	}
	path := filepath.Join(folder, "management_api.yml")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(content)) {
		if !strings.Contains(line, "write_users:") {
			line = strings.Replace(line, "auditor, idle], mandatory_signers: [backend, auditor, idle]", "auditor], mandatory_signers: [backend]", 1)
			kept = append(kept, line)
		}
	}
	kept = append(kept, "  fly: {permitted_signers: [backend], mandatory_signers: [backend]}\n")
	for name, text := range map[string]string{
		"management_api.yml": strings.Join(kept, ""),
		"barong.yml":         "state_triggers: {banned: [fraud, \"ban*\"]}\nstate_tiggers: {}\nuser_storage_titles: []\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, map[string]string{"BARONG_MANAGEMENT_API": "management_api.yml", "BARONG_CONFIG": "barong.yml", "DATABASE_URL": newDatabase(t)}
}

func TestCheckSaysWhoMayCallWhatAndWhatIsIgnored(t *testing.T) {
	t.Parallel()
	folder, settings := policied(t)
	settings["BARONG_LISTN"] = "geheim"
	report, exit := checkReport(t, folder, settings)
	if exit != 0 || len(report.Problems) != 0 {
		t.Errorf("%d %v", exit, report.Problems)
	}
	if len(report.Keychain.Operations) != len(operationIDs()) {
		t.Errorf("%d operations of %d", len(report.Keychain.Operations), len(operationIDs()))
	}
	for _, operation := range report.Keychain.Operations {
		mandatory, optional := []string{"backend"}, []string{"auditor"}
		if operation.Scope == "write_users" {
			mandatory, optional = []string{}, []string{}
		}
		if !slices.Equal(operation.Mandatory, mandatory) || !slices.Equal(operation.Optional, optional) {
			t.Errorf("%v", operation)
		}
	}
	for _, want := range []string{
		"nobody may call createUser and importUser: the keychain has no scope write_users",
		"the signer idle may call nothing: it is in no scope",
		"the keychain has the scope fly, which no operation asks for",
	} {
		if !slices.Contains(report.Warnings, want) {
			t.Errorf("no warning %q in %q", want, report.Warnings)
		}
	}
	if len(report.Ignored) != 1 || report.Ignored[0].Name != "BARONG_LISTN" || !slices.Equal(report.Rules.Ignored, []string{"state_tiggers", "user_storage_titles"}) {
		t.Errorf("ignored: %v, %v", report.Ignored, report.Rules.Ignored)
	}
	if states := report.Rules.States; len(states) != 1 || states[0].State != "banned" || !slices.Equal(states[0].Keys, []string{"fraud", "ban*"}) {
		t.Errorf("states: %v", states)
	}
	d := report.Database
	if !d.Reachable || d.ReadOnly || d.Schema == 0 || d.Schema != d.Required || d.ClockAhead < -1 || d.ClockAhead > 1 {
		t.Errorf("database: %+v", d)
	}
	page, _, _ := inFolder(t, folder, settings, "check")
	for _, want := range []string{"importUser          write_users      nobody\n", "signed by backend; may sign too: auditor", "banned     with a private label fraud, ban*", "BARONG_LISTN  did you mean BARONG_LISTEN?", "state_tiggers is ignored, did you mean state_triggers?", "0 problems, 4 warnings"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "geheim") || strings.Contains(page, "postgres://") {
		t.Errorf("the page has a value:\n%s", page)
	}
}

func TestCheckFailsOnWhatWouldKeepTheServerFromStartingOrWriting(t *testing.T) {
	t.Parallel()
	folder, right := policied(t)
	broken := filepath.Join(folder, "broken.yml")
	if err := os.WriteFile(broken, []byte("state_triggers: 5\nkeychain: 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for setting, c := range map[string]struct{ value, problem string }{
		"BARONG_LISTEN":         {"nonsense", "BARONG_LISTEN must be host:port"},
		"BARONG_BODY_LIMIT":     {"big", "BARONG_BODY_LIMIT"},
		"BARONG_UID_PREFIX":     {"TOOLONGPREFIX", "BARONG_UID_PREFIX"},
		"BARONG_RATE_LIMITS":    {"nobody:*=1/s", "BARONG_RATE_LIMITS"},
		"BARONG_MANAGEMENT_API": {broken, "BARONG_MANAGEMENT_API"},
		"BARONG_CONFIG":         {broken, "state_triggers"},
		"JWT_PRIVATE_KEY_PATH":  {broken, "JWT_PRIVATE_KEY_PATH"},
		"DATABASE_URL":          {"postgres://127.0.0.1:1/barong", "DATABASE_URL"},
	} {
		settings := map[string]string{}
		for name, value := range right {
			settings[name] = value
		}
		settings[setting] = c.value
		report, exit := checkReport(t, folder, settings)
		if exit != 1 || !slices.ContainsFunc(report.Problems, func(problem string) bool { return strings.Contains(problem, c.problem) }) {
			t.Errorf("%s: %d %q", setting, exit, report.Problems)
		}
	}

	connection, err := pgx.Connect(t.Context(), right["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	var name string
	if err := connection.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Exec(t.Context(), "ALTER DATABASE "+name+" SET default_transaction_read_only = on; DROP TABLE goose_db_version"); err != nil {
		t.Fatal(err)
	}
	connection.Close(t.Context())
	report, exit := checkReport(t, folder, right)
	if exit != 1 || !report.Database.ReadOnly || !strings.Contains(strings.Join(report.Problems, "\n"), "the database is read-only") {
		t.Errorf("a database that is read-only: %d %+v", exit, report)
	}
	if report.Database.Schema != 0 || !strings.Contains(strings.Join(report.Warnings, "\n"), "the schema is at version 0") {
		t.Errorf("a database without a schema: %+v", report)
	}
}

// everythingIn is each file of a folder with its size and time.
func everythingIn(t *testing.T, folder string) string {
	t.Helper()
	var found strings.Builder
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			found.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found.String()
}

func TestCheckChangesNothingAndStartsNoPostgres(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	report, exit := checkReport(t, empty, nil)
	if exit != 0 || report.Database.Reachable || !strings.Contains(report.Database.Where, "barong serve makes") || left(t, empty) != nil {
		t.Errorf("in an empty folder: %d %+v, which has %v", exit, report.Database, left(t, empty))
	}

	folder := t.TempDir()
	settings := map[string]string{"BARONG_DATA_DIR": folder}
	p := serve(t, settings)
	if report, exit := checkReport(t, folder, settings); exit != 0 || !report.Database.Reachable {
		t.Errorf("beside a server: %d %+v", exit, report.Database)
	}
	p.signal(syscall.SIGTERM)
	p.stops()
	before := everythingIn(t, folder)
	if report, exit := checkReport(t, folder, settings); exit != 0 || report.Database.Reachable || !strings.Contains(report.Database.Where, "does not run") || len(report.Keychain.Operations) == 0 {
		t.Errorf("after a server: %d %+v", exit, report)
	}
	if after := everythingIn(t, folder); after != before {
		t.Errorf("it changed\n%s\nto\n%s", before, after)
	}
}

func operationIDs() (ids []string) {
	for operation := range spec.Operations(document) {
		ids = append(ids, operation.OperationID)
	}
	return ids
}
