package server

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/go-chi/chi/v5"

	"barong/generated"
)

// publicPaths is what everybody may read: the specification, and the keys with
// which the server's signatures are verified (RFC 8615 reserves the folder).
var publicPaths = []string{"/openapi.yaml", "/openapi.json", "/.well-known/jwks.json"}

// Specification is openapi.yaml as requests are held against it. It is parsed at
// the first call, which takes some milliseconds; later ones share what that made,
// which must not be changed.
var Specification = sync.OnceValues(generated.GetSpec)

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
	serve(publicPaths[0], "application/yaml", yaml)
	serve(publicPaths[1], "application/json", json)
	serve(publicPaths[2], "application/jwk-set+json", keys)
	return nil
}
