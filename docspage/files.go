package docspage

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
)

var (
	// scalarJS is dist/browser/standalone.js of the npm package
	// @scalar/api-reference, as `make scalar` fetches it. LICENSE.scalar is its
	// licence.
	//
	//go:embed scalar.js.gz
	scalarJS []byte

	//go:embed page.js
	pageJS []byte

	//go:embed page.css
	pageCSS []byte

	//go:embed icon.svg
	iconSVG []byte
)

// ScalarVersion is the version of @scalar/api-reference that is served.
const ScalarVersion = "1.72.1"

// scalarSHA256 is the digest of its standalone.js, not compressed. `make scalar`
// refuses a file with another.
const scalarSHA256 = "bf091006bdc3af6067af77c2f534812e3e633e94a94e87138069f570f33b762c"

// files is what the page loads, by name.
var files = map[string]http.Handler{
	"scalar.js": packed{"text/javascript; charset=utf-8", scalarSHA256, scalarJS},
	"page.js":   plain{"text/javascript; charset=utf-8", pageJS},
	"page.css":  plain{"text/css; charset=utf-8", pageCSS},
	"icon.svg":  plain{"image/svg+xml", iconSVG},
}

// plain is a small file.
type plain struct {
	contentType string
	content     []byte
}

func (f plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	digest := sha256.Sum256(f.content)
	describe(w.Header(), f.contentType, hex.EncodeToString(digest[:16]))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}

// packed is a file that lies in the binary, and in most cases travels, as gzip
// made it.
type packed struct {
	contentType string
	digest      string // of the content, not compressed
	gzip        []byte
}

func (f packed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header) {
		describe(header, f.contentType, f.digest[:32]+"-gzip")
		header.Set("Content-Encoding", "gzip")
		header.Set("Content-Length", strconv.Itoa(len(f.gzip)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.gzip))
		return
	}
	describe(header, f.contentType, f.digest[:32])
	if r.Method == http.MethodHead {
		return
	}
	content, err := gzip.NewReader(bytes.NewReader(f.gzip))
	if err == nil {
		_, err = io.Copy(w, content) //nolint:gosec // the file is our own
	}
	if err != nil && r.Context().Err() == nil {
		panic(http.ErrAbortHandler) // a file that is cut off must not look whole
	}
}

// describe sets the headers of a file. It may be kept, and is asked for again at
// each use: another version of the server has others under the same name.
func describe(header http.Header, contentType, version string) {
	protect(header)
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", fmt.Sprintf("%q", version))
}

// acceptsGzip reads Accept-Encoding (RFC 9110 §12.5.3). Who sends none may take
// anything, and gets the file as it is.
func acceptsGzip(header http.Header) bool {
	for coding := range strings.SplitSeq(strings.Join(header.Values("Accept-Encoding"), ","), ",") {
		name, weight, weighted := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
		if !strings.EqualFold(name, "gzip") {
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
