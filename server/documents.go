package server

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"barong/documents"
	"barong/handlers"
)

// serveDocuments answers the signed URLs of documents, to everybody who has one.
func serveDocuments(router chi.Router, serve func(http.ResponseWriter, *http.Request) error, timeout time.Duration, errs handlers.Errors) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		by := callerOf(r.Context())
		by.operation = operationDocument
		defer by.begin(timeout)()
		if err := serve(w, r); err != nil {
			errs.Fail(w, r, err)
		}
	}
	router.Get(documents.Path+"{object}", handler)
	router.Head(documents.Path+"{object}", handler)
}
