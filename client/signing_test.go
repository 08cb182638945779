package client_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barong/client"
	"barong/clients/go/signing"
	"barong/generated"
)

var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// sent is a request as it left, and its body.
type sent struct {
	*http.Request
	body []byte
}

// recorder keeps the requests that a client sends, and refuses them all.
type recorder struct{ requests []sent }

func (r *recorder) Do(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	r.requests = append(r.requests, sent{request, body})
	answer := httptest.NewRecorder()
	answer.WriteHeader(http.StatusTeapot)
	return answer.Result(), err
}

func newSigner(t *testing.T, name, algorithm string) *signing.Signer {
	t.Helper()
	private, _, err := signing.GenerateKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := signing.NewSigner(name, algorithm, private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func newClient(t *testing.T, signing *client.Signing) (*generated.ClientWithResponses, *recorder) {
	t.Helper()
	requests := &recorder{}
	api, err := client.New("http://127.0.0.1:8080", signing, generated.WithHTTPClient(requests))
	if err != nil {
		t.Fatal(err)
	}
	return api, requests
}

func payload(t *testing.T, encoded string) map[string]any {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestAnEnvelopeHasTheParametersTheClaimsAndASignatureBySigner(t *testing.T) {
	t.Parallel()
	signing := client.Envelope(newSigner(t, "one", "EdDSA"), newSigner(t, "two", "HS256"))
	signing.Clock, signing.JTI = func() time.Time { return noon }, func() string { return "the id" }
	signing.Lifetime = 90 * time.Second
	api, requests := newClient(t, signing)
	_, _ = api.ListLabelsWithResponse(t.Context(), generated.ListLabelsParameters{UserUID: "ID873B5CE1D2"})

	request := requests.requests[0]
	var envelope generated.SignedEnvelope
	if err := json.Unmarshal(request.body, &envelope); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"one", "two"} {
		if got := *envelope.Signatures[i].Header.Kid; got != name {
			t.Errorf("signature %d is by %s, want %s", i, got, name)
		}
	}
	claims := payload(t, envelope.Payload)
	data, _ := json.Marshal(claims["data"])
	if string(data) != `{"user_uid":"ID873B5CE1D2"}` || claims["iat"] != float64(noon.Unix()) || claims["exp"] != float64(noon.Unix()+90) || claims["jti"] != "the id" || claims["op"] != "listLabels" {
		t.Errorf("the payload is %v", claims)
	}
	if request.ContentLength != int64(len(request.body)) || request.Header.Get("Content-Type") != "application/jose+json" || request.Header.Get("Authorization") != "" {
		t.Errorf("sent with length %d of %d and %v", request.ContentLength, len(request.body), request.Header)
	}
	again, err := request.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(again); !bytes.Equal(body, request.body) {
		t.Error("a request that is sent again has another body")
	}
}

func TestNoParametersMakeAnEnvelopeWithoutData(t *testing.T) {
	t.Parallel()
	api, requests := newClient(t, client.Envelope(newSigner(t, "one", "EdDSA")))
	_, _ = api.GetTimestamp(t.Context(), nil)
	_, _ = api.GetTimestampWithBody(t.Context(), "", http.NoBody)
	for _, request := range requests.requests {
		var envelope generated.SignedEnvelope
		if err := json.Unmarshal(request.body, &envelope); err != nil {
			t.Fatal(err)
		}
		claims := payload(t, envelope.Payload)
		if _, there := claims["data"]; there || claims["jti"] == "" {
			t.Errorf("the payload is %v", claims)
		}
	}
}

func TestAnEnvelopeNamesItsOperationWhereverTheServerIs(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v2/management", "https://gate.example/users/barong/"} {
		requests := &recorder{}
		api, err := client.New(server, client.Envelope(newSigner(t, "one", "EdDSA")), generated.WithHTTPClient(requests))
		if err != nil {
			t.Fatal(err)
		}
		uid := "ID873B5CE1D2"
		_, _ = api.GetTimestamp(t.Context(), nil)
		_, _ = api.FilterUsersByLabel(t.Context(), generated.FilterUsersByLabelParameters{Key: "email"})
		_, _ = api.CreateLabel(t.Context(), generated.CreateLabelParameters{UserUID: uid, Key: "email", Value: "verified"})
		_, _ = api.UpdateLabel(t.Context(), generated.UpdateLabelParameters{UserUID: uid, Key: "email", Value: "verified"})
		_, _ = api.DeleteLabel(t.Context(), generated.DeleteLabelParameters{UserUID: uid, Key: "email"})
		_, _ = api.CreateUser(t.Context(), generated.CreateUserParameters{})
		_, _ = api.GetUser(t.Context(), generated.GetUserParameters{UID: &uid})
		want := []string{"getTimestamp", "filterUsersByLabel", "createLabel", "updateLabel", "deleteLabel", "createUser", "getUser"}
		if len(requests.requests) != len(want) {
			t.Fatalf("%d requests were sent", len(requests.requests))
		}
		for i, request := range requests.requests {
			var envelope generated.SignedEnvelope
			if err := json.Unmarshal(request.body, &envelope); err != nil {
				t.Fatal(err)
			}
			if op := payload(t, envelope.Payload)["op"]; op != want[i] {
				t.Errorf("%s %s: op is %v", request.Method, request.URL, op)
			}
		}
	}
}

func TestATokenThatServesSeveralOperationsNamesNone(t *testing.T) {
	t.Parallel()
	api, requests := newClient(t, client.Bearer(newSigner(t, "one", "EdDSA")))
	_, _ = api.GetTimestamp(t.Context(), nil)
	_, claims, _ := strings.Cut(requests.requests[0].Header.Get("Authorization"), ".")
	claims, _, _ = strings.Cut(claims, ".")
	if op, there := payload(t, claims)["op"]; there {
		t.Errorf("op is %v", op)
	}
}

func TestAnEnvelopeIsSignedAfterTheRequestEditors(t *testing.T) {
	t.Parallel()
	api, requests := newClient(t, client.Envelope(newSigner(t, "one", "EdDSA")))
	_, _ = api.ListUsers(t.Context(), generated.ListUsersParameters{}, func(_ context.Context, r *http.Request) error {
		r.Body = io.NopCloser(strings.NewReader(`{"limit":7}`))
		return nil
	})
	var envelope generated.SignedEnvelope
	if err := json.Unmarshal(requests.requests[0].body, &envelope); err != nil {
		t.Fatal(err)
	}
	if data := payload(t, envelope.Payload)["data"].(map[string]any); data["limit"] != 7. {
		t.Errorf("signed was %v", data)
	}
}

func TestWhatCannotBeInAnEnvelopeIsNotSent(t *testing.T) {
	t.Parallel()
	api, requests := newClient(t, client.Envelope(newSigner(t, "one", "EdDSA")))
	_, form := api.CreateLabelWithFormdataBody(t.Context(), generated.CreateLabelParameters{UserUID: "ID873B5CE1D2", Key: "email", Value: "verified"})
	_, array := api.CreateLabelWithBody(t.Context(), "application/json", strings.NewReader("[]"))
	for sentence, err := range map[string]error{"application/x-www-form-urlencoded": form, "must be a JSON object": array} {
		if err == nil || !strings.Contains(err.Error(), sentence) {
			t.Errorf("the error is %v, want one with %q", err, sentence)
		}
	}
	if len(requests.requests) > 0 {
		t.Error("a request was sent")
	}
}

func TestABearerTokenServesUntilASixthOfItsLifetimeIsLeft(t *testing.T) {
	t.Parallel()
	now, made := noon, 0
	signing := client.Bearer(newSigner(t, "one", "EdDSA"))
	signing.Clock = func() time.Time { return now }
	signing.JTI = func() string { made++; return "id" + string(rune('0'+made)) }
	api, requests := newClient(t, signing)
	for i, step := range []struct {
		at   time.Duration
		want string
	}{{0, "id1"}, {49 * time.Second, "id1"}, {50 * time.Second, "id2"}, {99 * time.Second, "id2"}, {49 * time.Second, "id3"}} {
		now = noon.Add(step.at)
		_, _ = api.ListLabelsWithFormdataBody(t.Context(), generated.ListLabelsParameters{UserUID: "ID873B5CE1D2"})
		request := requests.requests[i]
		token, isBearer := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer ")
		if !isBearer || string(request.body) != "user_uid=ID873B5CE1D2" {
			t.Fatalf("sent %s with %v", request.body, request.Header)
		}
		if got := payload(t, strings.Split(token, ".")[1])["jti"]; got != step.want {
			t.Errorf("after %s the token has the id %s, want %s", step.at, got, step.want)
		}
	}
}

func TestSignersAreReadFromAFolder(t *testing.T) {
	t.Parallel()
	folder, _ := keys()
	signers, err := client.LoadSigners(folder)
	if err != nil || len(signers) != 2 || signers[0].ID != "backend-1" || signers[0].Algorithm != "RS256" || signers[1].ID != "backend-2" || signers[1].Algorithm != "ES256" {
		t.Errorf("read %v, %v", signers, err)
	}
	if _, err := client.LoadSigners(t.TempDir()); err == nil {
		t.Error("a folder without keys is no error")
	}
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.LoadSigner("broken", broken); err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("the error of a broken file is %v", err)
	}
	if _, err := client.LoadSigner("absent", filepath.Join(folder, "absent.pem")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error of no file is %v", err)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	good := client.Envelope(newSigner(t, "one", "EdDSA"))
	short := client.Envelope(newSigner(t, "one", "EdDSA"))
	short.Lifetime = time.Millisecond
	for name, attempt := range map[string]struct {
		server  string
		signing *client.Signing
	}{
		"no scheme":       {"127.0.0.1:8080", good},
		"no host":         {"http:///api", good},
		"no signing":      {"http://127.0.0.1:8080", nil},
		"no signer":       {"http://127.0.0.1:8080", client.Envelope()},
		"a signer is nil": {"http://127.0.0.1:8080", client.Bearer(nil)},
		"no lifetime":     {"http://127.0.0.1:8080", short},
	} {
		if _, err := client.New(attempt.server, attempt.signing); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
