// Package otp decides whether a one-time code of a user is right (TOTP, RFC 6238: SHA-1, six
// digits, 30 seconds, one step of drift either way). A [Backend] stores the secrets: [Local] in the
// database, encrypted with a key that is stored elsewhere, or [Vault] in the TOTP engine of
// HashiCorp Vault or OpenBao. A [Verifier] wraps either of them and limits guesses by counting
// failures.
package otp
