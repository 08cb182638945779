package barong_test

import (
	"encoding/base64"
	"encoding/json"
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
)

// keys returns a directory with a key for each signer, and the keys that verify their
// signatures.
var keys = sync.OnceValues(func() (folder string, keychain map[string]*signing.VerificationKey) {
	folder, err := os.MkdirTemp("", "barong-client-")
	must(err)
	keychain = map[string]*signing.VerificationKey{}
	for name, algorithm := range map[string]string{"backend-1": "RS256", "backend-2": "ES256"} {
		private, value, err := signing.GenerateKey(algorithm)
		must(err)
		must(os.WriteFile(filepath.Join(folder, name+".pem"), private, 0o600))
		keychain[name], err = signing.ParseVerificationKey(algorithm, value)
		must(err)
	}
	return folder, keychain
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// stub is a server that verifies signatures, counts requests and returns fixed responses.
// Requests about labels must also be signed by backend-2.
type stub struct {
	mutex    sync.Mutex
	jtis     []string
	requests map[string]int                                                         // by the path of the operation
	fail     func(operation string, attempt int, w http.ResponseWriter) (done bool) // nil: every request succeeds
}

// startServer starts a stub that runs until the process ends.
func startServer() (url, folder string) {
	url, _ = startStub(nil)
	folder, _ = keys()
	return url, folder
}

func startStub(fail func(operation string, attempt int, w http.ResponseWriter) bool) (string, *stub) {
	s := &stub{requests: map[string]int{}, fail: fail}
	return httptest.NewServer(s).URL, s
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := strings.TrimPrefix(r.URL.Path, "/api/v2/management")
	s.mutex.Lock()
	s.requests[operation]++
	attempt := s.requests[operation]
	s.mutex.Unlock()
	parameters, err := s.verify(r, operation == "/labels")
	w.Header().Set("X-Request-Id", "5f0c2a8e9b7d4c13")
	if s.fail != nil && s.fail(operation, attempt, w) {
		return
	}
	status, body := answerTo(operation, parameters, w)
	if err != nil {
		status, body = http.StatusUnauthorized, `{"type": "urn:barong:error:unauthenticated", "detail": "Failed to verify JWT."}`
	}
	w.Header().Set("Content-Type", "application/json")
	if status >= http.StatusBadRequest {
		w.Header().Set("Content-Type", "application/problem+json")
	}
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

// verify returns the parameters of a request whose signatures verify.
func (s *stub) verify(r *http.Request, byBoth bool) (parameters map[string]any, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var jws struct {
		Payload    string
		Signatures []signing.Signature
	}
	token, isToken := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if isToken {
		parts := strings.Split(token, ".")
		text, _ := base64.RawURLEncoding.DecodeString(parts[0])
		var header struct{ KID string }
		if err := json.Unmarshal(text, &header); err != nil {
			return nil, err
		}
		jws.Payload = parts[1]
		jws.Signatures = []signing.Signature{{Protected: parts[0], Header: signing.Header{KID: header.KID}, Signature: parts[2]}}
	} else if err := json.Unmarshal(body, &jws); err != nil {
		return nil, err
	}
	_, keychain := keys()
	signers := map[string]bool{}
	for _, each := range jws.Signatures {
		key, known := keychain[each.Header.KID]
		if !known {
			return nil, fmt.Errorf("%s is unknown", each.Header.KID)
		}
		value, err := base64.RawURLEncoding.DecodeString(each.Signature)
		if err != nil {
			return nil, err
		}
		if err := key.Verify(each.Protected+"."+jws.Payload, value); err != nil {
			return nil, err
		}
		signers[each.Header.KID] = true
	}
	if !signers["backend-1"] || byBoth && !signers["backend-2"] {
		return nil, fmt.Errorf("signed by %v", signers)
	}
	text, err := base64.RawURLEncoding.DecodeString(jws.Payload)
	if err != nil {
		return nil, err
	}
	var claims struct {
		Data map[string]any
		Exp  int64
		JTI  string
	}
	if err := json.Unmarshal(text, &claims); err != nil || claims.Exp < time.Now().Unix() {
		return nil, fmt.Errorf("the claims are %s: %w", text, err)
	}
	s.mutex.Lock()
	s.jtis = append(s.jtis, claims.JTI)
	s.mutex.Unlock()
	if isToken {
		_ = json.Unmarshal(body, &claims.Data)
	}
	return claims.Data, nil
}

const (
	aLabel = `{"key": "email", "value": "verified", "scope": "private", "created_at": "2026-11-22T07:11:35Z", "updated_at": "2026-11-22T07:11:35Z"}`
	aUser  = `{"email": "ada@example.com", "uid": "ID873B5CE1D2", "role": "member", "level": 1, "otp": false, "state": "active", "data": null, "profile": null,
		"labels": [` + aLabel + `], "phones": [], "documents": [], "referral_uid": null, "created_at": "2026-11-22T07:11:35Z", "updated_at": "2026-11-22T07:11:35Z"}`
	notFound = `{"type": "urn:barong:error:not_found", "title": "Not Found", "status": 404, "detail": "Record is not found", "errors": [], "request_id": "5f0c2a8e9b7d4c13"}`
	weak     = `{"type": "urn:barong:error:invalid_record", "title": "Unprocessable Entity", "status": 422, "detail": "Email is invalid, Password is too weak",
		"errors": [{"pointer": "/email", "code": "email_invalid", "detail": "Email is invalid"}, {"pointer": "/password", "code": "password_weak", "detail": "Password is too weak"}],
		"request_id": "5f0c2a8e9b7d4c13"}`
)

func answerTo(operation string, parameters map[string]any, w http.ResponseWriter) (status int, body string) {
	switch operation {
	case "/timestamp":
		return http.StatusCreated, `{"timestamp": 1763794295}`
	case "/labels":
		return http.StatusCreated, aLabel
	case "/users":
		return http.StatusUnprocessableEntity, weak
	case "/users/get":
		if parameters["email"] == "ada@example.com" {
			return http.StatusCreated, aUser
		}
		return http.StatusNotFound, notFound
	case "/users/list", "/labels/filter/users":
		return http.StatusCreated, pageOf(parameters, w)
	default:
		return http.StatusNotFound, notFound
	}
}

// pageOf returns a page of five users.
func pageOf(parameters map[string]any, w http.ResponseWriter) string {
	page, limit := 1, 100
	if n, ok := parameters["page"].(float64); ok {
		page = int(n)
	}
	if n, ok := parameters["limit"].(float64); ok {
		limit = int(n)
	}
	const total = 5
	var users []string
	for i := (page - 1) * limit; i < min(page*limit, total); i++ {
		users = append(users, fmt.Sprintf(`{"email": "user-%d@example.com", "uid": "ID%d", "role": "member", "level": 1, "otp": false, "state": "active", "data": null, "referral_uid": null}`, i+1, i+1))
	}
	w.Header().Set("Total", fmt.Sprint(total))
	w.Header().Set("Page", fmt.Sprint(page))
	w.Header().Set("Per-Page", fmt.Sprint(limit))
	if page*limit < total {
		w.Header().Set("Link", fmt.Sprintf(`</api/v2/management%s?page=%d>; rel="next"`, "/users/list", page+1))
	}
	return "[" + strings.Join(users, ",") + "]"
}

func TestMain(m *testing.M) {
	status := m.Run()
	folder, _ := keys()
	os.RemoveAll(folder)
	os.Exit(status)
}

// startEcho starts a server that responds with the User-Agent of the request.
func startEcho() string {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, `{"error": %q}`, r.UserAgent())
	})).URL
}
