package barong_test

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

	barong "barong/clients/go"
	"barong/clients/go/api"
	"barong/clients/go/signing"
)

const formType = "application/x-www-form-urlencoded"

var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// sent is a request as it was sent, with its body.
type sent struct {
	*http.Request
	body []byte
}

// recorder records the requests of a client and responds to all with an error.
type recorder struct{ requests []sent }

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
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

func newClient(t *testing.T, signing *barong.Signing) (*barong.Client, *recorder) {
	t.Helper()
	requests := &recorder{}
	client, err := barong.New("http://127.0.0.1:8080", signing, barong.WithHTTPClient(&http.Client{Transport: requests}))
	if err != nil {
		t.Fatal(err)
	}
	return client, requests
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
	signing := barong.Envelope(newSigner(t, "one", "EdDSA"), newSigner(t, "two", "HS256"))
	signing.Clock, signing.JTI = func() time.Time { return noon }, func() string { return "the id" }
	signing.Lifetime = 90 * time.Second
	client, requests := newClient(t, signing)
	_, _ = client.ListLabelsWithResponse(t.Context(), api.ListLabelsParameters{UserUID: "ID873B5CE1D2"})

	request := requests.requests[0]
	var envelope api.SignedEnvelope
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
	client, requests := newClient(t, barong.Envelope(newSigner(t, "one", "EdDSA")))
	_, _ = client.GetTimestamp(t.Context(), nil)
	_, _ = client.GetTimestampWithBody(t.Context(), "", http.NoBody)
	for _, request := range requests.requests {
		var envelope api.SignedEnvelope
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
		client, err := barong.New(server, barong.Envelope(newSigner(t, "one", "EdDSA")), barong.WithHTTPClient(&http.Client{Transport: requests}))
		if err != nil {
			t.Fatal(err)
		}
		uid := "ID873B5CE1D2"
		_, _ = client.GetTimestamp(t.Context(), nil)
		_, _ = client.FilterUsersByLabel(t.Context(), api.FilterUsersByLabelParameters{Key: "email"})
		_, _ = client.CreateLabel(t.Context(), api.CreateLabelParameters{UserUID: uid, Key: "email", Value: "verified"})
		_, _ = client.UpdateLabel(t.Context(), api.UpdateLabelParameters{UserUID: uid, Key: "email", Value: "verified"})
		_, _ = client.DeleteLabel(t.Context(), api.DeleteLabelParameters{UserUID: uid, Key: "email"})
		_, _ = client.CreateUser(t.Context(), api.CreateUserParameters{})
		_, _ = client.GetUser(t.Context(), api.GetUserParameters{UID: &uid})
		want := []string{"getTimestamp", "filterUsersByLabel", "createLabel", "updateLabel", "deleteLabel", "createUser", "getUser"}
		if len(requests.requests) != len(want) {
			t.Fatalf("%d requests were sent", len(requests.requests))
		}
		for i, request := range requests.requests {
			var envelope api.SignedEnvelope
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
	client, requests := newClient(t, barong.Bearer(newSigner(t, "one", "EdDSA")))
	_, _ = client.GetTimestamp(t.Context(), nil)
	_, claims, _ := strings.Cut(requests.requests[0].Header.Get("Authorization"), ".")
	claims, _, _ = strings.Cut(claims, ".")
	if op, there := payload(t, claims)["op"]; there {
		t.Errorf("op is %v", op)
	}
}

func TestAnEnvelopeIsSignedAfterTheRequestEditors(t *testing.T) {
	t.Parallel()
	client, requests := newClient(t, barong.Envelope(newSigner(t, "one", "EdDSA")))
	_, _ = client.ListUsers(t.Context(), api.ListUsersParameters{}, func(_ context.Context, r *http.Request) error {
		r.Body = io.NopCloser(strings.NewReader(`{"limit":7}`))
		return nil
	})
	var envelope api.SignedEnvelope
	if err := json.Unmarshal(requests.requests[0].body, &envelope); err != nil {
		t.Fatal(err)
	}
	if data := payload(t, envelope.Payload)["data"].(map[string]any); data["limit"] != 7. {
		t.Errorf("signed was %v", data)
	}
}

func TestWhatCannotBeInAnEnvelopeIsNotSent(t *testing.T) {
	t.Parallel()
	client, requests := newClient(t, barong.Envelope(newSigner(t, "one", "EdDSA")))
	_, form := client.CreateLabelWithBody(t.Context(), formType, strings.NewReader("user_uid=ID873B5CE1D2&key=email&value=verified"))
	_, array := client.CreateLabelWithBody(t.Context(), "application/json", strings.NewReader("[]"))
	for sentence, err := range map[string]error{formType: form, "must be a JSON object": array} {
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
	signing := barong.Bearer(newSigner(t, "one", "EdDSA"))
	signing.Clock = func() time.Time { return now }
	signing.JTI = func() string { made++; return "id" + string(rune('0'+made)) }
	client, requests := newClient(t, signing)
	for i, step := range []struct {
		at   time.Duration
		want string
	}{{0, "id1"}, {49 * time.Second, "id1"}, {50 * time.Second, "id2"}, {99 * time.Second, "id2"}, {49 * time.Second, "id3"}} {
		now = noon.Add(step.at)
		_, _ = client.ListLabelsWithBody(t.Context(), formType, strings.NewReader("user_uid=ID873B5CE1D2"))
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
	signers, err := barong.LoadSigners(folder)
	if err != nil || len(signers) != 2 || signers[0].ID != "backend-1" || signers[0].Algorithm != "RS256" || signers[1].ID != "backend-2" || signers[1].Algorithm != "ES256" {
		t.Errorf("read %v, %v", signers, err)
	}
	if _, err := barong.LoadSigners(t.TempDir()); err == nil {
		t.Error("a folder without keys is no error")
	}
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := barong.LoadSigner("broken", broken); err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("the error of a broken file is %v", err)
	}
	if _, err := barong.LoadSigner("absent", filepath.Join(folder, "absent.pem")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error of no file is %v", err)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	good := barong.Envelope(newSigner(t, "one", "EdDSA"))
	short := barong.Envelope(newSigner(t, "one", "EdDSA"))
	short.Lifetime = time.Millisecond
	for name, attempt := range map[string]struct {
		server  string
		signing *barong.Signing
	}{
		"no scheme":       {"127.0.0.1:8080", good},
		"no host":         {"http:///api", good},
		"no signing":      {"http://127.0.0.1:8080", nil},
		"no signer":       {"http://127.0.0.1:8080", barong.Envelope()},
		"a signer is nil": {"http://127.0.0.1:8080", barong.Bearer(nil)},
		"no lifetime":     {"http://127.0.0.1:8080", short},
	} {
		if _, err := barong.New(attempt.server, attempt.signing); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
