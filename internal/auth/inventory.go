package auth

import (
	"crypto"
	"maps"
	"slices"
)

// KeychainSigner is an entry of the keychain with the algorithm of its key.
type KeychainSigner struct {
	Name      string
	Algorithm string
}

// KeychainScope describes who may call the operations of a scope. A request needs the
// signatures of all mandatory signers; signatures of signers that are not permitted are
// ignored.
type KeychainScope struct {
	Name      string
	Permitted []string
	Mandatory []string // never empty, a subset of the permitted signers
}

// Signers returns the entries of the keychain, sorted by name.
func (k *Keychain) Signers() []KeychainSigner {
	signers := make([]KeychainSigner, 0, len(k.keys))
	for _, name := range slices.Sorted(maps.Keys(k.keys)) {
		signers = append(signers, KeychainSigner{name, k.keys[name].Algorithm()})
	}
	return signers
}

// SignerKey is the public key of a signer.
type SignerKey struct {
	Name      string
	Algorithm string
	Key       crypto.PublicKey
}

// PublicKeys returns the keys of the signers with an asymmetric algorithm, sorted by name.
func (k *Keychain) PublicKeys() []SignerKey {
	var list []SignerKey
	for _, name := range slices.Sorted(maps.Keys(k.keys)) {
		if public := k.keys[name].PublicKey(); public != nil {
			list = append(list, SignerKey{name, k.keys[name].Algorithm(), public})
		}
	}
	return list
}

// Scopes returns the scopes of the keychain file, sorted by name.
func (k *Keychain) Scopes() []KeychainScope {
	scopes := make([]KeychainScope, 0, len(k.scopes))
	for _, name := range slices.Sorted(maps.Keys(k.scopes)) {
		scopes = append(scopes, KeychainScope{name, slices.Sorted(maps.Keys(k.scopes[name].permitted)), k.scopes[name].mandatory})
	}
	return scopes
}
