package barong_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"

	barong "barong/clients/go"
	"barong/clients/go/api"
)

// losing starts a server that executes a request with a new idempotency key, breaks the connection
// instead of responding, and replays the response to later requests with the key.
func losing(t *testing.T) (url string, keys func() (all []string, executed int)) {
	t.Helper()
	var mutex sync.Mutex
	var all []string
	executed := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		key := r.Header.Get("Idempotency-Key")
		mutex.Lock()
		all = append(all, key)
		isFirst := !executed[key]
		executed[key] = true
		mutex.Unlock()
		if isFirst {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Idempotent-Replayed", "true")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, aLabel)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() ([]string, int) {
		mutex.Lock()
		defer mutex.Unlock()
		return all, len(executed)
	}
}

// Guards that a write whose first response is lost is executed once and gets the first response: all attempts
// of a call have one key, a random UUID as a quoted string, and every call has another one.
func TestAWriteWhoseResponseIsLostIsExecutedOnce(t *testing.T) {
	t.Parallel()
	url, keys := losing(t)
	client := swift(t, url)
	label := api.CreateLabelParameters{UserUID: someUID, Key: "email", Value: "verified"}
	for range 2 {
		got, err := client.CreateLabelWithResponse(t.Context(), label)
		if err != nil || got.JSON201.Value != "verified" || !barong.Replayed(got.HTTPResponse) {
			t.Fatalf("%v (%v)", got, err)
		}
	}
	all, executed := keys()
	if len(all) != 4 || executed != 2 || all[0] != all[1] || all[2] != all[3] {
		t.Errorf("%d requests are executed, with the keys %q", executed, all)
	}
	if !regexp.MustCompile(`^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$`).MatchString(all[0]) {
		t.Errorf("the key is %s", all[0])
	}
}

// Guards that a key of the caller is sent as it is, within quotes, by all attempts.
func TestTheCallerMayChooseTheKey(t *testing.T) {
	t.Parallel()
	url, keys := losing(t)
	got, err := swift(t, url).CreateLabelWithResponse(t.Context(), api.CreateLabelParameters{UserUID: someUID, Key: "email", Value: "verified"},
		barong.IdempotencyKey(`job "7" \ 1`))
	if err != nil || got.JSON201 == nil {
		t.Fatal(err)
	}
	if all, _ := keys(); len(all) != 2 || all[0] != `"job \"7\" \\ 1"` || all[1] != all[0] {
		t.Errorf("the keys are %q", all)
	}
}

// Guards that every write has a key, whether writes are retried or not, and that no read has one.
func TestOnlyWritesHaveKeys(t *testing.T) {
	t.Parallel()
	reads := map[string]bool{
		"getTimestamp": true, "listLabels": true, "filterUsersByLabel": true, "listUsers": true, "getUser": true, "listPhones": true,
		"getServiceAccount": true, "listServiceAccounts": true,
	}
	for id, c := range calls {
		for _, retried := range []bool{true, false} {
			var sent string
			transport := roundTripper(func(r *http.Request) (*http.Response, error) {
				sent = r.Header.Get("Idempotency-Key")
				return nil, context.Canceled
			})
			_ = c.send(t.Context(), swift(t, "http://127.0.0.1:1", barong.WithHTTPClient(&http.Client{Transport: transport}), barong.WithRetriedWrites(retried)))
			if (sent == "") != reads[id] {
				t.Errorf("%s has the key %q", id, sent)
			}
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
