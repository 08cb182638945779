// Package signing makes the signatures by which a server knows who sends a request:
// a [Signer] has the private key of one party, [Envelope] signs the parameters of a
// request, and [Token] makes a Bearer token.
//
// The algorithms are those of RFC 7518 §3.1 and RFC 8037 §3.1 except none. A key is
// checked against its algorithm when it is read, never when it is used.
// [VerificationKey] is the other half of a signer's key, which a server has in its
// keychain.
package signing
