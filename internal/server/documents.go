package server

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"barong/handlers"
	"barong/internal/documents"
)

// serveDocuments serves documents by signed URL. The URL is the only authorisation. concurrency
// bounds how many are served at once.
func serveDocuments(router chi.Router, serve func(http.ResponseWriter, *http.Request) error, concurrency *limiter, timeout time.Duration, errs handlers.Errors) {
	send := limitDownloads(concurrency, errs, func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			errs.Fail(w, r, err)
		}
	})
	handler := func(w http.ResponseWriter, r *http.Request) {
		requestInfoOf(r.Context()).operation = operationDocument
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		send(w, r.WithContext(ctx))
	}
	router.Get(documents.Path+"{object}", handler)
	router.Head(documents.Path+"{object}", handler)
}
