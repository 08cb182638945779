package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/internal/auth"
)

// keys is a folder with a key for each signer, and the keychain that knows them:
// backend-1 must sign everything, backend-2 labels too.
var keys = sync.OnceValues(func() (folder string, keychain *auth.Keychain) {
	folder, err := os.MkdirTemp("", "barong-client-")
	must(err)
	var file strings.Builder
	file.WriteString("keychain:\n")
	for name, algorithm := range map[string]string{"backend-1": "RS256", "backend-2": "ES256"} {
		private, value, err := signing.GenerateKey(algorithm)
		must(err)
		must(os.WriteFile(filepath.Join(folder, name+".pem"), private, 0o600))
		file.WriteString(auth.KeychainEntry(name, algorithm, value) + "\n")
	}
	file.WriteString(`
jwt: {verify_jti: true}
scopes:
  any: {permitted_signers: [backend-1, backend-2], mandatory_signers: [backend-1]}
  write_labels: {permitted_signers: [backend-1, backend-2], mandatory_signers: [backend-1, backend-2]}
`)
	keychain, err = auth.ParseKeychain([]byte(file.String()), os.Getenv)
	must(err)
	return folder, keychain
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// startServer starts one that verifies requests as the real one does, and has its
// answers ready. It serves as long as the tests run.
func startServer() (url, folder string) {
	folder, keychain := keys()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", "5f0c2a8e9b7d4c13")
		parameters, err := verified(keychain, r)
		status, body := answerTo(r.URL.Path, parameters)
		if err != nil {
			status, body = http.StatusUnauthorized, `{"error": "`+err.Error()+`"}`
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	return server.URL, folder
}

func verified(keychain *auth.Keychain, r *http.Request) (parameters string, err error) {
	body, err := io.ReadAll(r.Body)
	must(err)
	scope := "any"
	if r.URL.Path == "/api/v2/management/labels" {
		scope = "write_labels"
	}
	parameters = string(body)
	credentials, isEnvelope, err := keychain.ParseEnvelope(r.Context(), body, func([]byte) bool { return true })
	if err != nil {
		return "", err
	}
	if isEnvelope {
		parameters = string(credentials.Data())
	} else if credentials, err = keychain.ParseBearer(r.Header.Get("Authorization")); err != nil {
		return "", err
	}
	id := map[string]string{"/timestamp": "getTimestamp", "/labels": "createLabel", "/users/get": "getUser"}[strings.TrimPrefix(r.URL.Path, "/api/v2/management")]
	_, err = keychain.Authorize(credentials, auth.Operation{ID: id, Scope: scope}, time.Now())
	return parameters, err
}

func answerTo(path, parameters string) (status int, body string) {
	const (
		label = `{"key": "email", "value": "verified", "scope": "private", "created_at": "2026-11-22T07:11:35Z", "updated_at": "2026-11-22T07:11:35Z"}`
		user  = `{"email": "ada@example.com", "uid": "ID873B5CE1D2", "role": "member", "level": 1, "otp": false, "state": "active", "data": null, "profile": null,
			"labels": [` + label + `], "phones": [], "documents": [], "referral_uid": null, "created_at": "2026-11-22T07:11:35Z", "updated_at": "2026-11-22T07:11:35Z"}`
	)
	switch strings.TrimPrefix(path, "/api/v2/management") {
	case "/timestamp":
		return http.StatusCreated, `{"timestamp": 1763794295}`
	case "/labels":
		return http.StatusCreated, label
	case "/users/get":
		if strings.Contains(parameters, "ada@example.com") {
			return http.StatusCreated, user
		}
		return http.StatusNotFound, `{"error": "Record is not found"}`
	default:
		return http.StatusNotFound, `{"error": "Route is not found"}`
	}
}

func TestMain(m *testing.M) {
	status := m.Run()
	folder, _ := keys()
	os.RemoveAll(folder)
	os.Exit(status)
}
