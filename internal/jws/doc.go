// Package jws parses JSON Web Signatures (RFC 7515), verifies them, and adds the server's
// signature. It handles keys and bytes; claims and permissions are the callers' concern.
//
// A JWS is never re-encoded: signatures are verified over the bytes as received, and a
// countersigned JWS keeps every byte of the other signatures.
package jws
