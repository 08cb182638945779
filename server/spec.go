package server

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"barong/generated"
)

// servePublic serves what everybody may read: the specification, and the keys
// with which the server's signatures are verified (RFC 8615 reserves the folder).
func servePublic(router chi.Router, yaml, keys []byte) error {
	json, err := generated.GetSpecJSON()
	if err != nil {
		return fmt.Errorf("the embedded specification cannot be read: %w", err)
	}
	serve := func(path, contentType string, content []byte) {
		handler := func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write(content)
		}
		router.Get(path, handler)
		router.Head(path, handler)
	}
	serve("/openapi.yaml", "application/yaml", yaml)
	serve("/openapi.json", "application/json", json)
	serve("/.well-known/jwks.json", "application/jwk-set+json", keys)
	return nil
}
