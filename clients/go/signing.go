package barong

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"sync"
	"time"

	"barong/clients/go/signing"
)

// Signing authenticates requests. Create it with [Envelope] or [Bearer]. It is safe for
// concurrent use once its fields are set.
type Signing struct {
	Clock    func() time.Time // nil: time.Now
	JTI      func() string    // returns a unique ID; nil: random IDs
	Lifetime time.Duration    // of a signature, in whole seconds; 0: a minute

	signers []*signing.Signer
	bearer  bool

	mutex  sync.Mutex
	token  string
	claims signing.Claims // of the current token
}

const defaultLifetime = time.Minute

// Envelope signs the parameters of each request by one or more signers. The request body
// becomes a JWS in General JSON serialisation (RFC 7515 §7.2.1), which is valid only for these
// parameters and this operation.
func Envelope(signers ...*signing.Signer) *Signing { return &Signing{signers: signers} }

// Bearer adds a Bearer token (RFC 6750 §2.1) by one signer and leaves the body, JSON or a
// form, unchanged. A token is used for all requests until a sixth of its lifetime is left, and
// is therefore not restricted to an operation.
func Bearer(signer *signing.Signer) *Signing {
	return &Signing{signers: []*signing.Signer{signer}, bearer: true}
}

func (s *Signing) check() error {
	if s == nil || len(s.signers) == 0 || slices.Contains(s.signers, nil) {
		return errors.New("a request needs a signer, and there is none")
	}
	if s.Lifetime != 0 && s.Lifetime < time.Second {
		return fmt.Errorf("a signature must be good for a second at least, not for %s", s.Lifetime)
	}
	return nil
}

// Sign signs a request in place. It is an [api.RequestEditorFn], and must be the last one of
// an [api.Client]; a [Client] signs by itself. An envelope replaces the body, which must be a
// JSON object or empty: an envelope cannot contain a form.
func (s *Signing) Sign(ctx context.Context, request *http.Request) error {
	if err := s.check(); err != nil {
		return err
	}
	if s.bearer {
		token, err := s.currentToken()
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		return replaceNull(request)
	}
	return s.wrap(ctx, request)
}

// replaceNull replaces a null body by an empty object, which the server requires. The
// generated client writes null for a nil map of parameters.
func replaceNull(request *http.Request) error {
	if request.ContentLength != int64(len(null)) {
		return nil
	}
	body, err := readAll(request.Body)
	if err != nil {
		return fmt.Errorf("the parameters could not be read: %w", err)
	}
	if string(body) == null {
		body = []byte("{}")
	}
	setBody(request, body)
	return nil
}

// null is the JSON of a nil map.
const null = "null"

// wrap replaces the body of a request by an envelope of its parameters.
func (s *Signing) wrap(ctx context.Context, request *http.Request) error {
	if media, _, err := mime.ParseMediaType(request.Header.Get("Content-Type")); err == nil && media != "application/json" {
		return fmt.Errorf("an envelope takes parameters in JSON, and these are %s", media)
	}
	parameters, err := readAll(request.Body)
	if err != nil {
		return fmt.Errorf("the parameters could not be read: %w", err)
	}
	if trimmed := bytes.TrimSpace(parameters); len(trimmed) == 0 || string(trimmed) == null {
		parameters = nil
	}
	claims := s.newClaims(s.now())
	if jti, ok := ctx.Value(jtiKey{}).(func() string); ok {
		claims.JTI = jti()
	}
	claims.Operation = operationOf(request).ID
	envelope, err := signing.Envelope(parameters, claims, s.signers...)
	if err != nil {
		return err
	}
	setBody(request, envelope)
	request.Header.Set("Content-Type", "application/jose+json")
	return nil
}

func readAll(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	content, err := io.ReadAll(body)
	return content, errors.Join(err, body.Close())
}

// currentToken returns the cached token. It issues a new one if the cached one is about to
// expire, or was issued in the future because the clock was set back.
func (s *Signing) currentToken() (string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := s.now()
	if s.token != "" && !now.Before(s.claims.IssuedAt) && now.Before(s.claims.ExpiresAt.Add(-s.lifetime()/6)) {
		return s.token, nil
	}
	claims := s.newClaims(now)
	token, err := signing.Token(claims, s.signers[0])
	if err != nil {
		return "", err
	}
	s.token, s.claims = token, claims
	return token, nil
}

// jtiKey is the context key of the function that returns the jti of a call.
type jtiKey struct{}

// withJTI gives all envelopes that are signed with the context the same jti, so that a server
// that takes it for an idempotency key executes one of them.
func withJTI(ctx context.Context, s *Signing) context.Context {
	return context.WithValue(ctx, jtiKey{}, sync.OnceValue(func() string { return s.newClaims(s.now()).JTI }))
}

func (s *Signing) newClaims(now time.Time) signing.Claims {
	claims := signing.NewClaims(now, s.lifetime())
	if s.JTI != nil {
		claims.JTI = s.JTI()
	}
	return claims
}

func (s *Signing) now() time.Time {
	if s.Clock == nil {
		return time.Now()
	}
	return s.Clock()
}

func (s *Signing) lifetime() time.Duration {
	if s.Lifetime == 0 {
		return defaultLifetime
	}
	return s.Lifetime
}
