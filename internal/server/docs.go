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

// Docs configures the interactive API documentation page.
type Docs struct {
	// Token issues a Bearer token for the page and returns its lifetime. It is for
	// development, and nil if signers are configured.
	Token func() (token string, good time.Duration, err error)
	// Key is the one-time secret in the fragment (#key=) of the page's URL. The page exchanges
	// it for tokens. If it is empty, the page gets no tokens.
	Key string
	// Section follows the description of the interface, in Markdown: what is so on this server only.
	Section string
}

// DocsPath is the path of the documentation page.
const DocsPath = apidocs.Path

// docsToken is the path at which the page requests its token.
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
	pages, err := apidocs.Handlers(specification, tokenPath, docs.Section)
	if err != nil {
		return fmt.Errorf("the documentation cannot be made of the specification: %w", err)
	}
	for path, handler := range pages {
		router.Method(http.MethodGet, path, handler)
		router.Method(http.MethodHead, path, handler)
	}
	return nil
}

// isBrowserAtRoot reports whether a browser requests the path / (by the Accept header).
func isBrowserAtRoot(r *http.Request) bool {
	return r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func redirectToDocs(w http.ResponseWriter) {
	w.Header().Set("Vary", "Accept")
	w.Header().Set("Location", DocsPath)
	w.WriteHeader(http.StatusFound)
}

// serveToken issues a token to this server's own page only. It returns errNoRoute (404) to a
// page of another origin, to a host name rebound to this machine, to a request through a
// proxy, and to a request without the key. When it returns an error, it has not written a
// response.
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

// fromOwnPage reports whether a browser sent the request from a page of this server, reached
// under a loopback name. All conditions are needed: a page of another site has another Origin,
// a name rebound to 127.0.0.1 has another Host, and a proxy that sets Host makes it differ
// from the Origin.
func fromOwnPage(r *http.Request) bool {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return r.Header.Get("Sec-Fetch-Site") == "same-origin" &&
		r.Header.Get("Origin") == scheme+r.Host &&
		isLoopback(r.Host) && isOwnPort(r)
}

// isOwnPort reports whether the request arrived at a loopback address, and its Host names the
// port at which it arrived.
func isOwnPort(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return false
	}
	_, port, err := net.SplitHostPort(r.Host)
	return err == nil && port == strconv.Itoa(local.Port)
}

// proxyHeaders are headers that proxies add to requests, besides X-Forwarded-*.
var proxyHeaders = []string{"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Original-Host", "X-Envoy-External-Address", "Cf-Connecting-Ip", "True-Client-Ip"}

// wasForwarded reports whether the request has a header of a proxy. Host and Origin do not
// reveal a proxy: it may itself be reached at a loopback address, and reach this server at
// one.
func wasForwarded(r *http.Request) bool {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded") || slices.Contains(proxyHeaders, name) {
			return true
		}
	}
	return false
}

// isLoopback reports whether a host, with or without a port, is a loopback address or
// localhost.
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
