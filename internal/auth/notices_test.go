package auth_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"barong/internal/auth"
)

func TestScopesThatTheFileLacksAreNamedOnceWithTheirOperations(t *testing.T) {
	t.Parallel()
	path, log := filepath.Join(t.TempDir(), "management_api.yml"), &journal{}
	write(t, path, keychainFile(alex()))
	s, err := auth.NewSource(path, slog.New(slog.NewTextHandler(log, nil)), writeLabels,
		auth.Operation{ID: "listUsers", Scope: "read_users"}, auth.Operation{ID: "getUser", Scope: "read_users"}, auth.Operation{ID: "signOTP", Scope: "otp_sign"})
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "# again\n"+keychainFile(alex()))
	s.Reload()
	if log.count("level=WARN") != 2 || log.count(`scope=read_users operations="getUser listUsers"`) != 1 || log.count("scope=otp_sign operations=signOTP") != 1 {
		t.Errorf("%s", &log.text)
	}
}

func TestWhatIsUnusualAboutTokensIsSaidOnceForEachSigner(t *testing.T) {
	t.Parallel()
	s, path, log := source(t)
	sign := func(claims string) {
		t.Helper()
		payload := b64("{" + claims + "}")
		if got, _, err := authorize(t, s.Keychain(), envelope(t, payload, honest(t, alex(), payload))); got != allowed {
			t.Fatalf("%s: %v", claims, err)
		}
	}
	at := func(by time.Duration) string { return fmt.Sprint(now.Add(by).Unix()) }
	sign(`"exp":` + at(24*time.Hour) + `,"iat":` + at(0))
	if log.count("level=WARN") != 0 {
		t.Errorf("a day is no more than a day: %s", &log.text)
	}
	for range 3 {
		sign(`"exp":` + at(25*time.Hour) + `,"iat":` + at(0))
		sign(`"exp":` + at(1000*time.Hour))
	}
	if log.count("level=WARN") != 1 || log.count("more than a day") != 1 || log.count("signer=alex") != 1 || log.count("lifetime=25h0m0s") != 1 {
		t.Errorf("a token of 25 hours: %s", &log.text)
	}
	write(t, path, "# another file\n"+keychainFile(alex()))
	s.Reload()
	for range 3 {
		sign(`"exp":` + fmt.Sprint(now.Add(time.Minute).UnixMilli()))
		sign(`"exp":` + at(1000*time.Hour))
	}
	if log.count("level=WARN") != 2 || log.count("in milliseconds") != 1 {
		t.Errorf("milliseconds: %s", &log.text)
	}
}
