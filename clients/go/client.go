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

// basePath is where a server has its operations: servers in openapi.yaml.
const basePath = "/api/v2/management"

// OperationsURL returns the URL of a server's operations. If the URL of the server has
// no path, such as http://127.0.0.1:8080, they are under /api/v2/management. A URL with
// a path, such as a proxy may have, is the URL of the operations already.
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

// Strict asks the server to reject parameters that it does not know, which it ignores
// otherwise (RFC 7240): a misspelt one gets 422 `x is unknown`. A request that has a
// preference of its own, such as handling=lenient, stays as it is. It is an
// [api.RequestEditorFn].
func Strict(_ context.Context, request *http.Request) error {
	if !strings.Contains(strings.ToLower(strings.Join(request.Header.Values("Prefer"), ",")), "handling=") {
		request.Header.Add("Prefer", "handling=strict")
	}
	return nil
}

// Client calls the operations of one server. It is made by [New] and safe for
// concurrent use.
//
// The methods that end in WithResponse return an error unless the operation succeeded:
// an [Error] if the server, or a proxy before it, answered with anything but the success
// of the operation. So JSON201 (JSON200 of UpdateLabelWithResponse) is not nil if the
// error is. The methods without that ending return the HTTP response, whose body is in
// memory.
type Client struct {
	*api.ClientWithResponses
}

// New makes a client of the server at a URL, with or without the path of the operations
// ([OperationsURL]). Requests are signed when they are sent, after all request editors.
// The server is asked to reject parameters that it does not know ([Strict]).
//
// Without options, a request is sent up to 3 times, each attempt may take a minute, and
// all of them together two minutes. Redirects are not followed, since a signed request
// is meant for one server.
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

// identify sets the headers that a request editor may replace: which program sends the
// request, and that errors are read as problem details.
func identify(_ context.Context, request *http.Request) error {
	request.Header.Set("User-Agent", userAgent())
	request.Header.Set("Accept", "application/json, application/problem+json")
	return nil
}
