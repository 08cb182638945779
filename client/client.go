package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"barong/generated"
	"barong/version"
)

// basePath is where a server has its operations: servers in openapi.yaml.
const basePath = "/api/v2/management"

// timeout is for a whole exchange: longer than the server gives itself by default.
const timeout = time.Minute

// New makes a client of the server at a URL. Where the URL has no path, as in
// http://127.0.0.1:8080, the operations are under /api/v2/management; a URL with
// one is that of the operations.
//
// Requests are signed as they leave, after whatever request editors have done to
// them. The methods that end in WithResponse return an error unless the operation
// succeeded: an [Error] where the server, or something before it, refused. So
// JSON201 (JSON200 of UpdateLabelWithResponse) is never nil beside a nil error.
//
// The options are those of [generated.NewClient]. Without
// [generated.WithHTTPClient], an exchange may take a minute. Redirects are not
// followed, since a signed request is meant for one server, unless an [http.Client]
// that is given has a CheckRedirect of its own.
func New(server string, signing *Signing, options ...generated.ClientOption) (*generated.ClientWithResponses, error) {
	if err := signing.check(); err != nil {
		return nil, err
	}
	base, err := url.Parse(server)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("the server must be a URL as http://127.0.0.1:8080, and is %q", server)
	}
	if base.Path == "" || base.Path == "/" {
		base.Path = basePath
	}
	plain, err := generated.NewClient(base.String(), append([]generated.ClientOption{generated.WithHTTPClient(&http.Client{
		Timeout:       timeout,
		CheckRedirect: followNone,
	})}, options...)...)
	if err != nil {
		return nil, err
	}
	if given, ok := plain.Client.(*http.Client); ok && given.CheckRedirect == nil {
		faithful := *given
		faithful.CheckRedirect = followNone
		plain.Client = &faithful
	}
	plain.RequestEditors = append([]generated.RequestEditorFn{identify}, plain.RequestEditors...)
	plain.Client = signedDoer{signing, plain.Client}
	return &generated.ClientWithResponses{ClientInterface: plain}, nil
}

func followNone(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// identify says what sends the request, unless an editor of the caller's does.
func identify(_ context.Context, request *http.Request) error {
	request.Header.Set("User-Agent", version.UserAgent("barong-go"))
	return nil
}

// signedDoer signs requests, and makes errors of answers that are no success. It
// is no http.RoundTripper: below redirects, a signature could go to strangers, and
// a transport is not to judge answers.
type signedDoer struct {
	signing *Signing
	next    generated.HttpRequestDoer
}

func (d signedDoer) Do(request *http.Request) (*http.Response, error) {
	if err := d.signing.Sign(request.Context(), request); err != nil {
		return nil, fmt.Errorf("the request to %s is not sent: %w", request.URL, err)
	}
	response, err := d.next.Do(request)
	if err != nil {
		return nil, err
	}
	if err := refusal(request, response); err != nil {
		response.Body.Close()
		return nil, err
	}
	return response, nil
}
