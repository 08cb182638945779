package server

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"barong/documents"
	"barong/handlers"
)

// serveDocuments answers the signed URLs of documents, to everybody who has one.
func serveDocuments(router chi.Router, serve func(http.ResponseWriter, *http.Request) error, errs handlers.Errors) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		callerOf(r.Context()).operation = operationDocument
		if err := serve(w, r); err != nil {
			errs.Fail(w, r, err)
		}
	}
	router.Get(documents.Path+"{object}", handler)
	router.Head(documents.Path+"{object}", handler)
}
