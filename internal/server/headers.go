package server

import "net/http"

// What every answer of the public listener says. An answer is data: a browser shall
// not guess what else it might be, keep it, run it, frame it, or tell another server
// where it came from. The values are shared by all answers: a handler that needs
// another one sets it, which replaces the slice.
var (
	noSniffing = []string{"nosniff"}
	notKept    = []string{"no-store"}
	noReferrer = []string{"no-referrer"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// setSecurityHeaders sets what an answer says unless its handler knows better: those of /docs
// and of documents have a policy and caching of their own.
func setSecurityHeaders(header http.Header) {
	header["X-Content-Type-Options"] = noSniffing
	header["Cache-Control"] = notKept
	header["Referrer-Policy"] = noReferrer
	header["Content-Security-Policy"] = noContent
}

// allowCaching is for what everybody may read: clients decide how long they keep it.
func allowCaching(header http.Header) { header.Del("Cache-Control") }
