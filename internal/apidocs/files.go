package apidocs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"
)

var (
	// scalarBrotli and scalarGzip are dist/browser/standalone.js of the npm package
	// @scalar/api-reference, as `make scalar` fetches it. LICENSE.scalar is its licence.
	//
	//go:embed scalar.js.br
	scalarBrotli []byte

	//go:embed scalar.js.gz
	scalarGzip []byte

	//go:embed page.js
	pageJS []byte

	//go:embed page.css
	pageCSS []byte

	//go:embed icon.svg
	iconSVG []byte
)

// ScalarVersion is the version of @scalar/api-reference that the server delivers.
const ScalarVersion = "1.72.1"

// scalarSHA256 is the SHA-256 digest of the uncompressed standalone.js. `make scalar` rejects
// a file with another digest.
const scalarSHA256 = "bf091006bdc3af6067af77c2f534812e3e633e94a94e87138069f570f33b762c"

// files are the page's files by name.
var files = map[string]http.Handler{
	"scalar.js": packed{"text/javascript; charset=utf-8", scalarSHA256, []encoded{{"br", scalarBrotli}, {"gzip", scalarGzip}}},
	"page.js":   compressed(plain{"text/javascript; charset=utf-8", pageJS}),
	"page.css":  compressed(plain{"text/css; charset=utf-8", pageCSS}),
	"icon.svg":  plain{"image/svg+xml", iconSVG},
}

// compressed compresses responses on request, which suits small texts.
func compressed(next http.Handler) http.Handler {
	pack := middleware.Compress(gzip.BestCompression, "text/javascript", "text/css", "application/yaml")(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range") // a range of one encoding is not a range of another
		pack.ServeHTTP(w, r)
	})
}

// plain is a small file.
type plain struct {
	contentType string
	content     []byte
}

func (f plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	digest := sha256.Sum256(f.content)
	describe(w.Header(), f.contentType, "W/", hex.EncodeToString(digest[:16]))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}

// packed is a file that is embedded in compressed form, so that it need not be compressed for
// each request.
type packed struct {
	contentType string
	digest      string    // of the uncompressed content
	encodings   []encoded // smallest first, including gzip
}

type encoded struct {
	coding  string // as in Accept-Encoding
	content []byte
}

func (f packed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Vary", "Accept-Encoding")
	var zipped []byte
	for _, encoding := range f.encodings {
		if accepts(r.Header, encoding.coding) {
			describe(header, f.contentType, "", f.digest[:32]+"-"+encoding.coding)
			header.Set("Content-Encoding", encoding.coding)
			header.Set("Content-Length", strconv.Itoa(len(encoding.content)))
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(encoding.content))
			return
		}
		if encoding.coding == "gzip" {
			zipped = encoding.content
		}
	}
	describe(header, f.contentType, "", f.digest[:32])
	if r.Method == http.MethodHead {
		return
	}
	content, err := gzip.NewReader(bytes.NewReader(zipped))
	if err == nil {
		_, err = io.Copy(w, content) //nolint:gosec // the file is embedded in the binary
	}
	if err != nil && r.Context().Err() == nil {
		panic(http.ErrAbortHandler) // aborts the response, so that a truncated file does not look complete
	}
}

// describe sets the headers of a file. Clients may cache it but must revalidate it at each
// use, because another version of the server has other files under the same names. The ETag is
// weak if the bytes may be compressed.
func describe(header http.Header, contentType, weak, version string) {
	setSecurityHeaders(header)
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", fmt.Sprintf("%s%q", weak, version))
}

// accepts reports whether Accept-Encoding (RFC 9110 §12.5.3) allows a coding. A client without
// the header gets the uncompressed file.
func accepts(header http.Header, coding string) bool {
	for each := range strings.SplitSeq(strings.Join(header.Values("Accept-Encoding"), ","), ",") {
		name, weight, weighted := strings.Cut(strings.ReplaceAll(each, " ", ""), ";")
		if !strings.EqualFold(name, coding) {
			continue
		}
		if !weighted {
			return true
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToLower(weight), "q="), 64)
		return err == nil && q > 0
	}
	return false
}
