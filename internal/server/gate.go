package server

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"barong/handlers"
	"barong/internal/auth"
	"barong/internal/jsonobject"
	"barong/internal/problem"
)

// Media types of the parameters. Barong's clients send an envelope as application/json; its
// registered type is application/jose+json (RFC 7515, section 9.2.1).
const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
	mediaJOSE = "application/jose+json"
)

// gate is the middleware in front of every operation. It checks a request in the order that
// docs/errors.md gives. The operation behind it receives parameters that are valid by the
// schema, from a caller with permission to call it.
type gate struct {
	operations  map[route]*operation
	keychain    *auth.Source
	errs        handlers.Errors
	clock       func() time.Time
	bodyLimit   int64
	bodies      bodyMemory
	answers     *memoryLimiter // for large responses while they are sent
	concurrency limiter        // for operations in progress
	signers     signerLimits
	rates       *RateLimits
	timeouts    Timeouts
	requestTime time.Duration // from the last byte of the body to the response
	writes      Writes
}

// answerMemoryPart divides the memory for bodies: large responses may take one such part, in
// addition to that memory.
const answerMemoryPart = 4

func newGate(document *openapi3.T, o Options, errs handlers.Errors) (*gate, error) {
	operations, err := operationsOf(document)
	if err != nil {
		return nil, err
	}
	return &gate{
		operations: operations, keychain: o.Keychain, errs: errs, clock: o.Clock,
		bodyLimit: o.BodyLimit, bodies: newBodyMemory(o.BodyMemory), answers: newMemoryLimiter(o.BodyMemory / answerMemoryPart),
		concurrency: limiter{limit: int64(o.InFlight)}, signers: newSignerLimits(o.InFlight), rates: o.Rates,
		timeouts: o.Timeouts, requestTime: o.Timeout, writes: o.Writes,
	}, nil
}

func (g *gate) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op, ok := g.operations[route{r.Method, chi.RouteContext(r.Context()).RoutePattern()}]
		if !ok {
			g.errs.Fail(w, r, fmt.Errorf("the router knows %s %s, the specification does not", r.Method, r.URL.Path))
			return
		}
		e := &exchange{gate: g, w: w, r: r, op: op, info: requestInfoOf(r.Context()), mediaType: mediaType(r), cleanup: make([]func(), 0, maxCleanup)}
		e.info.operation = op.id
		defer e.end()
		if err := e.serve(next); err != nil {
			g.errs.Fail(w, r, err)
		}
		if r.ProtoMajor > 1 { // over HTTP/1.1 the end of the response is in the socket's buffer when the handler returns
			_ = http.NewResponseController(w).Flush()
		}
	})
}

// exchange is one request and its response inside the gate.
type exchange struct {
	gate      *gate
	w         http.ResponseWriter
	r         *http.Request
	op        *operation
	info      *requestInfo
	mediaType string
	cleanup   []func()

	credentials *auth.Credentials // those that permit the operation
}

// maxCleanup is how many functions a request registers with atEnd: its memory, its signers, its deadline.
const maxCleanup = 3

// atEnd registers work to run after the client has read the response.
func (e *exchange) atEnd(work func()) { e.cleanup = append(e.cleanup, work) }

func (e *exchange) end() {
	for _, work := range e.cleanup {
		work()
	}
}

// serve writes a response, or returns the error that the caller must answer with.
func (e *exchange) serve(next http.Handler) error {
	g := e.gate
	if g.concurrency.saturated() {
		return errOverloaded
	}
	values, memory, err := e.authenticateAndValidate()
	if memory != nil {
		e.atEnd(memory.release)
	}
	if err != nil {
		return err
	}
	page, err := e.reservePage(pageSize(values))
	if err != nil {
		return err
	}
	// The limiters count a request after its authentication and the arrival of its body, so that
	// neither slow senders nor unauthorised callers can exhaust them.
	releaseSigners, err := g.signers.working.acquire(e.info.signers)
	if err != nil {
		return err
	}
	if err := g.concurrency.acquire(); err != nil {
		releaseSigners()
		return err
	}
	e.r.Body = canonicalBody(values)
	e.r.ContentLength = -1
	e.r.Header.Set("Content-Type", mediaJSON)
	a := newAnswer(e.w)
	defer a.free()
	func() {
		defer releaseSigners()
		defer g.concurrency.release()
		next.ServeHTTP(a, e.r)
	}()
	memory.release() // the body is no longer needed: a slow reader holds only the memory of its response
	release, err := a.reserve(e.r.Context(), g.answers, e.info.signers[0], page)
	e.atEnd(release)
	if err != nil && e.op.onlyReads() {
		return err // a change that was committed must not be reported as failed
	}
	a.send()
	return nil
}

// reservePage waits for the memory that the response of a page needs, and returns how much it
// reserved.
func (e *exchange) reservePage(size int64) (held int64, err error) {
	if size == 0 {
		return 0, nil
	}
	page := e.gate.answers.reserve(e.info.signers[0], size)
	e.atEnd(page.release)
	err = page.hold(e.r.Context(), size, e.gate.requestTime)
	return page.held, err
}

// authenticateAndValidate returns the canonical parameters of an authorised and valid request,
// and the reservation of its body's memory. The caller releases the reservation, also after an
// error; it may be nil then.
func (e *exchange) authenticateAndValidate() (map[string]any, *reservation, error) {
	g, r := e.gate, e.r
	limit := g.wireLimit(e.mediaType)
	switch {
	case r.URL.RawQuery != "":
		return nil, nil, problem.New(problem.BadRequest, "Query parameters are not allowed.")
	case r.ContentLength > limit:
		return nil, nil, tooLarge(e.w, r, g.bodyLimit)
	case e.mediaType == "":
		return nil, nil, problem.New(problem.UnsupportedMedia, "Content-Type must be "+mediaJSON+", "+mediaJOSE+" or "+mediaForm+".")
	}
	// The token is verified before the body is read, so that authenticated callers get memory
	// before unauthenticated ones.
	keychain := g.keychain.Keychain()
	signers, unverified := e.authorizeBearer(keychain)
	if unverified != nil && e.mediaType == mediaForm {
		return nil, nil, unverified // a form cannot contain signatures, unlike an envelope
	}
	owner := anonymous
	if unverified == nil {
		owner = signers[0]
		if err := e.countSigners(signers); err != nil {
			return nil, nil, err
		}
	}
	body, memory, err := e.readBody(owner, limit)
	if err != nil {
		return nil, memory, err
	}
	e.limitTime(g.requestTime)
	if err := memory.hold(e.r.Context(), int64(len(body))*bodyFactor, g.requestTime); err != nil {
		return nil, memory, err
	}
	envelope, input, err := e.open(keychain, body)
	switch {
	case err != nil:
		return nil, memory, err
	case envelope != nil:
		if signers, err = e.authorize(keychain, envelope); err != nil {
			return nil, memory, err
		}
		if err := e.countSigners(signers); err != nil {
			return nil, memory, err
		}
	case unverified != nil:
		return nil, memory, unverified
	}
	if g.rates != nil {
		if err := g.rates.allow(e.w.Header(), keychain, signers, e.op.id, g.clock()); err != nil {
			return nil, memory, err
		}
	}
	write, err := e.signedWrite(keychain, envelope != nil)
	if err != nil {
		return nil, memory, err
	}
	if envelope != nil {
		envelope.Release()
	}
	values, err := e.op.canonical(input, isStrict(r))
	if err == nil && write != nil {
		err = e.record(write, values)
	}
	return values, memory, err
}

// limitTime sets the deadline for the rest of the request. The body has been read by then: its
// transfer time does not count.
func (e *exchange) limitTime(limit time.Duration) {
	ctx, cancel := context.WithTimeout(e.r.Context(), limit)
	e.atEnd(cancel)
	e.r = e.r.WithContext(ctx)
}

// authorizeBearer returns the signers of the token in the Authorization header, or the error
// of its verification.
func (e *exchange) authorizeBearer(keychain *auth.Keychain) ([]string, error) {
	if e.mediaType == mediaJOSE {
		return nil, auth.ErrUnparsableEnvelope // this media type requires an envelope in the body
	}
	credentials, err := keychain.ParseBearer(e.r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	return e.authorize(keychain, credentials)
}

// authorize returns the signers whose signatures permit the operation, and marks the
// connection as trusted.
func (e *exchange) authorize(keychain *auth.Keychain, credentials *auth.Credentials) ([]string, error) {
	signers, err := keychain.Authorize(credentials, auth.Operation{ID: e.op.id, Scope: e.op.scope}, e.gate.clock())
	e.info.signers = signers
	if err == nil {
		e.credentials = credentials
		connectionOf(e.r.Context()).trust()
	}
	return signers, err
}

// countSigners counts the request against the limit of open requests of each signer, until the
// client has read the response.
func (e *exchange) countSigners(signers []string) error {
	release, err := e.gate.signers.open.acquire(signers)
	if err == nil {
		e.atEnd(release)
	}
	return err
}

func (e *exchange) readBody(owner string, limit int64) ([]byte, *reservation, error) {
	g, r := e.gate, e.r
	size := r.ContentLength
	if size < 0 { // a body of unknown length counts as one of the largest size
		size = limit
	}
	memory := g.bodies.reserve(owner, size)
	reader := body{
		request: r, connection: http.NewResponseController(e.w), memory: memory, timeouts: g.timeouts, limit: limit,
		isLarge: size > smallBody,
	}
	content, err := reader.read(g.requestTime)
	if errors.Is(err, errTooLarge) {
		err = tooLarge(e.w, r, g.bodyLimit)
	}
	return content, memory, err
}

// envelopeOverhead is the room, in bytes, for the signatures of an envelope besides its
// payload.
const envelopeOverhead = 64 << 10

// wireLimit returns the maximum size, in bytes, of a body of this media type on the wire. The
// configured limit applies to the parameters; an envelope carries them in base64, which is
// larger by a third.
func (g *gate) wireLimit(mediaType string) int64 {
	if mediaType == mediaJSON || mediaType == mediaJOSE {
		return g.bodyLimit/3*4 + envelopeOverhead
	}
	return g.bodyLimit
}

// mediaType returns the media type of the body in lower case, without its parameters.
// Malformed parameters are ignored. The result is empty for an unsupported type. A request
// without a body and without a media type counts as JSON, because an operation without
// parameters needs neither.
func mediaType(r *http.Request) string {
	input := r.Header.Get("Content-Type")
	switch {
	case input == "" && r.ContentLength == 0:
		return mediaJSON
	case input == mediaJSON, input == mediaForm: // fast path for the exact spelling
		return input
	}
	parsed, _, err := mime.ParseMediaType(input)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	switch parsed {
	case mediaJSON, mediaForm, mediaJOSE:
		return parsed
	default:
		return ""
	}
}

// open decodes the body as an envelope, a JSON object or a form. The returned envelope is nil
// if the body is not an envelope; the request is then authenticated by the Authorization
// header.
func (e *exchange) open(keychain *auth.Keychain, content []byte) (*auth.Credentials, jsonobject.Members, error) {
	g := e.gate
	if e.mediaType == mediaForm {
		input, err := parseForm(e.r.Context(), content, e.op.knows)
		return nil, input, err
	}
	envelope, isEnvelope, err := keychain.ParseEnvelope(e.r.Context(), content, e.op.knows)
	parameters := content
	if envelope != nil {
		parameters = envelope.Data()
	}
	switch {
	case err != nil && !isEnvelope: // the deadline of the request has passed
		return nil, jsonobject.Members{}, err
	case int64(len(parameters)) > g.bodyLimit:
		return nil, jsonobject.Members{}, tooLarge(e.w, e.r, g.bodyLimit)
	case isEnvelope && err == nil:
		return envelope, envelope.Parameters(), nil
	case err != nil:
		return nil, jsonobject.Members{}, err
	case e.mediaType == mediaJOSE:
		return nil, jsonobject.Members{}, auth.ErrUnparsableEnvelope.WithCause(errors.New("it is no JWS in General JSON serialisation"))
	}
	input, err := parseJSON(e.r.Context(), content, e.op.knows)
	return nil, input, err
}
