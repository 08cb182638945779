package tests

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"barong/internal/documents"
)

// Every answer says how a browser may treat it: what is about users is never kept,
// nothing is guessed at, run, framed or referred from.
func TestEveryAnswerSaysWhatABrowserMayDoWithIt(t *testing.T) {
	t.Parallel()
	const nothing, noStore = "default-src 'none'; frame-ancestors 'none'", "no-store"
	a := start(t)
	uid := a.user(parameters{})
	a.must("createDocument", passport(uid, png(100)))
	document := a.documents(uid)[0]["upload"].(string)
	operation := func(name string, given parameters) func() answer {
		return func() answer { return a.call(jsonForm, name, given) }
	}
	get := func(url string) func() answer {
		return func() answer { return fetch(t, http.MethodGet, url) }
	}
	for _, c := range []struct {
		name            string
		ask             func() answer
		status          int
		policy, caching string
	}{
		{"an operation", operation("getUser", parameters{"uid": uid}), 201, nothing, noStore},
		{"a list", operation("listUsers", parameters{}), 201, nothing, noStore},
		{"a refusal", operation("getUser", parameters{}), 422, nothing, noStore},
		{"no signature", func() answer { return a.send("getUser", "application/json", []byte("{}"), "") }, 401, nothing, noStore},
		{"problem details", func() answer {
			return a.send("getUser", "application/json", []byte("{}"), "", func(_ context.Context, r *http.Request) error {
				r.Header.Set("Accept", "application/problem+json")
				return nil
			})
		}, 401, nothing, noStore},
		{"no such path", get(a.root + "/nowhere"), 404, nothing, noStore},
		{"another verb", get(a.url + "/users"), 405, nothing, noStore},
		{"the specification", get(a.root + "/openapi.yaml"), 200, nothing, ""},
		{"the specification in JSON", get(a.root + "/openapi.json"), 200, nothing, ""},
		{"the specification for generators of clients", get(a.root + "/openapi.client.json"), 200, nothing, ""},
		{"the specification as Barong has it", get(a.url + "/management.json"), 200, nothing, ""},
		{"another verb on it", func() answer { return fetch(t, http.MethodPost, a.url+"/management.json") }, 405, nothing, noStore},
		{"the keys", get(a.root + "/.well-known/jwks.json"), 200, nothing, ""},
		{"a document", get(document), 200, "default-src 'none'; sandbox", documents.CacheControl},
		{"a document's URL that was changed", get(document + "0"), 404, nothing, noStore},
		{"a page below the documentation", get(a.root + "/docs/nowhere"), 404, nothing, noStore},
		{"a script of the documentation", get(a.root + "/docs/scalar.js"), 200, nothing, "no-cache"},
		{"the documentation", get(a.root + "/docs"), 200, "", noStore},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.ask()
			if got.status != c.status {
				t.Fatalf("answered %s", got)
			}
			policy := got.header.Get("Content-Security-Policy")
			if c.policy == "" { // of the documentation, with a nonce that is never the same
				c.policy = policy
				if !strings.Contains(policy, "script-src 'nonce-") {
					t.Errorf("the policy is %q", policy)
				}
			}
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				"Content-Security-Policy": c.policy, "Cache-Control": c.caching,
				"Server": "", "X-Powered-By": "",
			} {
				if values := got.header.Values(name); strings.Join(values, " | ") != want {
					t.Errorf("%s is %q, and not %q", name, values, want)
				}
			}
		})
	}
}
