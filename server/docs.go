package server

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"barong/docspage"
	"barong/handlers"
)

// Docs is the page that documents the interface, and lets people try it.
type Docs struct {
	// Token makes a Bearer token for the page, and says how long it is good. It is
	// for development: nil where signers are configured.
	Token func() (token string, good time.Duration, err error)
}

// DocsPath is where the page is.
const DocsPath = docspage.Path

// docsToken is where the page gets its token.
const docsToken = docspage.Path + "/token"

func serveDocs(router chi.Router, docs Docs, errs handlers.Errors) {
	tokenPath := ""
	if docs.Token != nil {
		tokenPath = docsToken
		router.Post(docsToken, func(w http.ResponseWriter, r *http.Request) {
			if err := docs.serveToken(w, r); err != nil {
				errs.Fail(w, r, err)
			}
		})
	}
	for path, handler := range docspage.Handlers(tokenPath) {
		router.Method(http.MethodGet, path, handler)
		router.Method(http.MethodHead, path, handler)
	}
}

// isBrowserAtRoot says whether somebody opened the address of the server alone in a
// browser.
func isBrowserAtRoot(r *http.Request) bool {
	return r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func redirectToDocs(w http.ResponseWriter) {
	w.Header().Set("Vary", "Accept")
	w.Header().Set("Location", DocsPath)
	w.WriteHeader(http.StatusFound)
}

// serveToken answers the page and nobody else: a foreign page, or one under a
// name that was made to point at this machine, is told that there is no such
// path. An error that it returns was not written yet.
func (d Docs) serveToken(w http.ResponseWriter, r *http.Request) error {
	if !fromOwnPage(r) {
		return fmt.Errorf("a token is for the page of this server on a loopback address, not for %q at %q: %w",
			r.Header.Get("Origin"), r.Host, errNoRoute)
	}
	token, good, err := d.Token()
	if err != nil {
		return fmt.Errorf("the token of the documentation: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": int(good.Seconds())})
}

// fromOwnPage says whether a browser sends the request for a page of this server,
// which it reached under a name that only this machine has. All three must be
// right: a page elsewhere has another Origin; one whose name was rebound to
// 127.0.0.1 has another Host; a proxy that sets Host has another Origin again.
func fromOwnPage(r *http.Request) bool {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return r.Header.Get("Sec-Fetch-Site") == "same-origin" &&
		r.Header.Get("Origin") == scheme+r.Host &&
		isLoopback(r.Host)
}

// isLoopback takes a host with or without a port.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}
