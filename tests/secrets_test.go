package tests

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// malformed are wrong values of settings, with the word in the place of what is
// secret in them.
func malformed(word string) []map[string]string {
	var all []map[string]string
	for setting, values := range map[string][]string{
		"DATABASE_URL": {
			"postgres://barong:" + word + "@[db/barong", "postgres://barong:a:" + word + "@db:port/barong", "postgres://barong:1/" + word + "@127.0.0.1/barong",
			"postgres://barong:1#" + word + "@127.0.0.1/barong", "postgres://barong:1?" + word + "@127.0.0.1/barong", "postgres://barong:%zz" + word + "@db/barong",
			"host=127.0.0.1 password=a " + word, "password = '" + word, word, "postgres://barong:" + word + "@db/barong?sslmode=" + word,
			"postgres://barong@db/barong?sslkey=" + word + "&sslcert=" + word, "postgres://barong@db/barong?pool_max_conns=" + word, "mysql://barong:" + word + "@db/barong",
		},
		"BARONG_OTP_KEY": {
			word, "base64key://" + word, "base64key:" + word, "base64key:/" + word, "basekey64://" + word, word + "://key", "base64key://%" + word,
			"base64key://" + base64.URLEncoding.EncodeToString([]byte(word)) + "?" + word + "=1", "awskms://" + word + "?" + word + "=1", "base64key://" + word + "\x01",
		},
		"BARONG_DOCUMENTS_KEY": {
			word, "file://" + word, "file:///dev/null/" + word, "base64key://" + word, "basekey64://" + word, word + "://key", "base64key://%" + word, "vault://" + word,
		},
		"BARONG_STORAGE_URL": {
			word, word + "://bucket", "floppy://key:" + word + "@bucket", "s3://key:" + word + "@bucket?" + word + "=1", "s3://bucket?endpoint=%zz" + word,
			"s3://bucket?use_path_style=" + word, "file:///tmp/x?secret_key_path=/" + word, "s3://[" + word,
		},
		"BARONG_STORAGE_SIGNING_KEY": {word},
		"VAULT_ADDR":                 {word, "vault:" + word, "http://root:" + word + "@127.0.0.1:8200", "https://" + word + ":%zz"},
		"BARONG_RATE_LIMITS": {
			word, word + "=1/s", word + ":*=1/s", "*=" + word, "*=1/s burst " + word, "*=1/" + word, "*=1/s,getUser:" + word + "=x",
		},
		"OTEL_EXPORTER_OTLP_ENDPOINT": {word, "http://user:" + word + "@127.0.0.1:1", "https://" + word + "%zz", "grpc://" + word},
		"OTEL_EXPORTER_OTLP_HEADERS":  {word, "authorization=%zz" + word, word + " x=1", "a=1," + word},
		"OTEL_RESOURCE_ATTRIBUTES":    {word},
		"BARONG_MANAGEMENT_API":       {word, "/dev/null/" + word},
		"BARONG_CONFIG":               {word},
		"JWT_PRIVATE_KEY_PATH":        {"-----BEGIN PRIVATE KEY-----\n" + word, word},
		"BARONG_TLS_CERT":             {word},
		"BARONG_TLS_KEY":              {word},
		"BARONG_TLS_CLIENT_CA":        {word},
		"BARONG_PUBLIC_URL":           {word, "https://user:" + word + "@barong.example", "https://barong.example?" + word},
		"BARONG_PG_MIRROR":            {"https://user:" + word + "%zz@registry.example", "https://user:" + word + "@[registry.example"},
		"BARONG_LISTEN":               {word},
		"BARONG_ADMIN_LISTEN":         {word},
		"BARONG_UID_PREFIX":           {word},
		"BARONG_OTP_BACKEND":          {word},
		"BARONG_OTP_ISSUER":           {word + ":"},
		"BARONG_LOG_LEVEL":            {word},
		"BARONG_LOG_FORMAT":           {word},
		"BARONG_DOCS":                 {word},
		"BARONG_BODY_LIMIT":           {word},
		"BARONG_BODY_MEMORY":          {word},
		"BARONG_MAX_IN_FLIGHT":        {word},
		"BARONG_MAX_CONNECTIONS":      {word},
		"BARONG_REQUEST_TIMEOUT":      {word},
		"BARONG_DRAIN_DELAY":          {word},
		"BARONG_DRAIN_TIMEOUT":        {word},
		"BARONG_BCRYPT_COST":          {word},
		"BARONG_STORAGE_URL_TTL":      {word},
		"REQUIRED_DOCS_EXPIRE":        {word},
	} {
		for _, value := range values {
			all = append(all, map[string]string{setting: value})
		}
	}
	for _, setting := range []string{"DATABASE_URL", "BARONG_OTP_KEY", "BARONG_STORAGE_SIGNING_KEY", "BARONG_STORAGE_URL", "BARONG_DOCUMENTS_KEY"} {
		all = append(all, map[string]string{setting + "_FILE": word})
	}
	return all
}

// failingStart is what a server says that is to fail, and the status with which it
// ends; -1 where it starts.
func failingStart(t *testing.T, settings map[string]string) (said string, status int) {
	t.Helper()
	c := command(t, settings, "serve")
	var output logBuffer
	c.Stdout, c.Stderr = &output, &output
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	defer late.Stop()
	_ = c.Wait()
	return output.String(), c.ProcessState.ExitCode()
}

func TestAStartThatFailsRepeatsNoSettingsValue(t *testing.T) {
	t.Parallel()
	const word = "Zaubernuss7"
	url := newDatabase(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("first\n"+word), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := malformed(word)
	for _, setting := range []string{"DATABASE_URL", "BARONG_OTP_KEY", "BARONG_STORAGE_SIGNING_KEY", "BARONG_STORAGE_URL", "BARONG_DOCUMENTS_KEY"} {
		cases = append(cases, map[string]string{setting + "_FILE": file})
	}
	broken := filepath.Join(dir, "barong.yml")
	if err := os.WriteFile(broken, []byte("state_triggers: "+word+"\nlevels: "+word+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases = append(cases, map[string]string{"BARONG_CONFIG": broken})
	places := make(chan struct{}, 2) // a start takes a processor
	for i, wrong := range cases {
		for setting, value := range wrong {
			t.Run(setting+"/"+strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				places <- struct{}{}
				defer func() { <-places }()
				settings := map[string]string{"BARONG_DATA_DIR": filepath.Join(dir, strconv.Itoa(i)), "DATABASE_URL": url, "BARONG_LOG_LEVEL": "debug"}
				switch setting {
				case "VAULT_ADDR":
					settings["BARONG_OTP_BACKEND"] = "vault"
				case "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_RESOURCE_ATTRIBUTES":
					settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
				case "DATABASE_URL_FILE":
					delete(settings, "DATABASE_URL")
				case "BARONG_PG_MIRROR":
					settings["DATABASE_URL"], settings["BARONG_PG_BIN"] = "", dir
				}
				settings[setting] = value
				said, exit := failingStart(t, settings)
				if exit != 1 || strings.Contains(strings.ToLower(said), strings.ToLower(word)) || strings.Contains(said, base64.URLEncoding.EncodeToString([]byte(word))) {
					t.Errorf("%s=%q: %d %s", setting, value, exit, said)
				}
				if setting != "BARONG_PG_MIRROR" && !strings.Contains(said, strings.TrimSuffix(setting, "_FILE")) {
					t.Errorf("%s=%q is not named: %s", setting, value, said)
				}
			})
		}
	}
}
