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

// Signing proves to the server who sends a request. It is made by [Envelope] or
// [Bearer], and safe for concurrent use once its fields are set.
type Signing struct {
	Clock    func() time.Time // time.Now if it is nil
	JTI      func() string    // makes a unique id; at random if it is nil
	Lifetime time.Duration    // how long a signature is valid, in whole seconds; a minute if it is 0

	signers []*signing.Signer
	bearer  bool

	mutex  sync.Mutex
	token  string
	claims signing.Claims // of the token
}

const defaultLifetime = time.Minute

// Envelope signs the parameters of each request, by one signer or several: the body
// becomes a JWS in General JSON serialisation (RFC 7515 §7.2.1), which is valid for
// these parameters and this operation, and no others.
func Envelope(signers ...*signing.Signer) *Signing { return &Signing{signers: signers} }

// Bearer adds a token by one signer (RFC 6750 §2.1), and leaves the body as it is, JSON
// or a form. One token is used for all requests until a sixth of its lifetime is left,
// and is therefore bound to no operation.
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

// Sign signs a request in place. It is an [api.RequestEditorFn], and must be the last
// one of an [api.Client]; a [Client] signs by itself. An envelope takes the body, which
// must be a JSON object or empty: a form cannot be in one.
func (s *Signing) Sign(_ context.Context, request *http.Request) error {
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
	return s.wrap(request)
}

// replaceNull makes no parameters, which the generated client writes as null where
// their map is nil, the object that the server asks for.
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

// null is no parameters in JSON.
const null = "null"

// wrap puts the parameters of a request into an envelope.
func (s *Signing) wrap(request *http.Request) error {
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

// currentToken is the last one, or a new one where that is near its end, or from
// the future since the clock was set back.
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
