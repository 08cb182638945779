package tests

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

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
		Extended []struct {
			Scope               string
			Operations, Signers []string
		} `json:"extended_scopes"`
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
		Overlooked []struct {
			Key, Trigger, State string
			Users               int
		} `json:"overlooked_labels"`
	}
	Storage, OTP struct {
		Where     string
		Reachable bool
	}
	Aliases            []struct{ Name, Setting string }
	Problems, Warnings []string
}

func checkReport(t *testing.T, folder string, settings map[string]string) (report checked, exit int) {
	t.Helper()
	out, stderr, exit := inFolder(t, folder, settings, "check", "--output", "json", "--timeout", "1m")
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
		"nobody may call createProfile, createUser, importUser and updateUser: the keychain has no scope write_users",
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
	for _, want := range []string{"importUser            write_users             nobody\n", "signed by backend; may sign too: auditor", "banned     with a private label fraud, ban*", "BARONG_LISTN  did you mean BARONG_LISTEN?", "state_tiggers is ignored, did you mean state_triggers?", "0 problems, 4 warnings"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "geheim") || strings.Contains(page, "postgres://") {
		t.Errorf("the page has a value:\n%s", page)
	}
}

// The scope write_users permits operations that Barong 2.3.38 does not have: an upgrade must not hide it.
func TestSignersWhoGainOperationsAreNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if _, stderr, exit := inFolder(t, folder, nil, "keygen", "--keychain", "backend", "auditor"); exit != 0 {
		t.Fatal(stderr)
	}
	settings := map[string]string{"BARONG_MANAGEMENT_API": filepath.Join(folder, "management_api.yml"), "DATABASE_URL": newDatabase(t), "BARONG_DATA_DIR": folder}
	report, exit := checkReport(t, folder, settings)
	if extended := report.Keychain.Extended; exit != 0 || len(extended) != 1 || extended[0].Scope != "write_users" ||
		!slices.Equal(extended[0].Operations, []string{"createProfile", "updateUser"}) || !slices.Equal(extended[0].Signers, []string{"auditor", "backend"}) {
		t.Errorf("%d %+v", exit, extended)
	}
	for _, name := range report.Keychain.Extended[0].Operations {
		if !slices.Contains(operationIDs(), name) {
			t.Errorf("%s is no operation", name)
		}
	}
	page, _, _ := inFolder(t, folder, settings, "check")
	if want := "In Barong 2.3.38 the scope write_users does not permit createProfile and updateUser: it now does to auditor and backend\n"; !strings.Contains(page, want) {
		t.Errorf("the page lacks %q:\n%s", want, page)
	}
	p := serve(t, settings)
	if want := `"scope":"write_users","operations":"createProfile updateUser","signers":"auditor backend"`; strings.Count(p.log.String(), want) != 1 {
		t.Errorf("the log lacks %s:\n%s", want, p.log)
	}
	p.signal(os.Interrupt)
	p.stops()
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

func TestCheckFindsLabelsThatBanInBarongAlone(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	b.run(0, "import", b.write("users.ndjson", everything))
	for _, key := range []string{"bank_account", "banana", "bandit", "bangle", "banjo", "banker", "frauds", "ban"} {
		b.exec("INSERT INTO labels (user_id, key, value, scope, created_at, updated_at) SELECT id, '" + key + "', 'yes', 'private', now(), now() FROM users")
	}
	b.exec("DELETE FROM labels WHERE key = 'bank_account' AND user_id <> (SELECT min(id) FROM users)")
	report, exit := checkReport(t, b.dir, b.settings)
	if exit != 0 || len(report.Database.Overlooked) != 7 {
		t.Errorf("%d %+v", exit, report.Database)
	}
	if last := report.Database.Overlooked[len(report.Database.Overlooked)-1]; last.Key != "bank_account" || last.Trigger != "ban" || last.State != "banned" || last.Users != 1 {
		t.Errorf("the least frequent: %+v", last)
	}
	found := false
	for _, warning := range report.Warnings {
		found = found || strings.Contains(warning, "banana (begins with ban: banned; 3 users)") && strings.Contains(warning, " and 2 more")
	}
	if !found {
		t.Errorf("no warning in %q", report.Warnings)
	}

	b.settings["BARONG_CONFIG"] = b.write("barong.yml", "state_trigger_match: prefix\n")
	if report, _ := checkReport(t, b.dir, b.settings); len(report.Database.Overlooked) != 0 {
		t.Errorf("by prefix: %+v", report.Database.Overlooked)
	}
}

func TestCheckAsksTheStoreOfDocumentsAndVault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	vault := newVaultServer(t, time.Now)
	settings := map[string]string{
		"BARONG_STORAGE_URL": "file://" + dir, "BARONG_OTP_BACKEND": "vault", "VAULT_ADDRESS": vault.URL, "BARONG_VAULT_TOKEN": vaultToken, "REDIS_URL": "redis://geheim",
	}
	report, exit := checkReport(t, dir, settings)
	if exit != 0 || !report.Storage.Reachable || !report.OTP.Reachable || report.Storage.Where != "file://"+dir || !strings.Contains(report.OTP.Where, vault.URL) {
		t.Errorf("%d %+v %+v %q", exit, report.Storage, report.OTP, report.Problems)
	}
	if len(report.Aliases) != 2 || report.Aliases[1].Name != "VAULT_ADDRESS" || report.Aliases[1].Setting != "VAULT_ADDR" {
		t.Errorf("%+v", report.Aliases)
	}
	page, _, _ := inFolder(t, dir, settings, "check")
	for _, want := range []string{"Documents: in file://" + dir + ", which answers", "One-time codes: in Vault at " + vault.URL + ", which answers", "VAULT_ADDRESS       as VAULT_ADDR"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}

	for _, broken := range []struct{ setting, value, problem string }{
		{"BARONG_VAULT_TOKEN", "s.geheim", "VAULT_ADDR: Vault answered POST /v1/totp/code/barong-check with 403: permission denied"},
		{"VAULT_ADDRESS", "http://127.0.0.1:1", "connection refused"},
		{"BARONG_STORAGE_URL", "file://" + filepath.Join(dir, "missing"), "the store of documents: "},
		{"BARONG_STORAGE_URL", "s3://geheim?region=us-east-1&use_path_style=true&endpoint=http%3A%2F%2F127.0.0.1%3A1", "the store of documents: "},
	} {
		changed := maps.Clone(settings)
		changed[broken.setting] = broken.value
		changed["AWS_ACCESS_KEY_ID"], changed["AWS_SECRET_ACCESS_KEY"] = "id", "geheim"
		report, exit := checkReport(t, dir, changed)
		if exit != 1 || len(report.Problems) != 1 || !strings.Contains(report.Problems[0], broken.problem) || strings.Contains(report.Problems[0], "geheim") {
			t.Errorf("%s=%s: %d %q", broken.setting, broken.value, exit, report.Problems)
		}
	}
	if left(t, dir) != nil {
		t.Errorf("it made %v", left(t, dir))
	}
}
