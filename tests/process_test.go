package tests

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestServerWithNothingConfiguredServesAndCleansUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := map[string]string{"BARONG_DATA_DIR": dir}
	p := serveAtTerminal(t, settings)
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := status(t, "http://"+p.admin+path); got != http.StatusOK {
			t.Errorf("%s: %d", path, got)
		}
	}

	// The command that it prints works as it stands.
	greeting := regexp.MustCompile(`curl -X POST (\S+) -H '([^:]+): ([^']+)' -d '([^']+)' -H '([^:]+): ([^']+)'`).FindStringSubmatch(p.log.String())
	if greeting == nil {
		t.Fatalf("no curl command in\n%s", p.log)
	}
	request, err := http.NewRequest(http.MethodPost, greeting[1], strings.NewReader(greeting[4]))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(greeting[2], greeting[3])
	request.Header.Set(greeting[5], greeting[6])
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, response); got.status != http.StatusCreated || string(got.body) != "[]\n" {
		t.Errorf("the command that was printed: %s", got)
	}

	// And so do the commands of the command line, without any option.
	settings["BARONG_URL"] = "http://" + p.public
	out, stderr, exit := barong(t, settings, "call", "importUser", "email=ada@example.com", "password_digest="+digest, "first_name=Ada")
	var user map[string]any
	if exit != 0 || json.Unmarshal([]byte(out), &user) != nil || user["email"] != "ada@example.com" {
		t.Fatalf("call importUser: %d %s %s", exit, out, stderr)
	}
	if out, _, exit = barong(t, settings, "call", "importUser", "email=ada@example.com", "password_digest="+digest); exit != 3 || !strings.Contains(out, "User already exists by this email") {
		t.Errorf("a second import: %d %s", exit, out)
	}
	if out, _, exit = barong(t, settings, "migrate", "status"); exit != 0 || !regexp.MustCompile(`(?m)^00001_identity.sql +20\d\d-`).MatchString(out) {
		t.Errorf("migrate status beside a running server: %d %s", exit, out)
	}

	p.signal(syscall.SIGTERM)
	p.stops()
	if files, _ := filepath.Glob(filepath.Join(dir, "postgres", "*", "postmaster.pid")); len(files) != 0 {
		t.Errorf("the private Postgres still runs: %v", files)
	}

	// What was stored is there after a restart.
	p = serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	if out, _, exit = barong(t, settings, "call", "getUser", "uid="+user["uid"].(string)); exit != 0 {
		t.Errorf("after a restart: %d %s", exit, out)
	}
	p.signal(syscall.SIGINT)
	p.stops()
}

// A log that is kept has no token and no key in it, which would be good for whoever
// reads it, in whatever format it is; and one of JSON has nothing but JSON.
func TestServerWithoutAKeychainPutsNoTokenIntoALogThatIsNoTerminal(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	text := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": url, "BARONG_LOG_FORMAT": "text", "BARONG_LOG_LEVEL": "debug"})
	text.signal(syscall.SIGTERM)
	text.stops()
	if log := text.log.String(); strings.Contains(log, "eyJ") || strings.Contains(log, "#key=") || !strings.Contains(log, "no keychain is configured") {
		t.Errorf("the log in text: %s", log)
	}
	p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": url})
	p.signal(syscall.SIGTERM)
	p.stops()
	told := false
	for line := range strings.Lines(p.log.String()) {
		var entry struct{ Msg, Signer string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("%v: %s", err, line)
		}
		told = told || strings.Contains(entry.Msg, "no keychain is configured") && entry.Signer == "development"
	}
	if !told || strings.Contains(p.log.String(), "eyJ") || strings.Contains(p.log.String(), "#key=") {
		t.Errorf("the log: %s", p.log)
	}
}

func TestServerFinishesWhatIsInFlightWhenItIsToldToStop(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": url, "BARONG_UID_PREFIX": "xyz"}
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	out, _, _ := barong(t, settings, "call", "importUser", "email=ada@example.com", "password_digest="+digest)
	uid := decode[map[string]any](t, []byte(out))["uid"].(string)
	if !strings.HasPrefix(uid, "XYZ") {
		t.Errorf("BARONG_UID_PREFIX=xyz gave the uid %s", uid)
	}

	// The request waits for a row that somebody else holds.
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	tx, err := connection.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT 1 FROM users FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, url) // a transaction sees the connections that there were at its first look
	answered := make(chan int, 1)
	go func() {
		_, _, exit := barong(t, settings, "call", "createLabel", "user_uid="+uid, "key=email", "value=verified")
		answered <- exit
	}()
	eventually(t, "the request waits", func() bool {
		var waiting int
		err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting)
		return err == nil && waiting > 0
	})
	p.signal(syscall.SIGTERM)
	eventually(t, "the server is not ready any more", func() bool { return status(t, "http://"+p.admin+"/readyz") == http.StatusServiceUnavailable })
	if got := status(t, "http://"+p.admin+"/healthz"); got != http.StatusOK {
		t.Errorf("healthz while draining: %d", got)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit := <-answered; exit != 0 {
		t.Errorf("the request in flight ended with %d", exit)
	}
	p.stops()
}

func eventually(t testing.TB, what string, true func() bool) {
	t.Helper()
	for range 6000 { // a slow machine, and many tests at once
		if true() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not within a minute: %s", what)
}

func TestReadinessFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": url})
	name := url[strings.LastIndex(url, "/")+1:]
	name, _, _ = strings.Cut(name, "?")
	for _, statement := range []string{
		"ALTER DATABASE " + name + " ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'",
	} {
		if err := admin(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "not ready without a database", func() bool { return status(t, "http://"+p.admin+"/readyz") == http.StatusServiceUnavailable })
	if got := status(t, "http://"+p.admin+"/healthz"); got != http.StatusOK {
		t.Errorf("healthz without a database: %d", got)
	}
	if err := admin(t.Context(), "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ready again", func() bool { return status(t, "http://"+p.admin+"/readyz") == http.StatusOK })
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestWrongSettingsStopTheStartAndAreNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("state_triggers: 5\nkeychain: 5"), 0o600); err != nil {
		t.Fatal(err)
	}
	for setting, value := range map[string]string{
		"BARONG_LISTEN":          "nonsense",
		"BARONG_ADMIN_LISTEN":    "127.0.0.1:99999",
		"DATABASE_URL":           "postgres://%zz",
		"BARONG_MANAGEMENT_API":  broken,
		"BARONG_CONFIG":          broken,
		"BARONG_UID_PREFIX":      "TOOLONGPREFIX",
		"BARONG_PHONE_COUNTRY":   "USA",
		"JWT_PRIVATE_KEY_PATH":   broken,
		"BARONG_OTP_BACKEND":     "paper",
		"BARONG_OTP_KEY":         "nonsense",
		"BARONG_OTP_ISSUER":      "a:b",
		"BARONG_LOG_LEVEL":       "loud",
		"BARONG_LOG_FORMAT":      "xml",
		"BARONG_BODY_LIMIT":      "big",
		"BARONG_REQUEST_TIMEOUT": "-1s",
		"BARONG_DRAIN_TIMEOUT":   "soon",
		"BARONG_BCRYPT_COST":     "99",
		"BARONG_DATA_DIR":        broken,
		"BARONG_PG_BIN":          dir,

		"BARONG_BODY_MEMORY":         "5",
		"BARONG_STORAGE_URL":         "floppy://a",
		"BARONG_STORAGE_URL_TTL":     "200h",
		"BARONG_STORAGE_SIGNING_KEY": "short",
		"BARONG_PUBLIC_URL":          "barong.example",
		"BARONG_DOCUMENTS_KEY":       "file://" + broken,
		"REQUIRED_DOCS_EXPIRE":       "perhaps",

		"OTEL_EXPORTER_OTLP_ENDPOINT": "127.0.0.1:4318",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{"BARONG_DATA_DIR": filepath.Join(dir, setting), setting: value}
			_, stderr, exit := barong(t, settings, "serve")
			if exit != 1 || !strings.Contains(stderr, setting) {
				t.Errorf("%s=%s: %d %s", setting, value, exit, stderr)
			}
		})
	}
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		_, stderr, exit := barong(t, map[string]string{"BARONG_DATA_DIR": dir, "BARONG_LISTEN": address}, "serve")
		if exit != 1 || !strings.Contains(stderr, "BARONG_MANAGEMENT_API is empty") {
			t.Errorf("on %s without a keychain: %d %s", address, exit, stderr)
		}
	}
}

func TestCommandsForSigners(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var keychain, list []string
	for name, algorithm := range map[string]string{"one": "RS256", "two": "ES384", "three": "EdDSA", "four": "HS512", "five": "PS256"} {
		file := filepath.Join(dir, name+".key")
		entry, stderr, exit := barong(t, nil, "keygen", name, "--algorithm", algorithm, "--out", file)
		if exit != 0 {
			t.Fatalf("keygen: %d %s", exit, stderr)
		}
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
			t.Errorf("the private key's file: %v %v", info, err)
		}
		if _, _, exit := barong(t, nil, "keygen", name, "--out", file); exit != 1 {
			t.Errorf("keygen wrote over a key: %d", exit)
		}
		keychain = append(keychain, entry)
		list = append(list, "--signer", name+"="+algorithm+":"+file)
	}
	file := filepath.Join(dir, "management_api.yml")
	content := "keychain:\n" + strings.Join(keychain, "") + "scopes:\n  tools: {permitted_signers: [one, two, three, four, five], mandatory_signers: [one, two, three, four, five]}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, map[string]string{"BARONG_DATA_DIR": dir, "DATABASE_URL": newDatabase(t), "BARONG_MANAGEMENT_API": file})
	settings := map[string]string{"BARONG_URL": "http://" + p.public}
	if strings.Count(p.log.String(), "lacks a scope") != 12 || !strings.Contains(p.log.String(), `"scope":"write_labels","operations":"createLabel deleteLabel updateLabel"`) {
		t.Errorf("the log does not say which operations nobody may call:\n%s", p.log)
	}

	if out, stderr, exit := barong(t, settings, append([]string{"call", "getTimestamp"}, list...)...); exit != 0 || !strings.Contains(out, `"timestamp"`) {
		t.Errorf("call by five signers: %d %s %s", exit, out, stderr)
	}
	envelope, stderr, exit := barong(t, settings, append([]string{"sign", `{"a": 1}`}, list...)...)
	if exit != 0 {
		t.Fatalf("sign: %d %s", exit, stderr)
	}
	response, err := http.Post("http://"+p.public+"/api/v2/management/timestamp", "application/json", strings.NewReader(envelope))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, response); got.status != http.StatusCreated {
		t.Errorf("the envelope of sign: %s", got)
	}
	token, _, exit := barong(t, settings, append([]string{"token"}, list[:2]...)...)
	if exit != 0 || strings.Count(token, ".") != 2 {
		t.Errorf("token: %d %s", exit, token)
	}
	for _, command := range [][]string{{"sign", "{}"}, {"token"}} {
		made, _, exit := barong(t, settings, append(append(command, "--op", "getUser"), list[:2]...)...)
		if exit != 0 || !opens(made, `"op":"getUser"`) {
			t.Errorf("%v --op: %d %s", command, exit, made)
		}
		if _, stderr, exit := barong(t, settings, append(append(command, "--op", "getUsers"), list[:2]...)...); exit != 2 || !strings.Contains(stderr, `did you mean "getUser"?`) {
			t.Errorf("%v --op of no operation: %d %s", command, exit, stderr)
		}
	}
	if _, _, exit := barong(t, settings, append([]string{"token"}, list...)...); exit != 2 {
		t.Errorf("a token of five signers: %d", exit)
	}
	for _, args := range [][]string{
		{"call", "getUser", "--signer", "nobody=" + file},
		{"call", "getUser"}, // no development signer in this folder
		{"sign", "[]", "--signer", list[1]},
	} {
		if out, stderr, exit := barong(t, map[string]string{"BARONG_DATA_DIR": filepath.Join(dir, "none")}, args...); exit != 1 || stderr == "" {
			t.Errorf("%v: %d %s%s", args, exit, out, stderr)
		}
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"serve", "migrate up", "migrate status", "import", "export", "documents sweep", "documents verify", "users recount", "users show", "completion", "check", "keygen", "token", "sign", "call", "otp enroll", "otp import", "otp disable", "otp status", "version"} {
		out, _, exit := barong(t, nil, append(strings.Fields(name), "--help")...)
		if exit != 0 || !strings.Contains(out, "Example:") || !strings.Contains(out, "barong "+name) {
			t.Errorf("%s --help: %d %s", name, exit, out)
		}
	}
	if out, _, exit := barong(t, nil); exit != 0 || !strings.Contains(out, "serve") {
		t.Errorf("no arguments: %d %s", exit, out)
	}
	if out, _, exit := barong(t, nil, "version"); exit != 0 || !strings.Contains(out, "2.3.38") {
		t.Errorf("version: %d %s", exit, out)
	}
}

func TestMigrateBringsAnEmptyDatabaseUpToDate(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": url}
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	if _, err := connection.Exec(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
		t.Fatal(err)
	}
	if out, stderr, exit := barong(t, settings, "migrate", "status"); exit != 0 || !regexp.MustCompile(`(?m)^00001_identity.sql +pending`).MatchString(out) {
		t.Errorf("status before: %d %s %s", exit, out, stderr)
	}
	if out, stderr, exit := barong(t, settings, "migrate", "up"); exit != 0 || !strings.Contains(out, "applied 00001_identity.sql") {
		t.Errorf("up: %d %s %s", exit, out, stderr)
	}
	if out, _, exit := barong(t, settings, "migrate", "up"); exit != 0 || strings.Contains(out, "applied") {
		t.Errorf("up again: %d %s", exit, out)
	}
}

func TestRecountSaysWhatItMended(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": url}
	insertRows(t, newPool(t, url), `INSERT INTO users (uid, email, email_folded, password_digest, created_at, updated_at) VALUES ('ID1', 'a@b', 'a@b', '', now(), now())`)
	for _, want := range []string{"1 users: the count was wrong by -1 and is mended\n", "1 users: the count was right\n"} {
		if out, stderr, exit := barong(t, settings, "users", "recount"); exit != 0 || out != want {
			t.Errorf("recount: %d %s %s", exit, out, stderr)
		}
	}
}

// opens says whether a part of a token or an envelope has a text once it is decoded.
func opens(signed, text string) bool {
	for _, part := range regexp.MustCompile(`[A-Za-z0-9_-]{10,}`).FindAllString(signed, -1) {
		if decoded, err := base64.RawURLEncoding.DecodeString(part); err == nil && strings.Contains(string(decoded), text) {
			return true
		}
	}
	return false
}
