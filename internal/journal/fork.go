package journal

import "encoding/json"

// ForkRow makes the first row of an epoch, in a list of its own.
func ForkRow(record *Record, fork Fork) ([]Sealed, error) {
	changed, err := json.Marshal(Changes{Fork: &fork})
	if err != nil {
		return nil, err
	}
	return SealedOf([]Unsealed{{Entry: record.Entry, Record: record.Text(), Salt: record.Salt, Changed: changed}})
}
