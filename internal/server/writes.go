package server

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/google/uuid"

	"barong/internal/auth"
	"barong/internal/journal"
	"barong/internal/problem"
)

// KeyUse says what a kind of idempotency keys does.
type KeyUse int

// The uses of keys.
const (
	KeysIgnored  KeyUse = iota
	KeysObserved        // a repetition is counted, and executed
	KeysEnforced        // a repetition gets the answer of the first request
)

// Writes configures what is recorded of requests that write.
type Writes struct {
	Journal bool   // a row of the journal
	Proof   bool   // with the signatures
	Header  KeyUse // keys in the header Idempotency-Key
	JTI     KeyUse // the claim jti of envelopes
	Require bool   // a write without an enforced key is rejected
}

const (
	// leastKeyTime is the least time for which a key is remembered.
	leastKeyTime = 24 * time.Hour
	// endlessKeyTime is the time for which the jti of an envelope without exp is remembered.
	endlessKeyTime = 30 * 24 * time.Hour
	// maxPayload is the largest payload that the journal keeps, in bytes.
	maxPayload = 64 << 10
	saltSize   = 16
)

var errKeyRequired = problem.New(problem.BadRequest, "Idempotency-Key is required.")

// write is what the gate knows of a request that writes before its parameters are read.
type write struct {
	record *journal.Record
	keys   []givenKey
}

// givenKey is the value of a key as the request has it.
type givenKey struct {
	kind     journal.KeyKind
	value    string
	until    time.Time
	enforced bool
}

// signedWrite returns what the verified credentials say about a write, and nil for an operation that only
// reads or where nothing is recorded.
func (e *exchange) signedWrite(keychain *auth.Keychain, isEnvelope bool) (*write, error) {
	rules := e.gate.writes
	if e.op.onlyReads() || rules == (Writes{}) {
		return nil, nil
	}
	entry, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	now := e.gate.clock()
	w := &write{record: &journal.Record{
		Entry: entry, At: now, Operation: e.op.id, Form: journal.Bearer, RequestID: e.info.requestID, Signers: e.info.signers,
	}}
	if w.keys, err = e.givenKeys(keychain, isEnvelope, now); err != nil {
		return nil, err
	}
	if isEnvelope {
		w.record.Form = journal.Envelope
	}
	if rules.Journal && rules.Proof {
		w.record.Proof = e.credentials.Proof()
		if isEnvelope && e.op.keepsPayload && w.spendsJTI() {
			w.record.Payload = e.credentials.PlainPayload(maxPayload)
		}
	}
	return w, nil
}

// spendsJTI reports whether the jti of the envelope is enforced: an envelope that was put together again
// from a row of the journal must be a spent one.
func (w *write) spendsJTI() bool {
	for _, key := range w.keys {
		if key.kind == journal.KeyOfJTI && key.enforced {
			return true
		}
	}
	return false
}

// givenKeys returns the keys of a request. A Bearer token's jti is none: one token serves many requests.
func (e *exchange) givenKeys(keychain *auth.Keychain, isEnvelope bool, now time.Time) (keys []givenKey, err error) {
	rules, required := e.gate.writes, e.gate.writes.Require
	if rules.Header != KeysIgnored {
		value, err := idempotencyKey(e.r.Header)
		if err != nil {
			return nil, err
		}
		if value != "" {
			keys = append(keys, givenKey{journal.KeyOfHeader, value, now.Add(leastKeyTime), rules.Header == KeysEnforced})
			required = required && rules.Header != KeysEnforced
		}
	}
	if id := e.credentials.ID(); isEnvelope && id != "" && rules.JTI != KeysIgnored {
		until := now.Add(endlessKeyTime)
		if exp, ok := e.credentials.Expires(); ok {
			until = exp.Add(keychain.ExpiryLeeway())
		}
		if least := now.Add(leastKeyTime); until.Before(least) {
			until = least
		}
		keys = append(keys, givenKey{journal.KeyOfJTI, id, until, rules.JTI == KeysEnforced})
		required = required && rules.JTI != KeysEnforced
	}
	if required {
		return nil, errKeyRequired
	}
	return keys, nil
}

// record completes the record of a write with its parameters, and puts it into the context of the request.
func (e *exchange) record(w *write, values map[string]any) error {
	digest, err := parametersDigest(values)
	if err != nil {
		return err
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	parameters := sha256.Sum256(append(salt[:saltSize:saltSize], digest[:]...))
	w.record.Salt, w.record.Parameters = salt, parameters[:]
	for _, p := range e.op.parameters {
		if _, given := values[p.name]; given && p.private {
			w.record.Payload = ""
		}
	}
	for _, given := range w.keys {
		for _, kid := range w.record.Signers { // one for each: a signature can be taken off an envelope
			key := journal.NewKey(given.kind, kid, given.value, e.op.id, digest)
			key.Until, key.Enforced = given.until, given.enforced
			w.record.Keys = append(w.record.Keys, key)
		}
	}
	e.r = e.r.WithContext(journal.WithRecord(e.r.Context(), w.record))
	return nil
}

// maxKeyLength is the maximum length of an Idempotency-Key, in bytes.
const maxKeyLength = 255

var errKeyMalformed = problem.New(problem.BadRequest, "Idempotency-Key must be one string of 1 to 255 visible ASCII characters.")

// idempotencyKey returns the value of the header Idempotency-Key, or "" without one. The draft has a quoted
// string (RFC 9651, section 3.3.3); many clients send the text without quotes.
func idempotencyKey(header http.Header) (string, error) {
	lines := header.Values("Idempotency-Key")
	if len(lines) == 0 {
		return "", nil
	}
	text := lines[0]
	if quoted := len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"'; quoted {
		unescaped, ok := unescapeQuoted(text[1 : len(text)-1])
		if !ok {
			return "", errKeyMalformed
		}
		text = unescaped
	} else if text != "" && text[0] == '"' {
		return "", errKeyMalformed
	}
	if len(lines) > 1 || text == "" || len(text) > maxKeyLength {
		return "", errKeyMalformed
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' {
			return "", errKeyMalformed
		}
	}
	return text, nil
}

// unescapeQuoted removes the backslashes of a quoted string. Only quotes and backslashes may have one, and
// quotes must.
func unescapeQuoted(text string) (string, bool) {
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch c {
		case '"':
			return "", false
		case '\\':
			if i++; i == len(text) || text[i] != '"' && text[i] != '\\' {
				return "", false
			}
			c = text[i]
		}
		plain = append(plain, c)
	}
	return string(plain), true
}
