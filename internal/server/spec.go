package server

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"barong/generated"
	"barong/handlers"
	"barong/internal/clientspec"
	"barong/internal/swagger2"
)

// swaggerPath is where Barong has the specification as Swagger 2.0.
const swaggerPath = handlers.BasePath + "/management.json"

// clientPath is where the specification is with JSON alone.
const clientPath = "/openapi.client.json"

// Specification is openapi.yaml as requests are held against it. It is parsed at
// the first call, which takes some milliseconds; later ones share what that made,
// which must not be changed.
var Specification = sync.OnceValues(generated.GetSpec)

// servePublic serves what everybody may read: the specification, and the keys
// with which the server's signatures are verified (RFC 8615 reserves the folder).
func servePublic(router chi.Router, yaml, keys []byte, publicURL string, errs handlers.Errors) error {
	json, err := generated.GetSpecJSON()
	if err != nil {
		return fmt.Errorf("the embedded specification cannot be read: %w", err)
	}
	compressed := router.With(compress)
	serve := func(path, contentType string, content []byte) {
		handler := func(w http.ResponseWriter, _ *http.Request) {
			allowCaching(w.Header())
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write(content)
		}
		compressed.Get(path, handler)
		compressed.Head(path, handler)
	}
	serve("/openapi.yaml", "application/yaml", yaml)
	serve("/openapi.json", "application/json", json)
	serve("/.well-known/jwks.json", "application/jwk-set+json", keys)
	serveDerived(router, swaggerPath, func(document *openapi3.T) ([]byte, error) { return swagger2.Convert(document, publicURL) }, errs)
	serveDerived(router, clientPath, func(document *openapi3.T) ([]byte, error) { return clientspec.Derive(document, publicURL) }, errs)
	return nil
}

// compress packs the specification, of which a sixth is left, for whoever takes it
// so. What it says is no secret: nothing can be guessed from the length.
var compress = middleware.Compress(gzip.BestCompression, "application/yaml", "application/json", "application/jwk-set+json")

// serveDerived derives a document from the specification when it is first asked
// for, which few are.
func serveDerived(router chi.Router, path string, derive func(*openapi3.T) ([]byte, error), errs handlers.Errors) {
	derived := sync.OnceValues(func() ([]byte, error) {
		document, err := generated.GetSpec() // of its own: it changes
		if err != nil {
			return nil, fmt.Errorf("the embedded specification cannot be read: %w", err)
		}
		return derive(document)
	})
	handler := func(w http.ResponseWriter, r *http.Request) {
		content, err := derived()
		if err != nil {
			errs.Fail(w, r, err)
			return
		}
		allowCaching(w.Header())
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(content)
	}
	compressed := router.With(compress)
	compressed.Get(path, handler)
	compressed.Head(path, handler)
}
