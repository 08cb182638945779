package auth

import (
	"maps"
	"slices"
)

// KeychainSigner is an entry of the keychain, and the algorithm that each must sign with.
type KeychainSigner struct {
	Name      string
	Algorithm string
}

// KeychainScope is who may call the operations of a scope: a request counts with the
// signatures of all mandatory signers, and ignores those of who is not permitted.
type KeychainScope struct {
	Name      string
	Permitted []string
	Mandatory []string // never empty, all of them permitted
}

// Signers lists the keychain's entries by name.
func (k *Keychain) Signers() []KeychainSigner {
	signers := make([]KeychainSigner, 0, len(k.keys))
	for _, name := range slices.Sorted(maps.Keys(k.keys)) {
		signers = append(signers, KeychainSigner{name, k.keys[name].Algorithm()})
	}
	return signers
}

// Scopes lists the scopes that the file has, by name.
func (k *Keychain) Scopes() []KeychainScope {
	scopes := make([]KeychainScope, 0, len(k.scopes))
	for _, name := range slices.Sorted(maps.Keys(k.scopes)) {
		scopes = append(scopes, KeychainScope{name, slices.Sorted(maps.Keys(k.scopes[name].permitted)), k.scopes[name].mandatory})
	}
	return scopes
}
