package identity

import "time"

// Attachment is a file beside the documents: it proves nothing, and no label, level or state
// depends on it.
type Attachment struct {
	ID      int64   // which the database assigns
	UserUID *string // nil: of nobody
	File
	CreatedAt time.Time
	UpdatedAt time.Time
}
