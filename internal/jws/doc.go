// Package jws reads JSON Web Signatures (RFC 7515) that others made, verifies them, and
// adds the signature of a server. It knows keys and bytes, and neither claims nor
// rights.
//
// A JWS is never encoded again: signatures are verified over the bytes as they were
// received, and a JWS that gets one more signature keeps every byte of the others.
package jws
