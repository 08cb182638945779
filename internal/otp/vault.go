package otp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Vault is the backend whose secrets lie in the TOTP engine of HashiCorp Vault
// or OpenBao, at totp/keys/<uid>, where Barong has them. Vault knows which codes
// were used.
type Vault struct {
	Address  string                 // as https://vault.example.org:8200
	Token    func() (string, error) // asked before each request: tokens are renewed
	Prefix   string                 // before the uid, with an underscore; often empty
	Issuer   string                 // that new keys are labelled with
	Accounts Accounts
	Clock    func() time.Time
	Client   *http.Client
}

var _ Backend = (*Vault)(nil)

// vaultTimeout is for one request to Vault. A caller waits no longer for a Vault
// that hangs.
const vaultTimeout = 5 * time.Second

// vaultAnswerLimit is in bytes: the answers that are read have some hundred.
const vaultAnswerLimit = 64 << 10

// Check implements Backend.
func (v *Vault) Check(ctx context.Context, uid, code string) (Verdict, error) {
	answer, err := v.ask(ctx, http.MethodPost, "code", uid, map[string]any{"code": code})
	if err != nil {
		return 0, err
	}
	switch {
	case answer.status == http.StatusOK && answer.Data.Valid != nil && *answer.Data.Valid:
		return Right, nil
	case answer.status == http.StatusOK && answer.Data.Valid != nil:
		return Wrong, nil
	case answer.says("code already used"), answer.status == http.StatusInternalServerError && answer.mentions("used cache"):
		return Used, nil // the second is what the loser of two at the same moment gets
	case answer.says("unknown key"):
		return 0, ErrInvalidCode.WithCause(fmt.Errorf("otp of %s is on, and Vault has no key for it", uid))
	default:
		return 0, answer.failure()
	}
}

// Enroll implements Backend. The key is in Vault before otp is switched on.
func (v *Vault) Enroll(ctx context.Context, uid, account string, secret Secret) error {
	answer, err := v.ask(ctx, http.MethodPost, "keys", uid, map[string]any{
		"key": secret, "issuer": v.Issuer, "account_name": account, "period": period, "digits": digits, "algorithm": "SHA1", "skew": drift,
	})
	if err != nil {
		return err
	}
	if answer.status != http.StatusOK && answer.status != http.StatusNoContent {
		return answer.failure()
	}
	return v.Accounts.EnableOTP(ctx, uid, nil, v.Clock())
}

// Disable implements Backend. The key goes after otp is switched off.
func (v *Vault) Disable(ctx context.Context, uid string) error {
	if err := v.Accounts.DisableOTP(ctx, uid, v.Clock()); err != nil {
		return err
	}
	answer, err := v.ask(ctx, http.MethodDelete, "keys", uid, nil)
	if err != nil {
		return err
	}
	if answer.status != http.StatusNoContent && answer.status != http.StatusOK {
		return answer.failure()
	}
	return nil
}

// Enrolled implements Backend.
func (v *Vault) Enrolled(ctx context.Context, uid string) (bool, error) {
	answer, err := v.ask(ctx, http.MethodGet, "keys", uid, nil)
	switch {
	case err != nil:
		return false, err
	case answer.status == http.StatusOK:
		return true, nil
	case answer.status == http.StatusNotFound && len(answer.Errors) == 0: // with an error, the engine itself is missing
		return false, nil
	default:
		return false, answer.failure()
	}
}

// withoutForeignRedirects is a client that leaves a redirect to another host, or
// to another scheme, unfollowed: the token would go there.
func withoutForeignRedirects(client *http.Client) *http.Client {
	faithful := *client
	faithful.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		if next.URL.Host != before[0].URL.Host || next.URL.Scheme != before[0].URL.Scheme || len(before) > 3 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &faithful
}

// vaultAnswer is what is read of an answer.
type vaultAnswer struct {
	status  int
	request string // for the log

	Data struct {
		Valid *bool `json:"valid"`
	} `json:"data"`
	Errors []string `json:"errors"`
}

// says whether Vault refused the request for this reason: it has no codes.
func (a vaultAnswer) says(reason string) bool {
	return a.status == http.StatusBadRequest && a.mentions(reason)
}

func (a vaultAnswer) mentions(reason string) bool {
	return strings.Contains(strings.Join(a.Errors, "\n"), reason)
}

// failure is an answer that the request should not have got: no right to it, no
// engine, a seal.
func (a vaultAnswer) failure() error {
	return ErrMaintenance.WithCause(fmt.Errorf("Vault answered %s with %d: %s", a.request, a.status, strings.Join(a.Errors, "; ")))
}

// ask sends one request. An error is ErrMaintenance: there was no answer.
func (v *Vault) ask(ctx context.Context, method, kind, uid string, body map[string]any) (vaultAnswer, error) {
	bounded, cancel := context.WithTimeout(ctx, vaultTimeout)
	defer cancel()
	answer, err := v.exchange(bounded, method, kind, uid, body)
	if err != nil {
		return answer, ErrMaintenance.WithCause(fmt.Errorf("Vault did not answer %s: %w", answer.request, err))
	}
	return answer, nil
}

func (v *Vault) exchange(ctx context.Context, method, kind, uid string, body map[string]any) (answer vaultAnswer, err error) {
	name := uid
	if v.Prefix != "" {
		name = v.Prefix + "_" + uid
	}
	path := "/v1/totp/" + kind + "/" + url.PathEscape(name)
	answer.request = method + " " + path
	token, err := v.Token()
	if err != nil {
		return answer, err
	}
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(v.Address, "/")+path, content)
	if err != nil {
		return answer, err
	}
	request.Header.Set("X-Vault-Token", token)
	request.Header.Set("X-Vault-Request", "true")
	response, err := withoutForeignRedirects(v.Client).Do(request)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	answer.status = response.StatusCode
	err = json.NewDecoder(io.LimitReader(response.Body, vaultAnswerLimit)).Decode(&answer)
	if err != nil && !errors.Is(err, io.EOF) && response.StatusCode == http.StatusOK {
		return answer, fmt.Errorf("the answer is not JSON: %w", err)
	}
	return answer, nil
}
