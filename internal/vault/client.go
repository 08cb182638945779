// Package vault sends requests to HashiCorp Vault or OpenBao.
package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Client is what a request takes.
type Client struct {
	Address string                 // such as https://vault.example.org:8200
	Token   func() (string, error) // called before each request: tokens are renewed
	HTTP    *http.Client
}

// Do sends one request with a body of JSON, unless that is nil, and reads up to limit bytes of the response
// into answer. A response that is not JSON is an error only with the status 200.
func (c Client) Do(ctx context.Context, method, path string, body any, limit int64, answer any) (status int, err error) {
	token, err := c.Token()
	if err != nil {
		return 0, err
	}
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Address, "/")+path, content)
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Vault-Token", token)
	request.Header.Set("X-Vault-Request", "true")
	response, err := withoutForeignRedirects(c.HTTP).Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	err = json.NewDecoder(io.LimitReader(response.Body, limit)).Decode(answer)
	if err != nil && !errors.Is(err, io.EOF) && response.StatusCode == http.StatusOK {
		return response.StatusCode, fmt.Errorf("the answer is not JSON: %w", err)
	}
	return response.StatusCode, nil
}

// withoutForeignRedirects returns a client that does not follow a redirect to another host or
// scheme, because it would send the token there.
func withoutForeignRedirects(client *http.Client) *http.Client {
	restricted := *client
	restricted.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		if next.URL.Host != before[0].URL.Host || next.URL.Scheme != before[0].URL.Scheme || len(before) > 3 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &restricted
}
