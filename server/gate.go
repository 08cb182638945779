package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"barong/auth"
	"barong/handlers"
	"barong/identity"
)

// The media types that parameters come in. An envelope is JSON.
const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// gate stands before every operation. Its checks come in the order of
// docs/errors.md; behind it, parameters have the types of the schema and
// keep its rules, from a caller who may call the operation.
type gate struct {
	operations map[route]*operation
	keychain   *auth.Source
	errs       handlers.Errors
	clock      func() time.Time
	bodyLimit  int64
	memory     *memory // that large bodies take
	work       work    // that is being done
	rates      *RateLimits
	patience   Patience
	timeout    time.Duration
}

func newGate(document *openapi3.T, o Options, errs handlers.Errors) (*gate, error) {
	operations, err := operationsOf(document)
	if err != nil {
		return nil, err
	}
	return &gate{
		operations: operations, keychain: o.Keychain, errs: errs, clock: o.Clock, bodyLimit: o.BodyLimit, memory: newMemory(o.BodyMemory),
		work: work{limit: int64(o.InFlight)}, rates: o.Rates, patience: o.Patience, timeout: o.Timeout,
	}, nil
}

func (g *gate) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op, ok := g.operations[route{r.Method, chi.RouteContext(r.Context()).RoutePattern()}]
		if !ok {
			g.errs.Fail(w, r, fmt.Errorf("the router knows %s %s, the specification does not", r.Method, r.URL.Path))
			return
		}
		by := callerOf(r.Context())
		by.operation = op.id
		if g.work.full() {
			g.errs.Fail(w, r, errOverloaded)
			return
		}
		mediaType := mediaType(r)
		release, err := g.makeRoom(r, g.allowance(mediaType))
		if err != nil {
			g.errs.Fail(w, r, err)
			return
		}
		defer release()
		values, err := g.admit(w, r, op, by, mediaType)
		if err == nil {
			err = g.work.begin() // only here: no place is held by a slow sender, nor by one who may not call
		}
		if err != nil {
			g.errs.Fail(w, r, err)
			return
		}
		defer g.work.end()
		defer by.begin(g.timeout)()
		r.Body = canonicalBody(values)
		r.ContentLength = -1
		r.Header.Set("Content-Type", mediaJSON)
		next.ServeHTTP(w, r)
	})
}

// makeRoom waits until the memory for the body is there. One that says nothing of
// its length counts as the largest; one that is too large is not waited for.
func (g *gate) makeRoom(r *http.Request, allowance int64) (release func(), err error) {
	size := r.ContentLength
	switch {
	case size < 0:
		size = allowance
	case size > allowance, r.URL.RawQuery != "":
		size = 0 // refused unread
	}
	return g.memory.reserve(r.Context(), size, g.timeout)
}

// admit returns the canonical parameters of a request that may pass.
func (g *gate) admit(w http.ResponseWriter, r *http.Request, op *operation, by *caller, mediaType string) (map[string]any, error) {
	if r.URL.RawQuery != "" {
		return nil, identity.E(identity.BadRequest, "Query parameters are not allowed.")
	}
	body, err := g.read(w, r, g.allowance(mediaType))
	if err != nil {
		return nil, err
	}
	keychain := g.keychain.Keychain()
	credentials, given, err := g.open(keychain, mediaType, body)
	if err != nil {
		return nil, err
	}
	if credentials == nil {
		if credentials, err = keychain.ParseBearer(r.Header.Get("Authorization")); err != nil {
			return nil, err
		}
	}
	now := g.clock()
	if by.signers, err = keychain.Authorize(credentials, auth.Operation{ID: op.id, Scope: op.scope}, now); err != nil {
		return nil, err
	}
	if g.rates != nil {
		if err := g.rates.charge(w.Header(), keychain, by.signers, op.id, now); err != nil {
			return nil, err
		}
	}
	return op.canonical(given)
}

// envelopeOverhead is room for the signatures of an envelope, beside its payload.
const envelopeOverhead = 64 << 10

// allowance is how many bytes a body of this media type may have on the wire.
// The limit is one of parameters; an envelope holds them in base64 once more.
func (g *gate) allowance(mediaType string) int64 {
	if mediaType == mediaJSON {
		return g.bodyLimit/3*4 + envelopeOverhead
	}
	return g.bodyLimit
}

func (g *gate) tooLarge() error {
	return identity.E(identity.TooLarge, "Request body is larger than "+strconv.FormatInt(g.bodyLimit, 10)+" bytes.")
}

// read returns the whole body, or refuses one that is too large.
func (g *gate) read(w http.ResponseWriter, r *http.Request, allowance int64) ([]byte, error) {
	if r.ContentLength > allowance {
		w.Header().Set("Connection", "close") // rather than read what nobody wants
		return nil, g.tooLarge()
	}
	var body bytes.Buffer
	var source io.Reader = r.Body
	if r.ContentLength >= 0 { // which is all that the connection will give
		body.Grow(int(r.ContentLength) + bytes.MinRead) // nothing is copied while it grows
	} else {
		source = http.MaxBytesReader(w, r.Body, allowance)
	}
	if r.ContentLength < 0 || r.ContentLength > smallBody {
		large := newPaced(w, source, g.patience)
		defer large.arrived(g.timeout)
		source = large
	}
	_, err := body.ReadFrom(source)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, g.tooLarge()
	case err != nil:
		return nil, identity.E(identity.BadRequest, "Request body could not be read.").Because(err)
	}
	return body.Bytes(), nil
}

// mediaType is that of the body, in lower case and without its parameters,
// broken ones included: they change nothing here. A request that has neither
// body nor media type counts as JSON: an operation without parameters needs none.
func mediaType(r *http.Request) string {
	given := r.Header.Get("Content-Type")
	switch {
	case given == "" && r.ContentLength == 0:
		return mediaJSON
	case given == mediaJSON, given == mediaForm: // as nearly always
		return given
	}
	parsed, _, err := mime.ParseMediaType(given)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	return parsed
}

// open finds out in which form the request came. credentials are nil where the
// body has none: then the Authorization header must.
func (g *gate) open(keychain *auth.Keychain, mediaType string, body []byte) (credentials *auth.Credentials, given parameters, err error) {
	switch mediaType {
	case mediaForm:
		given, err = parseForm(body)
		return nil, given, err
	case mediaJSON:
		credentials, isEnvelope, err := keychain.ParseEnvelope(body)
		if isEnvelope && err == nil {
			body = credentials.Data()
		}
		switch {
		case int64(len(body)) > g.bodyLimit:
			return nil, nil, g.tooLarge()
		case isEnvelope && err == nil:
			return credentials, credentials.Parameters(), nil
		case err != nil:
			return nil, nil, err
		}
		given, err = parseJSON(body)
		return nil, given, err
	default:
		return nil, nil, identity.E(identity.UnsupportedMedia, "Content-Type must be "+mediaJSON+" or "+mediaForm+".")
	}
}
