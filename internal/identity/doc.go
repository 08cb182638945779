// Package identity holds the nouns of the management API (user, profile, phone,
// label, document) and their rules: what is valid, in which words it is refused,
// and which level and state the labels of an account give it. It knows no
// database, no requests and no wire format.
package identity
