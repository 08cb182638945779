package faults

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"barong/clients/go/signing"
)

// goodClient calls as Barong's clients do while others attack, and remembers how it
// was served. It sends a request again, on another connection, where one broke
// before an answer came.
type goodClient struct {
	t      testing.TB
	signer *signing.Signer
	url    string

	stopped chan struct{}
	running sync.WaitGroup
	mutex   sync.Mutex
	took    []time.Duration
	retries int
	wrong   []string
}

// attempts is how often a request is sent.
const attempts = 4

// startGoodClient has one client keep its connection, and one open another for each
// request and sign an envelope: a stranger until it has been read.
func startGoodClient(t testing.TB, signer *signing.Signer, url string) *goodClient {
	g := &goodClient{t: t, signer: signer, url: url, stopped: make(chan struct{})}
	encrypted := &tls.Config{InsecureSkipVerify: true}
	kept := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: encrypted.Clone(), ForceAttemptHTTP2: true}}
	fresh := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: encrypted.Clone(), DisableKeepAlives: true}}
	g.running.Go(func() { g.repeat(func() { g.call(kept, g.bearer("/labels/list", `{"user_uid": "ID0000000000"}`)) }) })
	g.running.Go(func() { g.repeat(func() { g.call(fresh, g.envelope("/timestamp", `{}`)) }) })
	return g
}

func (g *goodClient) repeat(call func()) {
	for {
		select {
		case <-g.stopped:
			return
		case <-time.After(20 * time.Millisecond):
			call()
		}
	}
}

func (g *goodClient) bearer(path, body string) func() (*http.Request, error) {
	return func() (*http.Request, error) {
		token, err := signing.Token(signing.NewClaims(time.Now(), time.Minute), g.signer)
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, g.url+path, strings.NewReader(body))
		if err == nil {
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Content-Type", "application/json")
		}
		return r, err
	}
}

func (g *goodClient) envelope(path, data string) func() (*http.Request, error) {
	return func() (*http.Request, error) {
		body, err := signing.Envelope([]byte(data), signing.NewClaims(time.Now(), time.Minute), g.signer)
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, g.url+path, bytes.NewReader(body))
		if err == nil {
			r.Header.Set("Content-Type", "application/json")
		}
		return r, err
	}
}

// call sends a request until an answer comes, and returns its status.
func (g *goodClient) call(client *http.Client, make func() (*http.Request, error)) int {
	start := time.Now()
	var failures []string
	for range attempts {
		request, err := make()
		if err != nil {
			g.note(start, err.Error())
			return 0
		}
		response, err := client.Do(request)
		if err != nil {
			failures = append(failures, err.Error())
			continue
		}
		answer, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			failures = append(failures, err.Error())
			continue
		}
		if response.StatusCode != http.StatusCreated && response.StatusCode != http.StatusNotFound {
			g.note(start, fmt.Sprintf("%s: %d %.200s", request.URL.Path, response.StatusCode, answer))
		} else {
			g.note(start, "")
		}
		g.mutex.Lock()
		g.retries += len(failures)
		g.mutex.Unlock()
		return response.StatusCode
	}
	g.note(start, fmt.Sprintf("no answer after %d attempts: %q", attempts, failures))
	return 0
}

func (g *goodClient) note(start time.Time, wrong string) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.took = append(g.took, time.Since(start))
	if wrong != "" {
		g.wrong = append(g.wrong, wrong)
	}
}

// upload sends a document of 10 MiB and says how long that took.
func (g *goodClient) upload() time.Duration {
	g.t.Helper()
	content := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 10<<20-8)...)
	body, err := json.Marshal(map[string]any{
		"uid": "ID0000000000", "doc_type": "Passport", "doc_number": "1", "filename": "a.png", "file_ext": "png",
		"upload": base64.StdEncoding.EncodeToString(content),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	start := time.Now()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	if got := g.call(client, g.bearer("/documents", string(body))); got != http.StatusNotFound { // there is no such user
		g.t.Errorf("an upload was answered %d", got)
	}
	return time.Since(start)
}

// patience is within which nearly all requests of a good client must be answered on
// a machine that the attackers share.
const patience = 15 * time.Second

// stop ends it, and fails where it was not served throughout.
func (g *goodClient) stop(attack string) {
	g.t.Helper()
	close(g.stopped)
	g.running.Wait()
	slices.Sort(g.took)
	if len(g.took) == 0 {
		g.t.Fatalf("%s: nothing was answered", attack)
	}
	p50, p99 := g.took[len(g.took)/2], g.took[len(g.took)*99/100]
	g.t.Logf("%s: the good client had %d answers, p50 %s, p99 %s, %d sent again", attack, len(g.took), p50.Round(time.Millisecond), p99.Round(time.Millisecond), g.retries)
	if p99 > patience {
		g.t.Errorf("%s: p99 is %s", attack, p99)
	}
	if len(g.wrong) > 0 {
		g.t.Errorf("%s: %d requests were not served, the first: %.600s", attack, len(g.wrong), g.wrong[0])
	}
}
