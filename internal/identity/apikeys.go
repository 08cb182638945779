package identity

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"barong/internal/problem"
)

// The states of an API key.
const (
	KeyActive   = "active"
	KeyInactive = "inactive"
	KeyDisabled = "disabled"
)

// KeyAlgorithm is the only algorithm of API keys.
const KeyAlgorithm = "HS256"

// Limits of API keys.
const (
	MaxActiveKeys = 100 // of one holder
	maxKeyScopes  = 32
)

// APIKey is a key of a user or of a service account. Its secret is never part of it: see
// [NewKeySecret].
type APIKey struct {
	KID       string
	Algorithm string
	Scopes    []string
	Sealed    []byte // the encrypted secret; nil unless it was requested
	State     string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Errors about API keys. The contract defines their messages.
var (
	ErrKeysDisabled          = rejected("uid", "endpoint_disabled", "disabled_management_endpoint")
	ErrKeyUserUnknown        = rejected("uid", "holder_unknown", "user_doesnt_exist")
	ErrKeyAccountUnknown     = rejected("uid", "holder_unknown", "service_account_doesnt_exist")
	ErrKeyHolderUnknown      = rejected("uid", "holder_unknown", "uid_prefix_doesnt_exist")
	ErrKeyUnknown            = rejected("kid", "api_key_unknown", "api_key_doesnt_exist")
	ErrKeySecretNotSaved     = &problem.Error{Kind: problem.InvalidRecord, WithList: true, Violations: []problem.Violation{keySecretNotSaved}}
	keySecretNotSaved        = problem.Violation{Code: "secret_not_saved", Message: "api_key.could_not_save_secret"}
	KeyHolderInactive        = problem.Violation{Field: "uid", Code: "holder_inactive", Message: "key_holder_account.invalid"}
	TooManyActiveKeys        = problem.Violation{Field: "uid", Code: "active_keys_too_many", Message: "key_holder_account.too_many_active_keys"}
	keyAlgorithmUnknown      = problem.Violation{Field: "algorithm", Code: "algorithm_unknown", Message: "algorithm.inclusion"}
	keyScopeInvalid          = problem.Violation{Field: "scopes", Code: "scope_invalid", Message: "scope.invalid"}
	keyStateUnknown          = problem.Violation{Field: "state", Code: "state_unknown", Message: "state.inclusion"}
	KeyStateOfInactiveHolder = problem.Violation{Field: "state", Code: "holder_inactive", Message: "state.invalid"}
)

// InvalidKey returns the error for an API key that breaks rules, or nil without violations. Its
// response has the messages in errors too.
func InvalidKey(violations ...problem.Violation) error {
	if len(violations) == 0 {
		return nil
	}
	return &problem.Error{Kind: problem.InvalidRecord, WithList: true, Violations: violations}
}

// NewKID returns the public name of a new API key: 16 lower-case hexadecimal digits from the
// system's secure random source. A collision is as likely as one of 64 bits; the unique index
// rejects it.
func NewKID() string { return randomHex(8) }

func randomHex(size int) string {
	random := make([]byte, size)
	rand.Read(random) // never fails: without randomness the process exits
	return fmt.Sprintf("%x", random)
}

// NewKeySecret returns the secret of a new API key: 32 lower-case hexadecimal digits from the
// system's secure random source.
func NewKeySecret() string { return randomHex(16) }

// CheckKeyAlgorithm returns the violation of an algorithm that no API key may have.
func CheckKeyAlgorithm(algorithm string) []problem.Violation {
	if algorithm == KeyAlgorithm {
		return nil
	}
	return []problem.Violation{keyAlgorithmUnknown}
}

// CheckKeyState returns the violation of a state that no API key may have.
func CheckKeyState(state string) []problem.Violation {
	if IsKeyState(state) {
		return nil
	}
	return []problem.Violation{keyStateUnknown}
}

// IsKeyState reports whether an API key may have the state.
func IsKeyState(state string) bool {
	return state == KeyActive || state == KeyInactive || state == KeyDisabled
}

var keyScope = regexp.MustCompile(`^[A-Za-z0-9_:./*-]{1,64}$`)

// ParseKeyScopes splits scopes at commas, trims them, and drops empty and repeated ones. The result
// is never nil. It returns a violation for more than 32 scopes or an invalid one.
func ParseKeyScopes(text string) ([]string, []problem.Violation) {
	scopes := []string{}
	for scope := range strings.SplitSeq(text, ",") {
		if scope = strings.TrimSpace(scope); scope != "" && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) > maxKeyScopes || slices.ContainsFunc(scopes, func(s string) bool { return !keyScope.MatchString(s) }) {
		return []string{}, []problem.Violation{keyScopeInvalid}
	}
	return scopes, nil
}
