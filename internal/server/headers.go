package server

import "net/http"

// Security headers of every response of the public listener. A response is data: a browser
// must not guess another type, cache, execute or frame it, or send its URL as the referrer.
// All responses share these slices; a handler that needs another value must replace the slice,
// not change it.
var (
	noSniffing = []string{"nosniff"}
	notKept    = []string{"no-store"}
	noReferrer = []string{"no-referrer"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// setSecurityHeaders sets the default security headers. The handlers of /docs and of documents
// replace the content policy and the caching with their own.
func setSecurityHeaders(header http.Header) {
	header["X-Content-Type-Options"] = noSniffing
	header["Cache-Control"] = notKept
	header["Referrer-Policy"] = noReferrer
	header["Content-Security-Policy"] = noContent
}

// allowCaching lets clients cache a public response. They choose for how long.
func allowCaching(header http.Header) { header.Del("Cache-Control") }
