package barong_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"
	"time"

	barong "barong/clients/go"
)

func TestTheOperationsAreWhereTheSpecificationHasThem(t *testing.T) {
	t.Parallel()
	for server, want := range map[string]string{
		"http://127.0.0.1:8080":       "/api/v2/management/timestamp",
		"http://127.0.0.1:8080/":      "/api/v2/management/timestamp",
		"http://127.0.0.1:8080/proxy": "/proxy/timestamp",
	} {
		requests := &recorder{}
		client, err := barong.New(server, barong.Envelope(newSigner(t, "one", "EdDSA")), barong.WithHTTPClient(&http.Client{Transport: requests}))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = client.GetTimestamp(t.Context(), nil)
		if got := requests.requests[0].URL.Path; got != want {
			t.Errorf("with %s the path is %s, want %s", server, got, want)
		}
	}
}

func TestAnAnswerThatIsNoSuccessIsAnError(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]struct {
		status    int
		mediaType string
		body      string
		messages  []string
		text      string
	}{
		"one sentence": {
			404, "application/json", `{"error": "Record is not found"}`,
			[]string{"Record is not found"},
			"POST /api/v2/management/timestamp answered 404 Not Found: Record is not found (request 7)",
		},
		"several messages": {
			422, "application/json; charset=utf-8", `{"error": ["Email is invalid", "Password is too weak"]}`,
			[]string{"Email is invalid", "Password is too weak"},
			"POST /api/v2/management/timestamp answered 422 Unprocessable Entity: Email is invalid, Password is too weak (request 7)",
		},
		"a problem": {
			401, "application/problem+json", `{"status": 401, "type": "urn:other", "detail": "Failed to verify JWT."}`,
			[]string{"Failed to verify JWT."},
			"POST /api/v2/management/timestamp answered 401 Unauthorized: Failed to verify JWT. (request 7)",
		},
		"a page of something before the server": {502, "text/html", "<html>", nil, "POST /api/v2/management/timestamp answered 502 Bad Gateway (request 7)"},
		"JSON of somebody else":                 {500, "application/json", `{"error": {"code": 1}}`, nil, "POST /api/v2/management/timestamp answered 500 Internal Server Error (request 7)"},
		"another success":                       {200, "application/json", `{"timestamp": 1}`, nil, "POST /api/v2/management/timestamp answered 200 OK (request 7)"},
		"a success without JSON":                {201, "text/html", "<html>", nil, "POST /api/v2/management/timestamp answered 201 Created (request 7)"},
		"a redirect":                            {307, "text/html", "", nil, "POST /api/v2/management/timestamp answered 307 Temporary Redirect (request 7)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					t.Error("a signed request was redirected")
				}
				w.Header().Set("Content-Type", given.mediaType)
				w.Header().Set("X-Request-Id", "7")
				w.Header().Set("Retry-After", "30")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(given.status)
				_, _ = w.Write([]byte(given.body))
			}))
			defer server.Close()
			client, err := barong.New(server.URL, barong.Bearer(newSigner(t, "one", "EdDSA")), barong.WithAttempts(1))
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.GetTimestampWithResponse(t.Context(), nil)
			failure, ok := errors.AsType[*barong.Error](err)
			if !ok {
				t.Fatalf("the error is %v", err)
			}
			if failure.Status != given.status || failure.RequestID != "7" || failure.RetryAfter != 30*time.Second || !reflect.DeepEqual(failure.Messages, given.messages) || failure.Error() != given.text {
				t.Errorf("the error is %#v: %s", failure, failure)
			}
		})
	}
}

func TestAServerThatIsAwayIsNoRefusal(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	client, err := barong.New(server.URL, barong.Bearer(newSigner(t, "one", "EdDSA")))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.GetTimestampWithResponse(t.Context(), nil)
	if _, refused := errors.AsType[*barong.Error](err); err == nil || refused {
		t.Errorf("the error is %v", err)
	}
}

func TestTheServerIsAskedToRefuseUnknownParameters(t *testing.T) {
	t.Parallel()
	signer := newSigner(t, "one", "EdDSA")
	for name, signing := range map[string]*barong.Signing{"an envelope": barong.Envelope(signer), "a token": barong.Bearer(signer)} {
		for given, want := range map[string][]string{
			"":                                 {"handling=strict"},
			"handling=lenient":                 {"handling=lenient"},
			"return=minimal":                   {"return=minimal", "handling=strict"},
			"return=minimal, Handling=lenient": {"return=minimal, Handling=lenient"},
		} {
			requests := &recorder{}
			client, err := barong.New("http://127.0.0.1:8080", signing, barong.WithHTTPClient(&http.Client{Transport: requests}))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = client.GetTimestamp(t.Context(), nil, func(_ context.Context, request *http.Request) error {
				if given != "" {
					request.Header.Set("Prefer", given)
				}
				return nil
			})
			if got := requests.requests[0].Header.Values("Prefer"); !slices.Equal(got, want) {
				t.Errorf("%s with Prefer %q says %q, want %q", name, given, got, want)
			}
		}
	}
}
