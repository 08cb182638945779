//go:build image

// Package image tests the container image as it is deployed: as a user without
// rights, on a read-only root, with a Postgres beside it.
package image

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// hardened are the options of docker run that docs/deployment.md recommends.
var hardened = []string{"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"}

func image() string { return env("BARONG_TEST_IMAGE", "barong:dev") }

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// try runs docker and returns what it printed, and whether it was content.
func try(args ...string) (output string, ok bool) {
	printed, err := exec.Command("docker", args...).CombinedOutput()
	return strings.TrimSpace(string(printed)), err == nil
}

// docker returns what it printed to standard output; the test ends where it fails.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command("docker", args...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s%s", strings.Join(args, " "), err, output, complaints.Bytes())
	}
	return strings.TrimSpace(string(output))
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("it did not happen that %s", what)
}

// startPostgres runs one on a network of its own and returns the network's name
// and the URL by which containers on it reach the database.
func startPostgres(t *testing.T) (network, url string) {
	t.Helper()
	network = "barong-" + strings.ToLower(rand.Text())
	docker(t, "network", "create", network)
	t.Cleanup(func() { try("network", "rm", network) })
	postgres := docker(t, "run", "--detach", "--network", network, "--network-alias", "postgres",
		"--env", "POSTGRES_USER=barong", "--env", "POSTGRES_PASSWORD=secret", "--env", "POSTGRES_DB=barong",
		env("BARONG_TEST_POSTGRES_IMAGE", "postgres:17-alpine"))
	t.Cleanup(func() { try("rm", "--force", "--volumes", postgres) })
	return network, "postgres://barong:secret@postgres/barong?sslmode=disable"
}

// container is a running server.
type container struct {
	id, origin string
	untilReady time.Duration // from docker run to the first /readyz that is 200
}

// serve runs the image with a folder of configuration and waits until it is ready.
func serve(t *testing.T, network, config string, settings ...string) container {
	t.Helper()
	args := append([]string{
		"run", "--detach", "--network", network, "--publish", "127.0.0.1::8080", "--publish", "127.0.0.1::9080",
		"--volume", config + ":/etc/barong:ro", "--env", "BARONG_ADMIN_LISTEN=:9080",
	}, hardened...)
	for _, setting := range settings {
		args = append(args, "--env", setting)
	}
	began := time.Now()
	c := container{id: docker(t, append(args, image())...)}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := try("logs", c.id)
			t.Logf("the server's log:\n%s", log)
		}
		try("rm", "--force", "--volumes", c.id)
	})
	address := func(port string) string {
		first, _, _ := strings.Cut(docker(t, "port", c.id, port), "\n")
		return "http://" + first
	}
	c.origin = address("8080")
	admin := address("9080")
	eventually(t, "the server is ready", func() bool {
		answer, err := http.Get(admin + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	c.untilReady = time.Since(began)
	return c
}

// configuration is a folder with a keychain file in which the signer smoke may do
// everything; key is the file with that signer's private key.
func configuration(t *testing.T, barong string) (folder, key string) {
	t.Helper()
	folder, key = t.TempDir(), filepath.Join(t.TempDir(), "smoke.pem")
	entry, err := exec.Command(barong, "keygen", "smoke", "--algorithm", "ES256", "--out", key).Output()
	if err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	file.WriteString("keychain:\n")
	file.Write(entry)
	file.WriteString("\njwt: {}\nscopes:\n")
	for _, scope := range []string{"tools", "read_users", "write_users", "read_labels", "write_labels", "write_documents", "otp_sign", "read_phones", "write_phones", "read_service_accounts", "write_service_accounts", "write_apikeys", "write_attachments"} {
		file.WriteString("  " + scope + ": {permitted_signers: [smoke], mandatory_signers: [smoke]}\n")
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "management_api.yml"), []byte(file.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder, key
}

// commandLine takes the program out of the image: one binary is client and server.
func commandLine(t *testing.T, folder string) string {
	t.Helper()
	path := filepath.Join(folder, "bin", "barong")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	id := docker(t, "create", image())
	defer try("rm", "--force", "--volumes", id)
	docker(t, "cp", id+":/barong", path)
	return path
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// readmeSteps is what the README tells a reader to type once the server runs, as
// one script, without the steps at which somebody types a code.
func readmeSteps(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Run it\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var script strings.Builder
	for _, block := range shellBlock.FindAllStringSubmatch(section, -1) {
		if !strings.Contains(block[1], "make run") && !strings.Contains(block[1], "otp") {
			script.WriteString(block[1])
		}
	}
	if script.Len() == 0 {
		t.Fatal("the README has no steps")
	}
	return script.String()
}

func TestReadmeStepsWorkAgainstTheContainer(t *testing.T) {
	work := t.TempDir()
	barong := commandLine(t, work)
	config, key := configuration(t, barong)
	network, database := startPostgres(t)

	// The migration first, as compose and Helm do, and no faster than Postgres starts.
	migrate := append(append([]string{"run", "--rm", "--network", network, "--env", "DATABASE_URL=" + database}, hardened...), image(), "migrate", "up")
	eventually(t, "the schema is up to date", func() bool {
		_, ok := try(migrate...)
		return ok
	})
	server := serve(t, network, config,
		"DATABASE_URL="+database, "BARONG_MANAGEMENT_API=/etc/barong/management_api.yml", "BARONG_PUBLIC_URL=http://127.0.0.1:8080")

	size := docker(t, "image", "inspect", "--format", "{{.Size}}", image())
	t.Logf("the image has %s bytes; ready %s after docker run", size, server.untilReady.Round(time.Millisecond))

	environment := append(os.Environ(), "BARONG_URL="+server.origin, "BARONG_SIGNER=smoke="+key)
	command := func(name string, args ...string) string {
		t.Helper()
		run := exec.Command(name, args...)
		run.Dir, run.Env = work, environment
		var complaints bytes.Buffer
		run.Stderr = &complaints
		output, err := run.Output()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s%s", name, args, err, output, complaints.Bytes())
		}
		return string(output)
	}

	// The README's server is at its default address and has its data here, this one is
	// where the engine put it, and has them inside.
	if err := os.Mkdir(filepath.Join(work, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	here := strings.TrimPrefix(server.origin, "http://")
	steps := strings.ReplaceAll(readmeSteps(t), "127.0.0.1:8080", here)
	steps = strings.ReplaceAll(steps, `"$url"`, `"${url/127.0.0.1:8080/`+here+`}"`)
	// What asks the database itself runs inside, where DATABASE_URL is.
	steps = strings.ReplaceAll(steps, "bin/barong users ", "docker exec "+server.id+" /barong users ")
	printed := command("bash", "-euo", "pipefail", "-c", steps)
	if !strings.Contains(printed, `"state": "active"`) || !strings.Contains(printed, "200 OK") {
		t.Errorf("the account did not get active, or its document was not read:\n%s", printed)
	}

	// One-time codes: the secret is handed out inside, where the key is; the code is checked outside.
	var user struct{ UID string }
	if err := json.Unmarshal([]byte(command(barong, "call", "getUser", "email=ada@example.com")), &user); err != nil {
		t.Fatal(err)
	}
	var enrolled struct{ Secret string }
	if err := json.Unmarshal([]byte(docker(t, "exec", server.id, "/barong", "otp", "enroll", user.UID, "--json", "--yes")), &enrolled); err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(enrolled.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if signed := command(barong, "call", "signOTP", "user_uid="+user.UID, "otp_code="+code); !strings.Contains(signed, `"signatures"`) {
		t.Errorf("signOTP printed %s", signed)
	}

	// As an operator sees it.
	if got := docker(t, "exec", server.id, "/barong", "health"); got == "" {
		t.Error("barong health says nothing")
	}
	eventually(t, "the engine calls it healthy", func() bool {
		return docker(t, "inspect", "--format", "{{.State.Health.Status}}", server.id) == "healthy"
	})
	if got := docker(t, "top", server.id, "-o", "pid,uid"); !strings.HasSuffix(got, "65532") {
		t.Errorf("it does not run as user 65532:\n%s", got)
	}
	docker(t, "stop", "--time", "35", server.id)
	if got := docker(t, "inspect", "--format", "{{.State.ExitCode}}", server.id); got != "0" {
		t.Errorf("it ended with the status %s", got)
	}
}

func TestContainerSaysWhatItLacks(t *testing.T) {
	for name, test := range map[string]struct {
		settings []string
		want     []string
	}{
		"no keychain": {nil, []string{"BARONG_MANAGEMENT_API is empty"}},
		"no database": {[]string{"--env=BARONG_LISTEN=127.0.0.1:8080"}, []string{"DATABASE_URL is empty", "set DATABASE_URL to the PostgreSQL server to use"}},
		"a data folder of somebody else": {
			[]string{"--tmpfs=/data:mode=0755"}, []string{"the server's own key, in /data/otp", "permission denied"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			output, ok := try(append(append(append([]string{"run", "--rm", "--network=none"}, hardened...), test.settings...), image())...)
			if ok {
				t.Fatalf("it ran:\n%s", output)
			}
			for _, want := range test.want {
				if !strings.Contains(output, want) {
					t.Errorf("%q is missing in\n%s", want, output)
				}
			}
		})
	}
}

func TestHealthFailsWhereNoServerIs(t *testing.T) {
	if output, ok := try("run", "--rm", "--network=none", image(), "health"); ok || !strings.Contains(output, "the server does not answer") {
		t.Errorf("%v: %s", ok, output)
	}
}
