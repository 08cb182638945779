package server

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"barong/generated"
)

// specPaths is where the specification is served, to everybody.
var specPaths = []string{"/openapi.yaml", "/openapi.json"}

func serveSpec(router chi.Router, yaml []byte) error {
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
	serve(specPaths[0], "application/yaml", yaml)
	serve(specPaths[1], "application/json", json)
	return nil
}
