package barong

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"barong/clients/go/api"
)

// basePath is the path of a server's operations (servers in openapi.yaml).
const basePath = "/api/v2/management"

// OperationsURL returns the base URL of a server's operations. For a URL without a path, such
// as http://127.0.0.1:8080, it appends /api/v2/management. A URL with a path, for example of a
// proxy, is the base URL already.
func OperationsURL(server string) (string, error) {
	base, err := url.Parse(server)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return "", fmt.Errorf("the server must be a URL such as http://127.0.0.1:8080, and is %q", server)
	}
	if base.Path == "" || base.Path == "/" {
		base.Path = basePath
	}
	return strings.TrimSuffix(base.String(), "/"), nil
}

// Strict makes the server reject unknown parameters, which it ignores otherwise
// (Prefer: handling=strict, RFC 7240): a misspelt parameter gets 422 `x is unknown`. A request
// that already has a Prefer header, such as handling=lenient, is not changed. Strict is an
// [api.RequestEditorFn].
func Strict(_ context.Context, request *http.Request) error {
	if !strings.Contains(strings.ToLower(strings.Join(request.Header.Values("Prefer"), ",")), "handling=") {
		request.Header.Add("Prefer", "handling=strict")
	}
	return nil
}

// Client calls the operations of one server. Create it with [New]. It is safe for concurrent
// use.
//
// The methods that end in WithResponse return an error unless the operation succeeded: an
// [Error] if the server, or a proxy in front of it, responded with anything else than the
// operation's success. If the error is nil, JSON201 (JSON200 of UpdateLabelWithResponse) is
// therefore not nil. The methods without that suffix return the HTTP response, whose body is
// already in memory.
type Client struct {
	*api.ClientWithResponses
}

// New returns a client of the server at a URL, with or without the path of the operations
// ([OperationsURL]). Requests are signed when they are sent, after all request editors have
// run. The server is asked to reject unknown parameters ([Strict]).
//
// By default, a request is sent up to 3 times, each attempt may take a minute, and all
// attempts together two minutes. Redirects are not followed, because a signed request is meant
// for one server.
func New(server string, signing *Signing, options ...Option) (*Client, error) {
	if err := signing.check(); err != nil {
		return nil, err
	}
	base, err := OperationsURL(server)
	if err != nil {
		return nil, err
	}
	s := &sender{signing: signing, settings: defaultSettings()}
	for _, option := range options {
		option(&s.settings)
	}
	if s.client == nil {
		return nil, errors.New("WithHTTPClient needs a client")
	}
	if s.client.CheckRedirect == nil {
		faithful := *s.client
		faithful.CheckRedirect = followNone
		s.client = &faithful
	}
	editors := append([]api.RequestEditorFn{identify}, s.editors...)
	generated := &api.Client{Server: base + "/", Client: s, RequestEditors: editors}
	return &Client{&api.ClientWithResponses{ClientInterface: generated}}, nil
}

func followNone(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// identify sets the User-Agent, and Accept for errors as problem details. Request editors may
// replace them.
func identify(_ context.Context, request *http.Request) error {
	request.Header.Set("User-Agent", userAgent())
	request.Header.Set("Accept", "application/json, application/problem+json")
	return nil
}
