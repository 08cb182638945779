// Package identity holds the nouns of the management API (user, profile, phone, label, document)
// and their rules: what is valid, the messages of violations, and the level and state that labels
// give an account. It does not depend on a database, requests or a wire format.
package identity
