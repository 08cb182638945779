package server

import (
	"net/http"

	"barong/handlers"
)

// limitDownloads bounds how many documents are sent at once. A reader holds a place
// for as long as it reads: these places are not those of operations, so that slow
// readers leave the operations alone, and bound the open files of the store and the
// memory for decryption.
func limitDownloads(places *limiter, errs handlers.Errors, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := places.acquire(); err != nil {
			errs.Fail(w, r, err)
			return
		}
		defer places.release()
		next(w, r)
	}
}
