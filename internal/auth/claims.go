package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"barong/clients/go/signing"
	"barong/internal/jsonobject"
)

// claimSet holds the claims of RFC 7519 §4.1 and op as received, without validation. A null
// claim counts as absent and is nil here.
type claimSet struct {
	exp, nbf, iat, jti, iss, aud, sub, op jsontext.Value
}

// set stores a claim. It ignores members with other names, and reports whether the name is that of a
// claim.
func (c *claimSet) set(name []byte, value jsontext.Value) (known bool) {
	if value.Kind() == 'n' {
		return true
	}
	switch string(name) {
	case "exp":
		c.exp = value
	case "nbf":
		c.nbf = value
	case "iat":
		c.iat = value
	case "jti":
		c.jti = value
	case "iss":
		c.iss = value
	case "aud":
		c.aud = value
	case "sub":
		c.sub = value
	case "op":
		c.op = value
	default:
		return false
	}
	return true
}

// clone returns a copy that shares no memory with c.
func (c claimSet) clone() claimSet {
	return claimSet{
		exp: c.exp.Clone(), nbf: c.nbf.Clone(), iat: c.iat.Clone(), jti: c.jti.Clone(), iss: c.iss.Clone(), aud: c.aud.Clone(), sub: c.sub.Clone(),
		op: c.op.Clone(),
	}
}

// claimRules are the requirements for claims: the section jwt of the keychain file, with the
// options of ruby-jwt.
type claimRules struct {
	expiration, notBefore, issuedAt, id, issuer, audience, subject bool

	issuers, audiences oneOrMore
	subjectName        string

	expLeeway, nbfLeeway, iatLeeway time.Duration

	maxLifetime time.Duration // 0: unlimited

	algorithms oneOrMore // permitted for keys of the keychain; nil: all
}

func defaultClaimRules() claimRules {
	return claimRules{
		expiration: true, notBefore: true, issuedAt: true,
		expLeeway: defaultLeeway, nbfLeeway: defaultLeeway, iatLeeway: defaultLeeway,
	}
}

// parse overrides the defaults with the options of the file. As in Barong, iss, aud and sub
// alone enforce nothing. Enforcing one of them without an expected value is an error, because
// it would accept or reject every request.
func (r *claimRules) parse(node *yaml.Node) []error {
	var algorithm, algorithms oneOrMore
	general, exp, nbf, iat, lifetime := seconds(defaultLeeway), unset, unset, unset, unset
	invalid := decodeStrict("jwt", node, map[string]any{
		"verify_expiration": &r.expiration, "verify_not_before": &r.notBefore, "verify_iat": &r.issuedAt, "verify_jti": &r.id,
		"verify_iss": &r.issuer, "iss": &r.issuers, "verify_aud": &r.audience, "aud": &r.audiences, "verify_sub": &r.subject, "sub": &r.subjectName,
		"leeway": &general, "exp_leeway": &exp, "nbf_leeway": &nbf, "iat_leeway": &iat,
		"max_lifetime": &lifetime, "algorithm": &algorithm, "algorithms": &algorithms,
	})
	blank := func(names []string) bool { return len(names) == 0 || slices.Contains(names, "") }
	for _, rule := range []struct {
		name     string
		enforced bool
		blank    bool
	}{
		{"iss", r.issuer, blank(r.issuers)},
		{"aud", r.audience, blank(r.audiences)},
		{"sub", r.subject, r.subjectName == ""},
	} {
		if rule.enforced && rule.blank {
			invalid = append(invalid, fmt.Errorf("jwt.verify_%s is true, and jwt.%s does not say what it must be", rule.name, rule.name))
		}
	}
	r.algorithms = slices.Concat(algorithm, algorithms)
	invalid = append(append(invalid, checkAlgorithms("algorithm", algorithm)...), checkAlgorithms("algorithms", algorithms)...)
	switch {
	case lifetime == 0:
		invalid = append(invalid, errors.New("jwt.max_lifetime is 0, and nothing could be signed; without it the signer decides"))
	case lifetime > 0 && !r.expiration:
		invalid = append(invalid, errors.New("jwt.max_lifetime is set, and jwt.verify_expiration is false: what never expires has no lifetime"))
	case lifetime > 0:
		r.maxLifetime = time.Duration(lifetime)
	}
	either := func(specific seconds) time.Duration {
		if specific == unset {
			specific = general
		}
		return time.Duration(specific)
	}
	r.expLeeway, r.nbfLeeway, r.iatLeeway = either(exp), either(nbf), either(iat)
	return invalid
}

// checkAlgorithms returns an error for each name that is not a supported algorithm.
func checkAlgorithms(option string, names oneOrMore) (invalid []error) {
	if names != nil && len(names) == 0 {
		invalid = append(invalid, fmt.Errorf("jwt.%s is empty: without it, every algorithm is allowed", option))
	}
	for _, name := range names {
		if err := signing.CheckAlgorithm(name); err != nil {
			invalid = append(invalid, fmt.Errorf("jwt.%s: %w", option, err))
		}
	}
	return invalid
}

// allowsAlgorithm reports whether a key of the keychain may have the algorithm.
func (r claimRules) allowsAlgorithm(name string) bool {
	return len(r.algorithms) == 0 || slices.Contains(r.algorithms, name)
}

// check returns an error that names the first invalid claim and the reason.
func (r claimRules) check(c claimSet, d dates, now time.Time) error {
	if err := r.checkDates(d, now); err != nil {
		return err
	}
	return errors.Join(
		r.checkNames("jti", r.id, c.jti, func(id string) bool { return strings.TrimSpace(id) != "" }),
		r.checkNames("iss", r.issuer, c.iss, func(name string) bool { return slices.Contains(r.issuers, name) }),
		r.checkNames("aud", r.audience, c.aud, func(name string) bool { return slices.Contains(r.audiences, name) }),
		r.checkNames("sub", r.subject, c.sub, func(name string) bool { return name == r.subjectName }),
	)
}

// checkOperation checks the claim op: it must be absent or name this operation.
func (c claimSet) checkOperation(id string) error {
	if c.op == nil {
		return nil
	}
	meant, err := jsonobject.Unquote(c.op)
	switch {
	case err != nil:
		return errors.New("op is not a string")
	case string(meant) != id:
		return fmt.Errorf("op is %.64q, and the operation is %s", meant, id)
	default:
		return nil
	}
}

// checkNames checks that an enforced claim, or one of its values for aud (RFC 7519 §4.1.3), is
// as expected.
func (claimRules) checkNames(claim string, enforced bool, value jsontext.Value, wanted func(string) bool) error {
	if !enforced {
		return nil
	}
	var names []string
	switch {
	case value == nil:
		return fmt.Errorf("%s is missing", claim)
	case value.Kind() == '"':
		names = make([]string, 1)
		if err := json.Unmarshal(value, &names[0]); err != nil {
			return fmt.Errorf("%s is not a string that can be read", claim)
		}
	case value.Kind() == '[' && claim == "aud":
		if err := json.Unmarshal(value, &names); err != nil {
			return errors.New("aud is not a list of strings")
		}
	default:
		return fmt.Errorf("%s is not a string", claim)
	}
	if !slices.ContainsFunc(names, wanted) {
		return fmt.Errorf("%s is not as the keychain wants it", claim)
	}
	return nil
}
