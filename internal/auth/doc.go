// Package auth answers two questions about a request: who signed it, and may
// they do what it asks. A [Keychain] holds the parties' keys and their rights; a
// signed envelope or a Bearer token becomes [Credentials], which the keychain
// authorises. Package barong/clients/go/signing is the other side, which signs.
//
// What keeps it safe is the same everywhere: the algorithm comes from the
// keychain and never from the message, a key is checked against its algorithm
// when it is loaded, and signatures are verified over the bytes as they came.
package auth
