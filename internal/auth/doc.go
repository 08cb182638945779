// Package auth determines who signed a request, and whether the signers may call its
// operation. A [Keychain] holds the signers' public keys and scopes; it parses a signed
// envelope or a Bearer token into [Credentials] and authorises them. Package
// barong/clients/go/signing is the counterpart for clients, which creates signatures.
//
// Three rules hold throughout: the algorithm comes from the keychain, never from the message;
// a key is checked against its algorithm when it is loaded; and signatures are verified over
// the bytes as received.
package auth
