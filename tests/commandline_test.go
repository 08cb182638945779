package tests

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// served is a running server, and the settings with which commands find it.
func served(t testing.TB) map[string]string {
	t.Helper()
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t)}
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	return settings
}

func TestACommandLineThatMakesNoSenseNamesTheHelpAndExits2(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key.pem")
	if _, stderr, exit := barong(t, nil, "keygen", "backend", "--out", key); exit != 0 {
		t.Fatal(stderr)
	}
	for _, each := range []struct {
		args []string
		says string
		help string
	}{
		{[]string{"nonsense"}, "unexpected argument nonsense", "barong --help"},
		{[]string{"help", "nonsense"}, "unexpected argument nonsense", "barong --help"},
		{[]string{"otp"}, "expected one of", "barong otp --help"},
		{[]string{"otp", "enrol"}, `did you mean "enroll"?`, "barong otp --help"},
		{[]string{"otp", "enroll"}, "<uid>", "barong otp enroll --help"},
		{[]string{"call", "--nope"}, "unknown flag --nope", "barong call --help"},
		{[]string{"call", "getUsr"}, `there is no operation "getUsr", did you mean "getUser"?`, "barong call --help"},
		{[]string{"call", "flyToTheMoon"}, "there are createAPIKey, createAttachment, createDocument, ", "barong call --help"},
		{[]string{"call", "updateLabel", "replce=false"}, `updateLabel has no parameter "replce", did you mean "replace"?`, "barong call --help"},
		{[]string{"call", "getTimestamp", "zone=UTC"}, "it takes none", "barong call --help"},
		{[]string{"call", "getUser", "nickname=ada"}, "it takes uid, email, phone_num", "barong call --help"},
		{[]string{"call", "getUser", "uid"}, "must be key=value", "barong call --help"},
		{[]string{"call", "getUser", "uid=1", "uid=2"}, "given twice", "barong call --help"},
		{[]string{"call", "getUser", "uid=1", "--signer", "nobody"}, "NAME=FILE", "barong call --help"},
		{[]string{"call", "getUser", "uid=1", "--output", "xml"}, "json, table or jsonpath=EXPR", "barong call --help"},
		{[]string{"call", "getUser", "uid=1", "--output", "jsonpath=$["}, "not a JSONPath", "barong call --help"},
		{[]string{"call", "getUser", "uid=1", "--url", "127.0.0.1:8080"}, "must be a URL", "barong call --help"},
		{[]string{"call", "getUser", "uid=1", "--all"}, "getUser is not one", "barong call --help"},
		{[]string{"call", "listUsers", "page=2", "--all"}, "page asks for one", "barong call --help"},
		{[]string{"token", "--signer", "a=" + key + ",b=" + key}, "a Bearer token has one signer", "barong token --help"},
		{[]string{"import", "users.xls"}, "does not tell the format", "barong import --help"},
		{[]string{"import", "users.csv", "--batch", "0"}, "--batch", "barong import --help"},
		{[]string{"otp", "disable", "ID0000000000"}, "--yes", "barong otp disable --help"},
		{[]string{"documents", "sweep", "--delete"}, "--yes", "barong documents sweep --help"},
		{[]string{"completion", "tcsh"}, `"bash","zsh","fish"`, "barong completion --help"},
	} {
		out, stderr, exit := barong(t, nil, each.args...)
		if exit != 2 || out != "" || !strings.Contains(stderr, each.says) || !strings.HasSuffix(stderr, "\nTry: "+each.help+"\n") {
			t.Errorf("%v: %d %s%s; want %q and %q", each.args, exit, out, stderr, each.says, each.help)
		}
	}
}

func TestHelpAndVersionAreFoundWherePeopleLook(t *testing.T) {
	t.Parallel()
	for _, same := range [][2][]string{
		{{"help"}, {"--help"}},
		{{"help", "call"}, {"call", "--help"}},
		{{"help", "otp", "enroll"}, {"otp", "enroll", "--help"}},
		{{"--version"}, {"version"}},
	} {
		first, _, exit := barong(t, nil, same[0]...)
		second, _, _ := barong(t, nil, same[1]...)
		if exit != 0 || first == "" || first != second {
			t.Errorf("%v: %d %s, and %v: %s", same[0], exit, first, same[1], second)
		}
	}
}

func TestTheExitStatusSaysWhatKindOfFailureItWas(t *testing.T) {
	t.Parallel()
	settings := served(t)
	stranger := filepath.Join(t.TempDir(), "stranger.pem")
	barong(t, nil, "keygen", "stranger", "--out", stranger)
	for _, each := range []struct {
		exit int
		args []string
	}{
		{0, []string{"getTimestamp"}},
		{3, []string{"getUser", "uid=ID0000000000"}},
		{3, []string{"createLabel", "user_uid=ID0000000000"}},
		{4, []string{"getTimestamp", "--signer", "stranger=" + stranger}},
		{5, []string{"getTimestamp", "--url", "http://127.0.0.1:1"}},
	} {
		if out, stderr, exit := barong(t, settings, append([]string{"call"}, each.args...)...); exit != each.exit {
			t.Errorf("call %v: %d %s%s, want %d", each.args, exit, out, stderr, each.exit)
		}
	}
	for status, want := range map[int]int{400: 3, 401: 4, 403: 4, 404: 3, 413: 3, 422: 3, 429: 5, 500: 1, 502: 5, 503: 5, 302: 1} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer server.Close()
		if _, stderr, exit := barong(t, settings, "call", "getTimestamp", "--url", server.URL); exit != want {
			t.Errorf("an answer with %d: %d %s, want %d", status, exit, stderr, want)
		}
	}
}

func TestCallTakesTheServersURLWithAndWithoutThePath(t *testing.T) {
	t.Parallel()
	settings := served(t)
	for _, url := range []string{"", "/", "/api/v2/management", "/api/v2/management/"} {
		if out, stderr, exit := barong(t, settings, "call", "getTimestamp", "--url", settings["BARONG_URL"]+url); exit != 0 {
			t.Errorf("%s: %d %s%s", url, exit, out, stderr)
		}
	}
}

func TestCallAsksTheServerToRefuseUnknownParameters(t *testing.T) {
	t.Parallel()
	asked := ""
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.Header.Get("Prefer") }))
	defer server.Close()
	key := filepath.Join(t.TempDir(), "key.pem")
	barong(t, nil, "keygen", "backend", "--out", key)
	if _, stderr, exit := barong(t, nil, "call", "getTimestamp", "--url", server.URL, "--signer", "backend="+key); exit != 0 || asked != "handling=strict" {
		t.Errorf("Prefer: %q; %d %s", asked, exit, stderr)
	}
}

func TestSeveralSignersFitIntoOneSetting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var signers []string
	for _, name := range []string{"one", "two,and,a.half"} { // a comma in a file's name separates nothing
		file := filepath.Join(dir, name+".pem")
		if _, stderr, exit := barong(t, nil, "keygen", "x", "--algorithm", "ES256", "--out", file); exit != 0 {
			t.Fatal(stderr)
		}
		signers = append(signers, name[:3]+"=ES256:"+file)
	}
	for value, want := range map[string]int{signers[0]: 1, signers[1]: 1, signers[0] + "," + signers[1]: 2, signers[1] + ", " + signers[0]: 2} {
		out, stderr, exit := barong(t, map[string]string{"BARONG_SIGNER": value}, "sign", "{}")
		if exit != 0 || strings.Count(out, `"signature"`) != want {
			t.Errorf("BARONG_SIGNER=%s: %d %s%s, want %d signatures", value, exit, out, stderr, want)
		}
	}
}

func TestCallPrintsTablesAndWhatAJSONPathSelects(t *testing.T) {
	t.Parallel()
	settings := served(t)
	var uids []string
	for range 3 {
		uids = append(uids, activeUser(t, settings))
	}
	call := func(args ...string) (stdout, stderr string) {
		t.Helper()
		stdout, stderr, exit := barong(t, settings, append([]string{"call"}, args...)...)
		if exit != 0 {
			t.Fatalf("call %v: %d %s%s", args, exit, stdout, stderr)
		}
		return stdout, stderr
	}
	table, _ := call("listUsers", "--output", "table")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != 4 || strings.Fields(lines[0])[0] != "EMAIL" || !strings.Contains(lines[2], uids[1]) {
		t.Errorf("the table of users: %s", table)
	}
	if table, _ := call("getUser", "uid="+uids[0], "-o", "table"); !strings.Contains(table, "state         active\n") || !strings.Contains(table, `labels        [{"key":"email"`) {
		t.Errorf("the table of a user: %s", table)
	}
	if out, _ := call("listUsers", "--output", `jsonpath=$[?@.state=="active"].uid`); out != strings.Join(uids, "\n")+"\n" {
		t.Errorf("the uids: %s", out)
	}
	if out, _ := call("getUser", "uid="+uids[0], "--output", "jsonpath=$.level"); out != "1\n" {
		t.Errorf("the level: %s", out)
	}
	// Pages are one list, in every format.
	if out, headers := call("listUsers", "limit=2", "--headers"); !strings.Contains(headers, "\nTotal: 3\n") || !strings.Contains(headers, "\nX-Request-Id: ") ||
		!strings.Contains(headers, `rel="next"`) || len(decode[[]any](t, []byte(out))) != 2 {
		t.Errorf("a page with headers: %s%s", out, headers)
	}
	for _, limit := range []string{"limit=1", "limit=2", "limit=3", "limit=1000"} {
		all, _ := call("listUsers", "--all", limit)
		if users := decode[[]map[string]any](t, []byte(all)); len(users) != 3 || users[2]["uid"] != uids[2] {
			t.Errorf("--all %s: %s", limit, all)
		}
	}
	if out, _ := call("listUsers", "--all", "limit=1", "--output", "jsonpath=$[*].uid"); out != strings.Join(uids, "\n")+"\n" {
		t.Errorf("the uids of all pages: %s", out)
	}
	if out, _ := call("filterUsersByLabel", "--all", "key=nobody"); out != "[]\n" {
		t.Errorf("all of none: %s", out)
	}
	// Scripts get nothing that looks like an answer.
	if out, stderr, exit := barong(t, settings, "call", "getUser", "uid=ID0000000000", "--output", "jsonpath=$.uid"); exit != 3 || out != "" || !strings.Contains(stderr, "Record is not found") {
		t.Errorf("a refused call: %d %q %s", exit, out, stderr)
	}
}

func TestATableLetsNoTextOfAUserActOnTheTerminal(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `[{"uid": "ID1", "data": "\u001b[2Jgone\n\u202eover"}]`)
	}))
	defer server.Close()
	key := filepath.Join(t.TempDir(), "key.pem")
	barong(t, nil, "keygen", "backend", "--out", key)
	out, _, exit := barong(t, nil, "call", "listUsers", "--output", "table", "--url", server.URL, "--signer", "backend="+key)
	if exit != 0 || strings.ContainsAny(out, "\x1b\u202e") || strings.Count(out, "\n") != 2 || !strings.Contains(out, "[2Jgone") {
		t.Errorf("the table: %d %q", exit, out)
	}
}

func TestUsersShowExplainsLevelAndState(t *testing.T) {
	t.Parallel()
	settings := served(t)
	show := func(user string, want ...string) {
		t.Helper()
		out, stderr, exit := barong(t, settings, "users", "show", user)
		for _, part := range want {
			if exit != 0 || !strings.Contains(out, part) {
				t.Errorf("users show %s: %d %s%s, without %q", user, exit, out, stderr, part)
			}
		}
	}
	out, stderr, exit := barong(t, settings, "call", "importUser", "email=Ada@example.com", "password_digest="+digest, "phone=+44 20 7946 0018", "first_name=Ada")
	if exit != 0 {
		t.Fatal(out, stderr)
	}
	uid := decode[map[string]any](t, []byte(out))["uid"].(string)
	label := func(key, value string) {
		t.Helper()
		if out, stderr, exit := barong(t, settings, "call", "updateLabel", "user_uid="+uid, "key="+key, "value="+value); exit != 0 {
			t.Fatal(out, stderr)
		}
	}
	for _, name := range []string{uid, strings.ToLower(uid), "ada@EXAMPLE.com", "+44 20 7946 0018", "00442079460018", "442079460018"} {
		show(name, "uid "+strings.Repeat(" ", 5)+uid, "pending: to be active, the private labels lack email:verified", "0 of 3: no private label gives one", "for level 1 they lack email:verified", "partial: Ada", "+442079460018 (GB), validated")
	}
	label("email", "verified")
	label("document", "verified")
	show(uid, "active: the private labels have email:verified, and set off no trigger", "1 of 3: the private labels have email:verified",
		"for level 2 they lack phone:verified; document:verified does not count before that")
	label("fraud", "suspected")
	show(uid, "banned: the private label fraud sets off the trigger banned (ban, fraud)")
	if out, stderr, exit := barong(t, settings, "users", "show", "nobody@example.com"); exit != 1 || out != "" || !strings.Contains(stderr, `there is no user`) {
		t.Errorf("nobody: %d %s%s", exit, out, stderr)
	}

	// A state that a file gave stays, and is said to.
	file := filepath.Join(t.TempDir(), "users.ndjson")
	row := `{"uid": "IMPORTED1", "email": "bob@example.com", "password_digest": "` + digest + `", "state": "banned", "labels": [{"key": "email", "value": "verified"}]}`
	if err := os.WriteFile(file, []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, exit := barong(t, settings, "import", file); exit != 0 {
		t.Fatal(stderr)
	}
	show("IMPORTED1", "banned, which the labels do not give", "the next change of a private label makes it active")
}

func TestWhatCannotBeUndoneAsksOnATerminal(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("script"); err != nil {
		t.Fatal("this test needs script, of util-linux or the system, which gives a command a terminal")
	}
	settings := served(t)
	uid := activeUser(t, settings)
	if out, stderr, exit := barong(t, settings, "otp", "import", uid, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"); exit != 0 {
		t.Fatal(out, stderr)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range []struct{ answer, says, otp string }{
		{"n\n", "nothing was changed", "on"},
		{"\n", "nothing was changed", "on"},
		{"yes\n", "otp of " + uid + " is off", "off"},
	} {
		terminal := exec.Command("script", "--quiet", "--return", "--command", path+" otp disable "+uid, "/dev/null")
		terminal.Env = command(t, settings).Env
		terminal.Stdin = strings.NewReader(each.answer)
		output, _ := terminal.CombinedOutput()
		if !strings.Contains(string(output), "forget the one-time codes of "+uid) || !strings.Contains(string(output), each.says) {
			t.Errorf("the answer %q: %s", each.answer, output)
		}
		if out, _, _ := barong(t, settings, "otp", "status", uid); !strings.Contains(out, "otp                "+each.otp) {
			t.Errorf("after the answer %q: %s", each.answer, out)
		}
	}
}

// The script runs in a real bash, and must ask a barong that is on the path.
func TestBashCompletesCommandsFlagsOperationsAndParameters(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	script, _, exit := barong(t, nil, "completion", "bash")
	if exit != 0 {
		t.Fatal(exit)
	}
	for line, want := range map[string]string{
		"barong ver":        "version",
		"barong otp en":     "enroll",
		"barong call listU": "listUsers",
		"barong call updateLabel user_uid=ID1 re":       "replace=",
		"barong call getUser em":                        "email=",
		"barong call listUsers --al":                    "--all",
		"barong import --format nd":                     "ndjson",
		"barong import --format=nd":                     "ndjson",
		"barong help otp en":                            "enroll",
		"barong completion z":                           "zsh",
		"barong call --output table createLabel user_u": "user_uid=",
	} {
		program := script + fmt.Sprintf(`
compopt() { :; }
COMP_LINE=%[1]q; COMP_POINT=${#COMP_LINE}
# As readline splits it, at = too.
read -ra COMP_WORDS <<<"${COMP_LINE//=/ = }"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_barong
printf '%%s\n' "${COMPREPLY[@]}"`, line)
		bash := exec.Command("bash", "-c", program)
		bash.Env = append(os.Environ(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"))
		if output, err := bash.CombinedOutput(); err != nil || strings.TrimSpace(string(output)) != want {
			t.Errorf("%s: %v %s, want %s", line, err, output, want)
		}
	}
}

// A list is read to its end though the server refuses a page for a while; what writes is
// sent once.
func TestAllPagesAreFetchedFromAServerThatIsBusyForAWhile(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch n := requests.Add(1); {
		case n == 1, n == 2, strings.HasSuffix(r.URL.Path, "/labels"):
			w.Header().Set("Retry-After", "0")
			status := http.StatusServiceUnavailable
			if n == 1 {
				status = http.StatusTooManyRequests
			}
			w.WriteHeader(status)
			fmt.Fprint(w, `{"error":"later"}`)
		default:
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `[{"uid":"ID1"}]`)
		}
	}))
	defer server.Close()
	key := filepath.Join(t.TempDir(), "key.pem")
	if _, stderr, exit := barong(t, nil, "keygen", "backend", "--out", key); exit != 0 {
		t.Fatal(stderr)
	}
	settings := map[string]string{"BARONG_URL": server.URL, "BARONG_SIGNER": "backend=" + key}
	out, stderr, exit := barong(t, settings, "call", "listUsers", "--all", "--output", "jsonpath=$[*].uid")
	if exit != 0 || out != "ID1\n" || strings.Count(stderr, "the next attempt is in 0s") != 2 || requests.Load() != 3 {
		t.Errorf("exit %d after %d requests: %s%s", exit, requests.Load(), out, stderr)
	}
	if _, _, exit := barong(t, settings, "call", "createLabel", "user_uid=ID1", "key=a", "value=b"); exit != 5 || requests.Load() != 4 {
		t.Errorf("exit %d after %d requests", exit, requests.Load())
	}
}

// Who gets 401 learns where the reason is, and nothing that the client cannot know.
func TestA401SaysWhereTheReasonIs(t *testing.T) {
	t.Parallel()
	settings := served(t)
	key := filepath.Join(t.TempDir(), "key.pem")
	if _, stderr, exit := barong(t, nil, "keygen", "backend", "--out", key); exit != 0 {
		t.Fatal(stderr)
	}
	out, stderr, exit := barong(t, settings, "call", "getTimestamp", "--signer", "backend="+key)
	if exit != 4 || !strings.Contains(out, "error") || !strings.Contains(stderr, "request_id ") || !strings.Contains(stderr, "barong check") {
		t.Errorf("exit %d: %s%s", exit, out, stderr)
	}
}
