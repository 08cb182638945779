package tests

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// answering runs a command that asks for codes. reply makes the next answer of
// what is printed, which may come a little after the question; "" ends the input.
func answering(t testing.TB, settings map[string]string, reply func(printed fmt.Stringer) string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	c := command(t, settings, args...)
	var out logBuffer
	c.Stdout = &out
	asked, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	input, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var questions strings.Builder
	reader := bufio.NewReader(asked)
	for {
		text, err := reader.ReadByte()
		if err != nil {
			break
		}
		questions.WriteByte(text)
		if strings.HasSuffix(questions.String(), "shows: ") {
			if answer := reply(&out); answer != "" {
				_, _ = io.WriteString(input, answer+"\n")
			} else {
				input.Close()
			}
		}
	}
	_ = c.Wait()
	return out.String(), questions.String(), c.ProcessState.ExitCode()
}

func codeOf(t testing.TB, secret string, distance time.Duration) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(distance))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// activeUser imports a user by the command line and has the e-mail verified.
func activeUser(t testing.TB, settings map[string]string) (uid string) {
	t.Helper()
	out, stderr, exit := barong(t, settings, "call", "importUser", "email="+unique("user")+"@example.com", "password_digest="+digest)
	if exit != 0 {
		t.Fatal(out, stderr)
	}
	uid = decode[map[string]any](t, []byte(out))["uid"].(string)
	if out, stderr, exit := barong(t, settings, "call", "createLabel", "user_uid="+uid, "key=email", "value=verified"); exit != 0 {
		t.Fatal(out, stderr)
	}
	return uid
}

var shownSecret = regexp.MustCompile(`secret  ([A-Z2-7]{32})\n`)

func TestCommandsForOTP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := map[string]string{"BARONG_DATA_DIR": dir, "DATABASE_URL": newDatabase(t), "BARONG_OTP_ISSUER": "Acme & Sons"}
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	uid := activeUser(t, settings)
	signs := func(code string) (string, int) {
		out, _, exit := barong(t, settings, "call", "signOTP", "user_uid="+uid, "otp_code="+code)
		return out, exit
	}
	status := func(want ...string) {
		t.Helper()
		out, stderr, exit := barong(t, settings, "otp", "status", uid)
		for _, part := range want {
			if exit != 0 || !strings.Contains(out, part) {
				t.Errorf("otp status: %d %s%s, without %q", exit, out, stderr, part)
			}
		}
	}
	status("otp                off", "secret             none", "locked             no")

	// Without a right code nothing is changed.
	for name, reply := range map[string]func(fmt.Stringer) string{
		"no code at all": func(fmt.Stringer) string { return "" },
		"wrong codes":    func(fmt.Stringer) string { return "12345x" },
	} {
		if _, stderr, exit := answering(t, settings, reply, "otp", "enroll", uid); exit != 1 || !strings.Contains(stderr, "nothing was changed") {
			t.Errorf("%s: %d %s", name, exit, stderr)
		}
	}
	status("otp                off", "secret             none")

	// With one, otp is on, and that code has counted.
	secret, code := "", ""
	picture := filepath.Join(dir, "code.png")
	out, stderr, exit := answering(t, settings, func(printed fmt.Stringer) string {
		eventually(t, "the secret is printed", func() bool { return shownSecret.MatchString(printed.String()) })
		secret = shownSecret.FindStringSubmatch(printed.String())[1]
		code = codeOf(t, secret, 0)
		return code
	}, "otp", "enroll", uid, "--png", picture)
	if exit != 0 || !strings.Contains(out, "otpauth://totp/Acme%20%26%20Sons:") || !strings.Contains(out, "█") {
		t.Fatalf("otp enroll: %d %s%s", exit, out, stderr)
	}
	if info, err := os.Stat(picture); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the picture: %v %v", info, err)
	}
	if out, exit := signs(code); exit != 3 || !strings.Contains(out, usedCode) {
		t.Errorf("the code that confirmed: %d %s", exit, out)
	}
	if out, exit := signs(codeOf(t, secret, 30*time.Second)); exit != 0 || !strings.Contains(out, `"barong"`) {
		t.Errorf("the next code: %d %s", exit, out)
	}
	if out, exit := signs("000000x"); exit != 3 || !strings.Contains(out, wrongCode) {
		t.Errorf("a wrong code: %d %s", exit, out)
	}
	status("(active)", "otp                on", "secret             stored (postgres)", "failures in a row  1")
	for _, args := range [][]string{{"enroll", uid, "--yes"}, {"import", uid, "JBSWY3DPEHPK3PXP"}} {
		if _, stderr, exit := barong(t, settings, append([]string{"otp"}, args...)...); exit != 1 || !strings.Contains(stderr, "is on already") {
			t.Errorf("%v of a user who is enrolled: %d %s", args, exit, stderr)
		}
	}
	if out, stderr, exit := barong(t, settings, "otp", "disable", uid, "--yes"); exit != 0 || out != "otp of "+uid+" is off\n" {
		t.Errorf("otp disable: %d %s%s", exit, out, stderr)
	}
	if out, exit := signs(code); exit != 3 || !strings.Contains(out, notEnabled) {
		t.Errorf("after otp disable: %d %s", exit, out)
	}

	// For programs.
	out, stderr, exit = barong(t, settings, "otp", "enroll", uid, "--json", "--yes")
	var printed struct{ Secret, URL string }
	if err := json.Unmarshal([]byte(out), &printed); err != nil || exit != 0 || strings.Count(out, "\n") != 1 || !strings.Contains(printed.URL, "?secret="+printed.Secret+"&issuer=Acme%20%26%20Sons&") {
		t.Fatalf("otp enroll --json: %d %s%s %v", exit, out, stderr, err)
	}
	if out, exit := signs(codeOf(t, printed.Secret, 0)); exit != 0 {
		t.Errorf("after --json --yes: %d %s", exit, out)
	}
	barong(t, settings, "otp", "disable", uid, "--yes")
	c := command(t, settings, "otp", "import", uid, "-")
	c.Stdin = strings.NewReader("jbsw y3dp ehpk 3pxp\n")
	if output, err := c.CombinedOutput(); err != nil {
		t.Errorf("otp import: %v %s", err, output)
	}
	if out, exit := signs(codeOf(t, "JBSWY3DPEHPK3PXP", 0)); exit != 0 {
		t.Errorf("after otp import: %d %s", exit, out)
	}
	for _, args := range [][]string{
		{"enroll", "ID0000000000", "--yes"},
		{"import", "ID0000000000", "JBSWY3DPEHPK3PXP"},
		{"disable", "ID0000000000", "--yes"},
		{"status", "ID0000000000"},
		{"import", uid, "not base32!"},
		{"import", uid, "JBSWY3DP"},
	} {
		if out, stderr, exit := barong(t, settings, append([]string{"otp"}, args...)...); exit != 1 || out != "" || stderr == "" {
			t.Errorf("%v: %d %s%s", args, exit, out, stderr)
		}
	}

	// The keys that were made outlive the server.
	keys := func(address string) string {
		response, err := http.Get("http://" + address + "/.well-known/jwks.json")
		if err != nil {
			t.Fatal(err)
		}
		return string(read(t, response).body)
	}
	before := keys(p.public)
	for _, name := range []string{"signing.pem", "secrets.key"} {
		if info, err := os.Stat(filepath.Join(dir, "otp", name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	p.signal(os.Interrupt)
	p.stops()
	p = serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	if after := keys(p.public); after != before {
		t.Errorf("the key is another one now: %s %s", before, after)
	}
	if out, exit := signs(codeOf(t, "JBSWY3DPEHPK3PXP", 30*time.Second)); exit != 0 {
		t.Errorf("after a restart: %d %s", exit, out)
	}
	p.signal(os.Interrupt)
	p.stops()
	if log := p.log.String(); strings.Contains(log, secret) || strings.Contains(log, printed.Secret) {
		t.Error("a secret is in the log")
	}
}

func TestOTPSettingsOfVault(t *testing.T) {
	t.Parallel()
	v := newVaultServer(t, time.Now)
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("stale\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "own.pem")
	if err := os.WriteFile(key, self().private, 0o600); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{
		"BARONG_DATA_DIR": dir, "DATABASE_URL": newDatabase(t), "JWT_PRIVATE_KEY_PATH": key,
		"BARONG_OTP_BACKEND": "vault", "VAULT_ADDR": v.URL, "VAULT_TOKEN_FILE": token, "VAULT_APP_NAME": "barong",
	}
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	uid := activeUser(t, settings)
	enroll := func() (string, string, int) { return barong(t, settings, "otp", "enroll", uid, "--json", "--yes") }
	if out, stderr, exit := enroll(); exit != 1 || !strings.Contains(stderr, "permission denied") {
		t.Errorf("with a stale token: %d %s%s", exit, out, stderr)
	}
	// An agent renews the token; the server need not be told.
	if err := os.WriteFile(token, []byte(vaultToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, stderr, exit := enroll()
	if exit != 0 {
		t.Fatalf("otp enroll: %d %s%s", exit, out, stderr)
	}
	v.mutex.Lock()
	stored := fmt.Sprint(v.keys)
	v.mutex.Unlock()
	secret := decode[map[string]string](t, []byte(out))["secret"]
	if stored != "map[barong_"+uid+":"+secret+"]" {
		t.Errorf("in Vault: %s", stored)
	}
	if out, _, exit := barong(t, settings, "call", "signOTP", "user_uid="+uid, "otp_code="+codeOf(t, secret, 0)); exit != 0 {
		t.Errorf("signOTP: %d %s", exit, out)
	}
	if out, _, exit := barong(t, settings, "otp", "status", uid); exit != 0 || !strings.Contains(out, "stored (vault)") {
		t.Errorf("otp status: %d %s", exit, out)
	}
	if _, stderr, exit := barong(t, settings, "otp", "disable", uid, "--yes"); exit != 0 || len(v.keys) != 0 {
		t.Errorf("otp disable: %d %s %v", exit, stderr, v.keys)
	}
	if _, err := os.Stat(filepath.Join(dir, "otp")); err == nil {
		t.Error("keys were made that nothing needs")
	}
	p.signal(os.Interrupt)
	p.stops()

	settings["VAULT_ADDR"] = "vault:8200"
	if _, stderr, exit := barong(t, settings, "serve"); exit != 1 || !strings.Contains(stderr, "VAULT_ADDR") {
		t.Errorf("without a URL: %d %s", exit, stderr)
	}
}
