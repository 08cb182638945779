// Package otp decides whether a one-time code of a user is right (TOTP, RFC
// 6238: SHA-1, six digits, 30 seconds, one step of drift either way). A
// [Backend] keeps the secrets: [Local] in the database, encrypted by a key that
// is not there, or [Vault] in the TOTP engine of HashiCorp Vault or OpenBao. A
// [Verifier] stands before either and counts failures, so that nobody guesses.
package otp
