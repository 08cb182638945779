package server

import (
	"net/http"

	"barong/handlers"
)

// limitDownloads bounds how many documents are sent at once, and with them the open files of
// the store and the memory for decryption. A download holds its place until the client has
// read it. The limit is separate from that of operations, so that slow readers do not block
// operations.
func limitDownloads(concurrency *limiter, errs handlers.Errors, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := concurrency.acquire(); err != nil {
			errs.Fail(w, r, err)
			return
		}
		defer concurrency.release()
		next(w, r)
	}
}
