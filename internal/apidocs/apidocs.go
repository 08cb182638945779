// Package apidocs serves the API documentation for browsers: Scalar's API reference over a
// document derived from openapi.yaml. The server serves all its files, and the page's
// Content-Security-Policy allows no other origin.
package apidocs

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
)

// Path is the path of the page. Its files are below it.
const Path = "/docs"

// KeyHeader is the request header with the page's key for a token.
const KeyHeader = "X-Docs-Key"

// KeyFragment precedes the key in the page's URL. Browsers never send the fragment, so that
// the key appears in no log and no Referer.
const KeyFragment = "#key="

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Parse(pageHTML))

// policy is the page's Content-Security-Policy. It allows only elements with the response's
// nonce, and requests to the page's own server. Style attributes must be allowed because
// Scalar numbers the lines of examples with them, and a nonce cannot authorise an attribute;
// the policy forbids all that they could load.
const policy = "default-src 'none'; script-src 'nonce-%[1]s'; style-src 'nonce-%[1]s'; style-src-attr 'unsafe-inline'; " +
	"connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handlers returns the handlers of the page and its files by path, for GET and HEAD. If
// tokenPath is not empty, the page requests Bearer tokens for trying operations from it, by
// POST with the key from its URL in KeyHeader. The response is a JSON object
// {"token": …, "expires_in": seconds, "key": for the next request}.
//
// The page is generated from the specification, openapi.yaml, with a section of Markdown after its
// description. An error means that it is invalid.
func Handlers(specification []byte, tokenPath, section string) (map[string]http.Handler, error) {
	document, err := parse(specification)
	if err != nil {
		return nil, err
	}
	contents, err := document.outline()
	if err != nil {
		return nil, err
	}
	reference, err := Document(specification, section)
	if err != nil {
		return nil, err
	}
	found := map[string]http.Handler{
		Path:                   servePage(tokenPath, contents),
		Path + "/openapi.yaml": compressed(plain{"application/yaml", reference}),
	}
	for name, file := range files {
		found[Path+"/"+name] = file
	}
	return found, nil
}

// servePage creates a nonce for each response, so that a response must not be cached.
func servePage(tokenPath string, contents outline) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		nonce := rand.Text()
		var html bytes.Buffer
		if err := page.Execute(&html, struct {
			Nonce, Token string
			Outline      outline
		}{nonce, tokenPath, contents}); err != nil {
			panic(fmt.Errorf("the page of the documentation cannot be made: %w", err))
		}
		header := w.Header()
		setSecurityHeaders(header)
		header.Set("Content-Security-Policy", fmt.Sprintf(policy, nonce))
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		header.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = html.WriteTo(w)
	})
}

// setSecurityHeaders sets the common headers of the page and its files.
func setSecurityHeaders(header http.Header) {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
}
