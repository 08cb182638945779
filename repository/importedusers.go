package repository

// ImportedUser tells which user of another database a user is.
type ImportedUser struct {
	SourceID     int64
	UserID       int64
	SourceDigest []byte // of the record that was read there
	StoredDigest []byte // of the user as it was stored here
}
