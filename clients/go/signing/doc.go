// Package signing creates the signatures by which a server authenticates requests. A [Signer]
// holds a private key, [Envelope] signs the parameters of a request, and [Token] creates a
// Bearer token.
//
// The algorithms are those of RFC 7518 §3.1 and RFC 8037 §3.1 except none. A key is checked
// against its algorithm when it is loaded, never when it is used. [VerificationKey] is the
// public counterpart of a signer's key, which a server has in its keychain.
package signing
