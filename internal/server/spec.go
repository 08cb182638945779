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

// swaggerPath is the path at which Barong serves its specification as Swagger 2.0.
const swaggerPath = handlers.BasePath + "/management.json"

// clientPath serves the specification with JSON as the only media type.
const clientPath = "/openapi.client.json"

// Specification returns openapi.yaml as the server validates requests against it. The first
// call parses it, which takes some milliseconds; all calls share the result, which must not be
// changed.
var Specification = sync.OnceValues(generated.GetSpec)

// servePublic serves what needs no authentication: the specification, and the keys that verify
// the server's signatures (below /.well-known, RFC 8615).
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

// compress compresses the specification to a sixth for clients that accept it. Its content is
// public, so that its compressed length reveals nothing.
var compress = middleware.Compress(gzip.BestCompression, "application/yaml", "application/json", "application/jwk-set+json")

// serveDerived serves a document that is derived from the specification. It is derived on the
// first request: most processes never need it.
func serveDerived(router chi.Router, path string, derive func(*openapi3.T) ([]byte, error), errs handlers.Errors) {
	derived := sync.OnceValues(func() ([]byte, error) {
		document, err := generated.GetSpec() // a separate copy, because derive changes it
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
