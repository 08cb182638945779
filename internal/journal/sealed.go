package journal

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
)

// Sealed is a row of the journal exactly as the table has it: Proof and Changed are the stored JSON, with
// members that this version may not know. Row is the same for readers of the content.
type Sealed struct {
	Seq        int64 // consecutive from 1
	SealedAt   time.Time
	Entry      uuid.UUID
	UID        *string
	WrittenAt  time.Time
	Operation  string
	Form       Form
	RequestID  string
	Signers    []string
	Parameters []byte
	Salt       []byte          // not part of the leaf
	Proof      json.RawMessage // a Proof; nil: none
	Payload    *string
	Changed    json.RawMessage // Changes
}

// leafTime is the form of times in a leaf: UTC, always with microseconds, as precise as the database.
const leafTime = "2006-01-02T15:04:05.000000Z"

// leaf has the members of a leaf. Their names never change, and a member that is added must be left out of
// the leaves of rows that do not have it: the hashes of rows are kept for ever.
type leaf struct {
	Seq        int64           `json:"seq"`
	SealedAt   string          `json:"sealed_at"`
	Entry      uuid.UUID       `json:"entry"`
	UID        *string         `json:"uid"`
	WrittenAt  string          `json:"written_at"`
	Operation  string          `json:"operation"`
	Form       Form            `json:"form"`
	RequestID  string          `json:"request_id"`
	Signers    []string        `json:"signers"`
	Parameters string          `json:"parameters"` // hexadecimal; "": none
	Proof      json.RawMessage `json:"proof"`
	Payload    *string         `json:"payload"`
	Changed    json.RawMessage `json:"changed"`
}

// Leaf is the row as the Merkle tree holds it: the canonical JSON (RFC 8785) of all columns but salt.
func (s *Sealed) Leaf() ([]byte, error) {
	text, err := json.Marshal(leaf{
		Seq: s.Seq, SealedAt: s.SealedAt.UTC().Format(leafTime), Entry: s.Entry, UID: s.UID, WrittenAt: s.WrittenAt.UTC().Format(leafTime),
		Operation: s.Operation, Form: s.Form, RequestID: s.RequestID, Signers: s.Signers, Parameters: hex.EncodeToString(s.Parameters),
		Proof: s.Proof, Payload: s.Payload, Changed: s.Changed,
	})
	if err != nil {
		return nil, fmt.Errorf("row %d has no canonical form: %w", s.Seq, err)
	}
	canonical := jsontext.Value(text)
	if err := canonical.Canonicalize(); err != nil {
		return nil, fmt.Errorf("row %d has no canonical form: %w", s.Seq, err)
	}
	return canonical, nil
}

// Hash is the hash of the row's leaf (RFC 6962).
func (s *Sealed) Hash() (tlog.Hash, error) {
	leaf, err := s.Leaf()
	if err != nil {
		return tlog.Hash{}, err
	}
	return tlog.RecordHash(leaf), nil
}

// Changes parses the column changed.
func (s *Sealed) Changes() (c Changes, err error) {
	err = json.Unmarshal(s.Changed, &c)
	return c, err
}

// Unsealed is a row of the inbox.
type Unsealed struct {
	ID      int64
	Entry   uuid.UUID
	UID     *string
	Record  *string // nil: adds to the changes of the row with its entry
	Salt    []byte
	Changed json.RawMessage
}

// unrecorded is the operation of changes whose write left no row of its own.
const unrecorded = "unrecorded"

// Fold makes rows of the journal of rows of the inbox, which are in order of their ids. The changes of an
// addition become part of the row with its entry. Numbers and times of sealing are the caller's.
func Fold(inbox []Unsealed) ([]Sealed, error) {
	rows := make([]Sealed, 0, len(inbox))
	byEntry := make(map[uuid.UUID]int, len(inbox))
	for i := range inbox {
		from := &inbox[i]
		at, known := byEntry[from.Entry]
		if from.Record == nil && known {
			merged, err := mergeChanges(rows[at].Changed, from.Changed)
			if err != nil {
				return nil, fmt.Errorf("row %d of the inbox: %w", from.ID, err)
			}
			rows[at].Changed = merged
			continue
		}
		row, err := from.sealed()
		if err != nil {
			return nil, fmt.Errorf("row %d of the inbox: %w", from.ID, err)
		}
		byEntry[from.Entry] = len(rows)
		rows = append(rows, row)
	}
	return rows, nil
}

func (u *Unsealed) sealed() (Sealed, error) {
	row := Sealed{Entry: u.Entry, UID: u.UID, Operation: unrecorded, Signers: []string{}, Salt: u.Salt, Changed: u.Changed}
	if u.Record == nil {
		seconds, nanoseconds := u.Entry.Time().UnixTime()
		row.WrittenAt = time.Unix(seconds, nanoseconds).UTC().Truncate(time.Microsecond)
		return row, nil
	}
	record, err := ParseRecord(*u.Record)
	if err != nil {
		return row, err
	}
	row.WrittenAt, row.Form, row.Parameters = record.At.UTC().Truncate(time.Microsecond), record.Form, record.Parameters
	row.Operation, row.RequestID = storable(record.Operation), storable(record.RequestID)
	for _, signer := range record.Signers {
		row.Signers = append(row.Signers, storable(signer))
	}
	if record.Payload != "" {
		payload := storable(record.Payload)
		row.Payload = &payload
	}
	if record.Proof != nil {
		row.Proof, err = json.Marshal(record.Proof)
	}
	return row, err
}

// storable is a text without NUL, which Postgres does not store: one such row would stop the sealing of all.
func storable(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }

// mergeChanges adds the members of an addition to changes: lists are continued, the new value of an
// earlier change is replaced, and members that this version does not know are kept.
func mergeChanges(changes, addition json.RawMessage) (json.RawMessage, error) {
	var into, from map[string]json.RawMessage
	if err := json.Unmarshal(changes, &into); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(addition, &from); err != nil {
		return nil, err
	}
	for name, value := range from {
		merged, err := mergeMember(into[name], value)
		if err != nil {
			return nil, err
		}
		into[name] = merged
	}
	return json.Marshal(into)
}

func mergeMember(before, added json.RawMessage) (json.RawMessage, error) {
	if before == nil {
		return added, nil
	}
	var lists [2][]json.RawMessage
	if json.Unmarshal(before, &lists[0]) == nil && json.Unmarshal(added, &lists[1]) == nil {
		return json.Marshal(append(lists[0], lists[1]...))
	}
	var changes [2]map[string]json.RawMessage
	if json.Unmarshal(before, &changes[0]) == nil && json.Unmarshal(added, &changes[1]) == nil {
		if old, ok := changes[0]["old"]; ok && changes[1]["new"] != nil {
			return json.Marshal(map[string]json.RawMessage{"old": old, "new": changes[1]["new"]})
		}
	}
	return added, nil
}
