package tests

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	sdkapi "barong/clients/go/api"
	"barong/clients/go/signing"
	"barong/internal/spec"
)

// raw sends a request as it is, past the generated client.
func (a *api) raw(method, target, contentType, body string, edit ...func(*http.Request)) answer {
	a.t.Helper()
	request, err := http.NewRequestWithContext(a.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for _, apply := range edit {
		apply(request)
	}
	response, err := (&http.Client{Transport: validating{a.t}}).Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	return read(a.t, response)
}

// Each request breaks its own check and all that come after it, so that the
// answer tells which check came first.
func TestChecksComeInTheirOrder(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.bodyLimit = 2048 })
	large := `{"uid": ` + strings.Repeat(" ", 2048) + "}"
	for _, c := range []struct {
		name, method, path, contentType, body string
		status                                int
		want                                  string
	}{
		{"path", "GET", "/nothing?query=1", "text/plain", large, 404, "Route is not found"},
		{"path with an unknown verb", "BREW", "/nothing?query=1", "text/plain", large, 404, "Route is not found"},
		{"path with a slash too much", "POST", "/users/", "application/json", "{}", 404, "Route is not found"},
		{"verb", "GET", "/users?query=1", "text/plain", large, 405, "Only POST and PUT verbs are allowed."},
		{"verb that is right elsewhere", "PUT", "/users?query=1", "text/plain", large, 405, "Only POST and PUT verbs are allowed."},
		{"unknown verb", "BREW", "/users?query=1", "text/plain", large, 405, "Only POST and PUT verbs are allowed."},
		{"query", "POST", "/users?query=1", "text/plain", large, 400, "Query parameters are not allowed."},
		{"size", "POST", "/users", "text/plain", large, 413, "Request body is larger than 2048 bytes."},
		{"size of JSON", "POST", "/users", "application/json", large, 413, "Request body is larger than 2048 bytes."},
		{"size of JSON on the wire", "POST", "/users", "application/json", strings.Repeat(large, 40), 413, "Request body is larger than 2048 bytes."},
		{"size of a form", "POST", "/users", "application/x-www-form-urlencoded", large, 413, "Request body is larger than 2048 bytes."},
		{"content type", "POST", "/users", "text/plain", "{", 415, "Content-Type must be application/json, application/jose+json or application/x-www-form-urlencoded."},
		{"syntax", "POST", "/users", "application/json", "{", 400, "Request body is not valid JSON, at byte 1."},
		{"syntax of an envelope", "POST", "/users", "application/json", `{"payload":"!","signatures":[]}`, 400, "Couldn't parse JWT."},
		{"who", "POST", "/users", "application/json", "{}", 401, "Failed to verify JWT."},
		{"who, in a form", "POST", "/users", "application/x-www-form-urlencoded", "", 401, "Failed to verify JWT."},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := a.raw(c.method, a.url+c.path, c.contentType, c.body)
			got.refused(t, c.status, c.want)
			if c.status == 405 && got.header.Get("Allow") != "POST" {
				t.Errorf("Allow is %q", got.header.Get("Allow"))
			}
			if c.status == 401 && got.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("WWW-Authenticate is %q", got.header.Get("WWW-Authenticate"))
			}
		})
	}
	if got := a.raw("GET", a.url+"/labels", "", ""); got.header.Get("Allow") != "POST, PUT" {
		t.Errorf("Allow of /labels is %q", got.header.Get("Allow"))
	}
	if got := a.raw("POST", a.url+"/labels", "application/json", large, func(r *http.Request) { r.ContentLength = -1 }); got.status != 413 {
		t.Errorf("a body of unknown length that is too large: %d", got.status)
	}
}

func TestAuthorisationComesBeforeParameters(t *testing.T) {
	t.Parallel()
	a := start(t)
	for operation := range spec.Operations(document) {
		a.send(operation.OperationID, "application/json", []byte(`{"page": "x"}`), "").
			refused(t, http.StatusUnauthorized, "Failed to verify JWT.")
	}
}

func TestReasonOfARefusalIsInTheLogOnly(t *testing.T) {
	t.Parallel()
	a := start(t)
	token, err := signing.Token(signing.NewClaims(a.clock.Now(), time.Minute), impostor().signer)
	if err != nil {
		t.Fatal(err)
	}
	got := a.send("getUser", "application/json", []byte(`{"uid":"ID1"}`), "Bearer "+token)
	got.refused(t, http.StatusUnauthorized, "Failed to verify JWT.")
	log := a.log.String()
	for _, part := range []string{"backend", "getUser", got.header.Get("X-Request-Id")} {
		if !strings.Contains(log, part) {
			t.Errorf("%q is not in the log: %s", part, log)
		}
	}
}

func TestErrorsComeAsProblemDetailsWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	a := start(t)
	claims := signing.NewClaims(a.clock.Now(), time.Minute)
	ask := func(accept string) sdkapi.RequestEditorFn {
		return func(_ context.Context, r *http.Request) error {
			r.Header.Set("Accept", accept)
			r.Header.Set("X-Request-Id", "my-request.1")
			return nil
		}
	}
	for _, c := range []struct {
		operation, body, authorization string
		want                           map[string]any
	}{
		{"createUser", `{"email":"bad_email","password":"Password1"}`, bearer(t, claims), map[string]any{
			"type": "urn:barong:error:invalid_record", "title": "Unprocessable Entity", "status": 422.0,
			"detail": "Email is invalid, Password is too weak", "request_id": "my-request.1",
			"errors": []any{
				map[string]any{"pointer": "/email", "code": "email_invalid", "detail": "Email is invalid"},
				map[string]any{"pointer": "/password", "code": "password_too_weak", "detail": "Password is too weak"},
			},
		}},
		{"listUsers", `{"page":0}`, bearer(t, claims), map[string]any{
			"type": "urn:barong:error:invalid_parameters", "title": "Unprocessable Entity", "status": 422.0,
			"detail": "page Non positive page", "request_id": "my-request.1",
			"errors": []any{map[string]any{"pointer": "/page", "code": "page_invalid", "detail": "page Non positive page"}},
		}},
		{"getUser", `{"uid":"nobody"}`, bearer(t, claims), map[string]any{
			"type": "urn:barong:error:not_found", "title": "Not Found", "status": 404.0, "detail": "Record is not found",
			"request_id": "my-request.1", "errors": []any{},
		}},
		{"getUser", `{}`, "", map[string]any{
			"type": "urn:barong:error:unauthenticated", "title": "Unauthorized", "status": 401.0, "detail": "Failed to verify JWT.",
			"request_id": "my-request.1", "errors": []any{},
		}},
	} {
		for _, accept := range []string{"application/problem+json", "application/json;q=0.5, Application/Problem+JSON; q=1"} {
			got := a.send(c.operation, "application/json", []byte(c.body), c.authorization, ask(accept))
			if contentType := got.header.Get("Content-Type"); contentType != "application/problem+json" {
				t.Errorf("Content-Type is %q", contentType)
			}
			if !reflect.DeepEqual(got.object(t), c.want) {
				t.Errorf("got  %v\nwant %v", got.object(t), c.want)
			}
		}
	}
	for _, accept := range []string{"application/json", "*/*", "application/problem+json;q=0"} {
		got := a.send("getUser", "application/json", []byte(`{}`), "", ask(accept))
		got.refused(t, http.StatusUnauthorized, "Failed to verify JWT.")
		if contentType := got.header.Get("Content-Type"); contentType != "application/json" {
			t.Errorf("Accept: %s: Content-Type is %q", accept, contentType)
		}
	}
}

func TestRequestIDIsTheCallersWhereItIsSound(t *testing.T) {
	t.Parallel()
	a := start(t)
	for given, kept := range map[string]bool{"abc-1.2_3": true, "": false, "a b": false, strings.Repeat("x", 65): false} {
		got := a.raw("POST", a.url+"/users", "application/json", "{}", func(r *http.Request) { r.Header.Set("X-Request-Id", given) })
		if id := got.header.Get("X-Request-Id"); (id == given) != kept || len(id) == 0 {
			t.Errorf("%q became %q", given, id)
		}
	}
}

// What the Go code alone needs is in generated/overlay.yaml.
func TestDocumentsHaveNoExtensionsOfTheGenerator(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, path := range []string{"/openapi.yaml", "/openapi.json", "/openapi.client.json", "/api/v2/management/management.json", "/docs/openapi.yaml"} {
		response, err := http.Get(a.root + path)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, response)
		if found := regexp.MustCompile(`x-(go|oapi|omit)[a-z-]*`).FindAll(got.body, -1); got.status != http.StatusOK || found != nil {
			t.Errorf("%s: %d with %q", path, got.status, found)
		}
	}
}

func TestSpecificationIsServed(t *testing.T) {
	t.Parallel()
	a := start(t)
	root := strings.TrimSuffix(a.url, "/api/v2/management")
	for path, want := range map[string]string{"/openapi.yaml": "openapi: 3.0.3", "/openapi.json": `"openapi":"3.0.3"`} {
		response, err := http.Get(root + path)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, response)
		if got.status != http.StatusOK || !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %d %.100s", path, got.status, got.body)
		}
	}
	var served map[string]any
	response, err := http.Get(root + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || json.Unmarshal(content, &served) != nil {
		t.Fatalf("openapi.json is no JSON: %v", err)
	}
	a.raw("POST", root+"/openapi.json", "", "").refused(t, http.StatusMethodNotAllowed, "Only POST and PUT verbs are allowed.")
	a.raw("GET", root+"/", "", "").refused(t, http.StatusNotFound, "Route is not found")
}
