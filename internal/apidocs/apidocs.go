// Package apidocs is the documentation that people read in a browser: Scalar's
// API reference over the server's own /openapi.json. All of it comes from this
// server, and the page's Content-Security-Policy lets it ask nobody else.
package apidocs

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
)

// Path is where the page is. The files that it is made of are below it.
const Path = "/docs"

// KeyHeader is where the page has its key when it asks for a token.
const KeyHeader = "X-Docs-Key"

// KeyFragment is what stands before the key in the page's URL. A fragment is never
// sent, and so is in no log and in no Referer.
const KeyFragment = "#key="

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Parse(pageHTML))

// policy is the page's Content-Security-Policy: everything is forbidden but what
// carries the answer's nonce, and what the page asks of its own server. Style
// attributes must be allowed, since Scalar numbers the lines of examples with
// them; a nonce cannot stand for one, and what they could load is forbidden.
const policy = "default-src 'none'; script-src 'nonce-%[1]s'; style-src 'nonce-%[1]s'; style-src-attr 'unsafe-inline'; " +
	"connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handlers are the page and its files, by path, each for GET and HEAD. Where
// tokenPath is not empty, the page asks it, with POST and the key of its URL in
// KeyHeader, for the Bearer token that operations are tried with: a JSON object
// {"token": …, "expires_in": seconds, "key": for the next time}.
//
// What the page says is made of the specification, openapi.yaml: an error is one
// in it.
func Handlers(specification []byte, tokenPath string) (map[string]http.Handler, error) {
	document, err := parse(specification)
	if err != nil {
		return nil, err
	}
	contents, err := document.outline()
	if err != nil {
		return nil, err
	}
	reference, err := Document(specification)
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

// servePage makes a nonce for each answer, so an answer is never kept.
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

// setSecurityHeaders sets what the page and its files have in common.
func setSecurityHeaders(header http.Header) {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
}
