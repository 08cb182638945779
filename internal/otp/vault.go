package otp

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"barong/internal/vault"
)

// Vault is the backend with secrets in the TOTP engine of HashiCorp Vault or OpenBao, at
// totp/keys/<uid>, where Barong stores them. Vault tracks used codes.
type Vault struct {
	Address  string                 // such as https://vault.example.org:8200
	Token    func() (string, error) // called before each request: tokens are renewed
	Prefix   string                 // precedes the uid, with an underscore; often empty
	Issuer   string                 // the issuer of new keys
	Accounts Accounts
	Clock    func() time.Time
	Client   *http.Client
}

var _ Backend = (*Vault)(nil)

// vaultTimeout limits one request to Vault, and so how long a caller waits for a Vault that hangs.
const vaultTimeout = 5 * time.Second

// vaultAnswerLimit is in bytes: the responses in use have some hundred.
const vaultAnswerLimit = 64 << 10

// On implements Backend.
func (v *Vault) On(store Store) Backend {
	other := *v
	other.Accounts = store
	return &other
}

// Check implements Backend. A code that Vault accepted and that could not be recorded is an error.
func (v *Vault) Check(ctx context.Context, uid, code string) (Verdict, error) {
	answer, err := v.ask(ctx, http.MethodPost, "code", uid, map[string]any{"code": code})
	if err != nil {
		return 0, err
	}
	switch {
	case answer.status == http.StatusOK && answer.Data.Valid != nil && *answer.Data.Valid:
		if err := v.Accounts.RecordOTPCode(ctx, uid); err != nil {
			return 0, err
		}
		return Right, nil
	case answer.status == http.StatusOK && answer.Data.Valid != nil:
		return Wrong, nil
	case answer.says("code already used"), answer.status == http.StatusInternalServerError && answer.mentions("used cache"):
		return Used, nil // the second is the response to the loser of two concurrent requests
	case answer.says("unknown key"):
		return 0, ErrInvalidCode.WithCause(fmt.Errorf("otp of %s is on, and Vault has no key for it", uid))
	default:
		return 0, answer.failure()
	}
}

// Enroll implements Backend. It stores the key in Vault before it sets otp.
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

// Disable implements Backend. It clears otp before it deletes the key.
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

// vaultAnswer is the part of a response that is read.
type vaultAnswer struct {
	status  int
	request string // for the log

	Data struct {
		Valid *bool `json:"valid"`
	} `json:"data"`
	Errors []string `json:"errors"`
}

// says reports whether Vault rejected the request for this reason: its errors have no codes.
func (a vaultAnswer) says(reason string) bool {
	return a.status == http.StatusBadRequest && a.mentions(reason)
}

func (a vaultAnswer) mentions(reason string) bool {
	return strings.Contains(strings.Join(a.Errors, "\n"), reason)
}

// failure is the error for an unexpected response: a missing permission, a missing engine, a sealed
// Vault.
func (a vaultAnswer) failure() error {
	return ErrMaintenance.WithCause(fmt.Errorf("Vault answered %s with %d: %s", a.request, a.status, strings.Join(a.Errors, "; ")))
}

// ask sends one request. It returns ErrMaintenance where there is no response.
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
	var content any
	if body != nil {
		content = body
	}
	client := vault.Client{Address: v.Address, Token: v.Token, HTTP: v.Client}
	answer.status, err = client.Do(ctx, method, path, content, vaultAnswerLimit, &answer)
	return answer, err
}
