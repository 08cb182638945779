// Package journal defines the journal of writes: what each row holds, and its exact form. It contains no
// SQL: repository/journal.go writes rows in the transaction of the write, and docs/journal.md describes
// the whole.
package journal

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Form says how a write reached the server.
type Form string

// The forms of a write.
const (
	Envelope Form = "envelope" // signed parameters
	Bearer   Form = "bearer"   // a signed token beside unsigned parameters
	Command  Form = "cli"      // a command of the program
)

// Record is what is known of a write before it happens. It contains no personal data. The zero value of
// each optional member is left out of the journal.
type Record struct {
	Entry     uuid.UUID // version 7: identifies the write for ever
	At        time.Time
	Operation string // operationId; of a command its name, such as "users import"
	Form      Form
	RequestID string   // X-Request-Id of the request; "" for a command
	Signers   []string // the kids whose signatures permitted the write, in order; of a command "cli:" and the name of the user of the machine

	// Parameters is SHA-256 of Salt and the digest of the canonical parameters. The salt is not part of the
	// row's leaf: without it the digest confirms nothing, and the row remains provable.
	Parameters []byte
	Salt       []byte

	Proof   *Proof // of a request; nil where BARONG_JOURNAL_PROOF is none
	Payload string // the signed payload, base64url as received, of operations with x-journal: payload; else ""

	Keys []Key // of which at most one request may be executed; empty: any number

	// Repeated is set by the write: one of the keys that are only observed was spent before.
	Repeated bool
}

// Proof is what remains of the signatures of a request.
type Proof struct {
	Signatures []Signature `json:"signatures,omitempty"` // of an envelope
	Token      []byte      `json:"token,omitempty"`      // SHA-256 of a Bearer token, which did not sign the parameters
}

// Signature is one verified signature over a payload that the journal does not hold, unless the row has it.
type Signature struct {
	KID        string `json:"kid"`
	Algorithm  string `json:"alg"`
	Thumbprint string `json:"thumbprint,omitempty"` // of the key, RFC 7638; "" for a shared secret
	Protected  string `json:"protected,omitempty"`  // header, base64url as received
	Digest     []byte `json:"digest"`               // of the signing input, by the hash of the algorithm
	Value      []byte `json:"signature"`
}

// recordText is the form in which a record passes through the inbox.
type recordText struct {
	At         time.Time `json:"at"`
	Operation  string    `json:"operation"`
	Form       Form      `json:"form"`
	RequestID  string    `json:"request_id,omitempty"`
	Signers    []string  `json:"signers"`
	Parameters []byte    `json:"parameters,omitempty"`
	Proof      *Proof    `json:"proof,omitempty"`
	Payload    string    `json:"payload,omitempty"`
}

// Text is the record as the inbox stores it: all but Entry, Salt and Keys.
func (r *Record) Text() string {
	text, err := json.Marshal(recordText{
		At: r.At.UTC().Truncate(time.Microsecond), Operation: r.Operation, Form: r.Form, RequestID: r.RequestID, Signers: r.Signers,
		Parameters: r.Parameters, Proof: r.Proof, Payload: r.Payload,
	})
	if err != nil {
		panic(err) // texts, bytes and times always have an encoding
	}
	return string(text)
}

// ParseRecord parses what Text returned.
func ParseRecord(text string) (*Record, error) {
	var t recordText
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return nil, err
	}
	return &Record{
		At: t.At, Operation: t.Operation, Form: t.Form, RequestID: t.RequestID, Signers: t.Signers,
		Parameters: t.Parameters, Proof: t.Proof, Payload: t.Payload,
	}, nil
}
