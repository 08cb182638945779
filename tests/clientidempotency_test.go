package tests

import (
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "barong/clients/go"
	sdkapi "barong/clients/go/api"
	"barong/internal/config"
)

// losesFirst is a route that loses the first response to each idempotency key, after the server has executed
// the request.
type losesFirst struct{ seen sync.Map }

func (l *losesFirst) RoundTrip(r *http.Request) (*http.Response, error) {
	key := r.Header.Get("Idempotency-Key")
	response, err := http.DefaultTransport.RoundTrip(r)
	if _, again := l.seen.LoadOrStore(key, true); again || key == "" || err != nil {
		return response, err
	}
	response.Body.Close()
	return nil, errors.New("the response is lost")
}

// Guards that a write of the Go client whose first response is lost is executed once and gets the first
// response, by envelopes and Bearer tokens, and also where the jti is enforced beside the key.
func TestAWriteOfTheGoClientWhoseResponseIsLostIsExecutedOnce(t *testing.T) {
	t.Parallel()
	for name, signing := range map[string]func() *sdk.Signing{
		"envelope": func() *sdk.Signing { return sdk.Envelope(backend().signer) },
		"Bearer":   func() *sdk.Signing { return sdk.Bearer(backend().signer) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, func(s *setup) { s.idempotency = config.On })
			client := a.caller(signing(), &losesFirst{})
			email := unique("lost") + "@example.com"
			created, err := client.CreateUserWithResponse(t.Context(), sdkapi.CreateUserParameters{Email: email, Password: "Tecohvi0"})
			if err != nil || created.JSON201.Email != email || !sdk.Replayed(created.HTTPResponse) {
				t.Fatalf("%+v (%v)", created, err)
			}
			label, err := client.CreateLabelWithResponse(t.Context(), sdkapi.CreateLabelParameters{UserUID: created.JSON201.UID, Key: "email", Value: "verified"})
			if err != nil || label.JSON201.Value != "verified" || !sdk.Replayed(label.HTTPResponse) {
				t.Fatalf("%+v (%v)", label, err)
			}
			deleted, err := client.DeleteLabelWithResponse(t.Context(), sdkapi.DeleteLabelParameters{UserUID: created.JSON201.UID, Key: "email"})
			if err != nil || *deleted.JSON201 != *label.JSON201 {
				t.Errorf("%+v (%v)", deleted, err)
			}
			if rows := a.count("SELECT count(*) FROM journal_inbox"); rows != 3 {
				t.Errorf("the journal has %d writes", rows)
			}
		})
	}
}

// Guards that barong call with a key is executed once and says so, and that without one each call is another.
func TestCallWithAnIdempotencyKeyIsExecutedOnce(t *testing.T) {
	t.Parallel()
	settings := served(t)
	call := []string{"call", "createLabel", "user_uid=" + activeUser(t, settings), "key=plan", "value=gold"}
	keyed := append(slices.Clone(call), "--idempotency-key", filepath.Base(t.TempDir())+`"1`)
	first, stderr, exit := barong(t, settings, keyed...)
	if exit != 0 || stderr != "" {
		t.Fatalf("%d %s%s", exit, first, stderr)
	}
	if again, stderr, exit := barong(t, settings, keyed...); exit != 0 || again != first || !strings.Contains(stderr, "had executed the request with this idempotency key before") {
		t.Errorf("%d %s%s", exit, again, stderr)
	}
	if out, stderr, exit := barong(t, settings, call...); exit != 3 || strings.Contains(stderr, "before") {
		t.Errorf("another call: %d %s%s", exit, out, stderr)
	}
}
