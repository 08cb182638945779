package documentimport

import (
	"crypto/sha256"
	"encoding/json"
	"time"
	"unicode/utf8"

	"barong/internal/identity"
)

// Row is a document of the other system.
type Row struct {
	Source    string // the name of the system; "" for that of the options
	ID        string // of the document in the system
	Path      string // of its file
	UID       string // of its user
	Type      string
	Number    string
	Expire    *time.Time // a date: midnight UTC
	Metadata  *string
	Filename  string
	CreatedAt time.Time // zero: not known
	UpdatedAt time.Time

	Line     int64    // in a file; 0 for a row of a database
	Raw      []byte   // the row in a file; nil for a row of a database
	Position int64    // what has been read of the source with this row, in the unit of its size
	Invalid  []string // sentences why the row cannot be read
	Dropped  []string // names of columns that have a value and no place here
}

// maxKey limits ids and paths, in bytes. The database indexes ids; names in S3 have up to 1024
// bytes.
const maxKey = 1024

func isKey(s string) bool {
	if s == "" || len(s) > maxKey || !utf8.ValidString(s) {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' {
			return false
		}
	}
	return true
}

// sentences returns why the row is rejected without a look at its file.
func (r *Row) sentences() []string {
	list := r.Invalid
	if list == nil {
		if !isKey(r.ID) || !isKey(r.Source) {
			list = append(list, identity.DocumentIDInvalid.Message)
		}
		if !isKey(r.Path) {
			list = append(list, identity.DocumentPathInvalid.Message)
		}
		if !identity.IsUID(r.UID) {
			list = append(list, identity.DocumentUserUnknown.Message)
		}
	}
	return list
}

// digest is a hash of all that the system says of the document. The user is not part of it: a
// document does not change its user.
func (r *Row) digest() ([]byte, error) {
	said, err := json.Marshal([]any{r.Path, r.Type, r.Number, r.Expire, r.Metadata, r.Filename, r.CreatedAt, r.UpdatedAt})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(said)
	return sum[:], nil
}

// size is about the memory that a row takes, in bytes.
func (r *Row) size() int {
	size := 512 + len(r.Raw) + len(r.ID) + len(r.Path) + len(r.UID) + len(r.Type) + len(r.Number) + len(r.Filename)
	if r.Metadata != nil {
		size += len(*r.Metadata)
	}
	return size
}
