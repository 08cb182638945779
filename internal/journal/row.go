package journal

import (
	"encoding/json"
	"time"
)

// Row is a sealed row of the journal. Its number never changes, and neither does anything else in it but
// the salt, which an erasure removes.
type Row struct {
	Seq      int64 // consecutive from 1
	SealedAt time.Time
	UID      *string // of the user or service account; nil: of none, or of many
	Record   Record  // without Payload and Keys
	Payload  *string // the signed payload, of operations with x-journal: payload
	Changed  json.RawMessage
}

// Changes parses the column changed.
func (r *Row) Changes() (c Changes, err error) {
	err = json.Unmarshal(r.Changed, &c)
	return c, err
}
