package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"barong/generated"
	"barong/internal/version"
)

// basePath is where a server has its operations: servers in openapi.yaml.
const basePath = "/api/v2/management"

// timeout is for a whole exchange: longer than the server gives itself by default.
const timeout = time.Minute

// OperationsURL is where a server has its operations. Where its URL has no path,
// such as http://127.0.0.1:8080, they are under /api/v2/management; a URL with a
// path, as it may have behind a proxy, is that of the operations already.
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

// Strict asks the server to refuse parameters that it does not know, which it
// ignores otherwise (RFC 7240): a misspelt one gets 422 `x is unknown`. It is a
// RequestEditorFn for package generated. A request that says itself how it wants
// to be handled, such as handling=lenient, stays as it is.
func Strict(_ context.Context, request *http.Request) error {
	if !strings.Contains(strings.ToLower(strings.Join(request.Header.Values("Prefer"), ",")), "handling=") {
		request.Header.Add("Prefer", "handling=strict")
	}
	return nil
}

// New makes a client of the server at a URL, with or without the path of the
// operations: see [OperationsURL]. The server is asked to refuse parameters that
// it does not know: see [Strict].
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
	base, err := OperationsURL(server)
	if err != nil {
		return nil, err
	}
	plain, err := generated.NewClient(base, append([]generated.ClientOption{generated.WithHTTPClient(&http.Client{
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
	if err := Strict(request.Context(), request); err != nil {
		return nil, err
	}
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
