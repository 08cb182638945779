package auth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"barong/clients/go/signing"
)

// Keychain is a validated management_api.yml: the signers with their keys and algorithms,
// their scopes, and the rules for claims. Its content never changes. It caches Bearer tokens
// whose signature it has verified; no two keychains share a cache. It is safe for concurrent
// use. The zero value authorises nothing.
type Keychain struct {
	keys           map[string]*signing.VerificationKey
	scopes         map[string]scope
	rules          claimRules
	verifiedTokens *verifiedTokens
	notices        *notices // nil: no notices are logged
}

// scope lists the signers that count, and those that must have signed.
type scope struct {
	permitted map[string]bool
	mandatory []string // never empty, a subset of the permitted signers
}

// ParseKeychain parses a keychain file in Barong's format. Of ERB it supports only
// <%= ENV['NAME'] %>, which it replaces with getenv("NAME"). An empty file is a keychain
// without signers. The error lists every rejected entry in a sentence of its own: a private key, a
// value that is not a key or does not fit its algorithm, an unknown option, a signer that is
// not in the keychain, a scope without a mandatory signer. It never contains a value.
func ParseKeychain(file []byte, getenv func(string) string) (*Keychain, error) {
	root, err := parseTemplate(file, getenv)
	if err != nil {
		return nil, err
	}
	k := &Keychain{keys: map[string]*signing.VerificationKey{}, scopes: map[string]scope{}, rules: defaultClaimRules(), verifiedTokens: newVerifiedTokens()}
	if root == nil {
		return k, nil
	}
	var keys, scopes map[string]yaml.Node
	var options yaml.Node
	invalid := decodeStrict("", root, map[string]any{"keychain": &keys, "jwt": &options, "scopes": &scopes})
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		var errs []error
		node := keys[id]
		k.keys[id], errs = parseKey("keychain."+id, &node)
		invalid = append(invalid, errs...)
		if id == "" {
			invalid = append(invalid, errors.New("keychain has an entry without a name"))
		}
	}
	if !options.IsZero() {
		invalid = append(invalid, k.rules.parse(&options)...)
	}
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		if key := k.keys[id]; key != nil && !k.rules.allowsAlgorithm(key.Algorithm()) {
			invalid = append(invalid, fmt.Errorf("keychain.%s.algorithm is %s, and jwt.algorithm allows %s", id, key.Algorithm(), strings.Join(k.rules.algorithms, ", ")))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(scopes)) {
		var errs []error
		node := scopes[name]
		k.scopes[name], errs = k.parseScope("scopes."+name, &node)
		invalid = append(invalid, errs...)
	}
	if len(invalid) > 0 {
		return nil, errors.Join(invalid...)
	}
	return k, nil
}

// isEmpty reports whether no signer can call any operation.
func (k *Keychain) isEmpty() bool { return len(k.keys) == 0 || len(k.scopes) == 0 }

// Knows reports whether the keychain has an entry with this name.
func (k *Keychain) Knows(signer string) bool {
	_, known := k.keys[signer]
	return known
}

func parseKey(path string, node *yaml.Node) (*signing.VerificationKey, []error) {
	var algorithm, value string
	if invalid := decodeStrict(path, node, map[string]any{"algorithm": &algorithm, "value": &value}); len(invalid) > 0 {
		return nil, invalid
	}
	key, err := signing.ParseVerificationKey(algorithm, value)
	if err != nil {
		return nil, []error{fmt.Errorf("%s.%w", path, err)}
	}
	return key, nil
}

func (k *Keychain) parseScope(path string, node *yaml.Node) (scope, []error) {
	var permitted, mandatory list
	invalid := decodeStrict(path, node, map[string]any{"permitted_signers": &permitted, "mandatory_signers": &mandatory})
	if len(invalid) > 0 {
		return scope{}, invalid
	}
	s := scope{permitted: map[string]bool{}, mandatory: mandatory}
	for _, id := range permitted {
		s.permitted[id] = true
		if _, known := k.keys[id]; !known {
			invalid = append(invalid, fmt.Errorf("%s.permitted_signers has %q, whom the keychain lacks", path, id))
		}
	}
	for _, id := range mandatory {
		if !s.permitted[id] {
			invalid = append(invalid, fmt.Errorf("%s.mandatory_signers has %q, who is not among the permitted_signers", path, id))
		}
	}
	if len(mandatory) == 0 {
		invalid = append(invalid, fmt.Errorf("%s.mandatory_signers is empty: it must name at least one signer", path))
	}
	return s, invalid
}

// KeychainEntry returns the YAML of an entry, indented for its place under keychain: in the
// file, without a trailing line break.
func KeychainEntry(id, algorithm, value string) string {
	var text strings.Builder
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	entry := map[string]map[string]string{id: {"algorithm": algorithm, "value": value}}
	if err := errors.Join(encoder.Encode(entry), encoder.Close()); err != nil {
		panic(err) // cannot happen: a string can always be encoded and a builder never fails
	}
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text.String(), "\n"), "\n", "\n  ")
}
