//go:build generators

package tests

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"barong/handlers"
)

// servedDocuments are what a server serves for generators: paths by file name.
var servedDocuments = map[string]string{
	"openapi.json":        "/openapi.json",
	"openapi.client.json": "/openapi.client.json",
	"management.json":     handlers.BasePath + "/management.json",
}

// generators are the names that generators/Makefile knows them by, with a phone
// number for a user of each.
var generators = map[string]string{
	"openapi-typescript": "+49 1515 3141591",
	"hey-api":            "+49 1515 3141592",
	"orval":              "+49 1515 3141593",
	"ogen":               "+49 1515 3141594",
	"go-swagger":         "+49 1515 3141595",
	"python":             "+49 1515 3141596",
	"typescript-fetch":   "+49 1515 3141597",
	"ruby":               "+49 1515 3141598",
}

// generatedCalls are what each client has to print: an operation, the status, and
// something that it has decoded. UID stands for that of the user who was imported,
// NAME for the name of the generator.
var generatedCalls = []struct{ operation, status, decoded string }{
	{"getTimestamp", "201", `\d{10}`},
	{"createUser", "201", "pending"},
	{"importUser", "201", "UID"},
	{"createLabel", "201", "unknown"},
	{"updateLabel", "200", "NAME"},
	{"listLabels", "201", "profile,generator"},
	{"filterUsersByLabel", "201", "UID"},
	{"createDocument", "201", "UID"},
	{"getUser", "201", "2099-04-01"},
	{"listUsers", "201", "1985-12-10"},
	{"signOTP", "201", "barong"},
	{"deleteLabel", "201", "generator"},
	{"updateUser", "201", "maker"},
	{"createProfile", "201", "rejected"},
	{"createPhone", "201", "DE"},
	{"listPhones", "201", "DE,DE"},
	{"deletePhone", "201", "DE"},
	{"createServiceAccount", "201", "service_account"},
	{"getServiceAccount", "201", "UID"},
	{"listServiceAccounts", "201", "UID"},
	{"updateServiceAccount", "201", "UID"},
	{"createAPIKey", "201", "trade,history"},
	{"updateAPIKey", "201", "inactive"},
	{"deleteServiceAccount", "201", "disabled"},
	{"createAttachment", "201", "UID"},
	{"createUser refused", "422", `Email is invalid\|Password is too weak`},
	{"getUser refused", "404", "Record is not found"},
}

// TestClientsOfForeignGenerators has generators that are no part of this project make
// clients of the documents as a server serves them, compiles the clients, and lets
// each call every operation with a Bearer token. Of each answer they print the
// status and something that was decoded.
func TestClientsOfForeignGenerators(t *testing.T) {
	called := map[string]bool{}
	for _, call := range generatedCalls {
		called[call.operation] = true
	}
	for _, op := range operations {
		if !called[op.id] {
			t.Errorf("the clients do not call %s", op.id)
		}
	}
	settings := map[string]string{"DATABASE_URL": newDatabase(t), "BARONG_DATA_DIR": t.TempDir(), "BARONG_MGN_API_KEYS_USER": "true"}
	address := freeAddress(t)
	settings["BARONG_LISTEN"], settings["BARONG_PUBLIC_URL"] = address, "http://"+address
	serve(t, settings)
	documents := t.TempDir()
	for name, path := range servedDocuments {
		download(t, "http://"+address+path, filepath.Join(documents, name))
	}
	makeGenerator(t, nil, "install")

	t.Run("generators", func(t *testing.T) {
		for name, phone := range generators {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				environment := []string{"DOCUMENTS=" + documents, "OUT=" + t.TempDir()}
				started := time.Now()
				makeGenerator(t, environment, name)
				t.Logf("generated and compiled in %s", time.Since(started).Round(100*time.Millisecond))
				uid, secret := enrolledForDevelopment(t, settings, "http://"+address)
				environment = append(environment, "BARONG_API=http://"+address+handlers.BasePath, "BARONG_TOKEN="+developmentToken(t, settings),
					"BARONG_GENERATOR="+name, "BARONG_PHONE="+phone, "BARONG_OTP_UID="+uid, "BARONG_OTP_CODE="+codeOf(t, secret, 30*time.Second)) // which is good for a minute at least
				compareCalls(t, name, makeGenerator(t, environment, "call-"+name))
			})
		}
	})
}

func compareCalls(t *testing.T, name, printed string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	if len(lines) != len(generatedCalls) {
		t.Fatalf("the client made %d calls, not %d:\n%s", len(lines), len(generatedCalls), printed)
	}
	uid := `ID[0-9A-F]{10}`
	for i, want := range generatedCalls {
		fields := strings.Split(lines[i], "\t")
		decoded := strings.NewReplacer("UID", uid, "NAME", name).Replace(want.decoded)
		// Languages have conventions of their own: signOTP, signOtp, sign_otp.
		if len(fields) != 3 || !strings.EqualFold(strings.ReplaceAll(fields[0], "_", ""), want.operation) || fields[1] != want.status ||
			!regexp.MustCompile("^(?:"+decoded+")$").MatchString(fields[2]) {
			t.Errorf("printed %q, not %q with %s and %s", lines[i], want.operation, want.status, decoded)
			continue
		}
		if want.decoded == "UID" {
			uid = fields[2]
		}
	}
}

// makeGenerator makes a target of generators/Makefile, and returns what that prints.
func makeGenerator(t *testing.T, environment []string, target string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-C", "generators", target)
	command.Env = append(os.Environ(), environment...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("make %s: %v\n%s%s", target, err, &stdout, &stderr)
	}
	return stdout.String()
}

func download(t *testing.T, url, file string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s (%v)", url, response.Status, err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// developmentToken is a Bearer token of the development signer, who may do everything.
func developmentToken(t *testing.T, settings map[string]string) string {
	t.Helper()
	stdout, stderr, status := barong(t, settings, "token", "--expires", "2m")
	if status != 0 {
		t.Fatal(stderr)
	}
	return strings.TrimSpace(stdout)
}

// enrolledForDevelopment makes an active user with one-time codes.
func enrolledForDevelopment(t *testing.T, settings map[string]string, origin string) (uid, secret string) {
	t.Helper()
	run := func(arguments ...string) []byte {
		stdout, stderr, status := barong(t, settings, arguments...)
		if status != 0 {
			t.Fatalf("%v: %s %s", arguments, stdout, stderr)
		}
		return []byte(stdout)
	}
	user := decode[map[string]any](t, run("call", "importUser", "--server", origin, "email="+unique("enrolled")+"@example.com", "password_digest="+digest))
	uid = fmt.Sprint(user["uid"])
	run("call", "createLabel", "--server", origin, "user_uid="+uid, "key=email", "value=verified")
	return uid, decode[map[string]string](t, run("otp", "enroll", uid, "--json", "--yes"))["secret"]
}
