package server

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"barong/handlers"
	"barong/internal/apidocs"
)

// Docs is the page that documents the interface, and lets people try it.
type Docs struct {
	// Token makes a Bearer token for the page, and says how long it is good. It is
	// for development: nil where signers are configured.
	Token func() (token string, good time.Duration, err error)
	// Key is the secret in the URL of the page, behind #key=, that the page gets its
	// tokens for. It is good once. Without it nobody gets any.
	Key string
}

// DocsPath is where the page is.
const DocsPath = apidocs.Path

// docsToken is where the page gets its token.
const docsToken = apidocs.Path + "/token"

func serveDocs(router chi.Router, docs Docs, specification []byte, errs handlers.Errors) error {
	tokenPath := ""
	if docs.Token != nil && docs.Key != "" {
		tokenPath = docsToken
		keys := &docsKeys{url: docs.Key}
		router.Post(docsToken, func(w http.ResponseWriter, r *http.Request) {
			if err := docs.serveToken(w, r, keys); err != nil {
				errs.Fail(w, r, err)
			}
		})
	}
	pages, err := apidocs.Handlers(specification, tokenPath)
	if err != nil {
		return fmt.Errorf("the documentation cannot be made of the specification: %w", err)
	}
	for path, handler := range pages {
		router.Method(http.MethodGet, path, handler)
		router.Method(http.MethodHead, path, handler)
	}
	return nil
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

// serveToken answers the page and nobody else: a foreign page, one under a name
// that was made to point at this machine, one behind a proxy and one without the key
// are told that there is no such path. An error that it returns was not written yet.
func (d Docs) serveToken(w http.ResponseWriter, r *http.Request, keys *docsKeys) error {
	if !fromOwnPage(r) || wasForwarded(r) {
		return fmt.Errorf("a token is for the page of this server on its loopback address, without a proxy: %w", errNoRoute)
	}
	key, ok := keys.exchange(r.Header.Get(apidocs.KeyHeader))
	if !ok {
		return fmt.Errorf("a token is for the page whose URL the server has printed at its start: %w", errNoRoute)
	}
	token, good, err := d.Token()
	if err != nil {
		return fmt.Errorf("the token of the documentation: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": int(good.Seconds()), "key": key})
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
		isLoopback(r.Host) && isOwnPort(r)
}

// isOwnPort says whether the request names the port on which it arrived, and came
// to a loopback address of this machine.
func isOwnPort(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return false
	}
	_, port, err := net.SplitHostPort(r.Host)
	return err == nil && port == strconv.Itoa(local.Port)
}

// proxyHeaders are what a proxy adds to a request, beside X-Forwarded-….
var proxyHeaders = []string{"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Original-Host", "X-Envoy-External-Address", "Cf-Connecting-Ip", "True-Client-Ip"}

// wasForwarded says whether somebody between the browser and this server says so.
// The Host and the Origin of a request do not tell: a proxy may be reached, and may
// reach us, under a loopback address too.
func wasForwarded(r *http.Request) bool {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded") || slices.Contains(proxyHeaders, name) {
			return true
		}
	}
	return false
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
