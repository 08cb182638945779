package accountimport

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"barong/internal/barongdb"
	"barong/internal/identity"
	"barong/repository"
)

// maxLine is the longest line of a file in bytes, far above what a row needs.
const maxLine = 1 << 20

// File returns the rows of a file in NDJSON, as Export writes it. A line that is no row is the last
// value's error.
func File(from io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		lines := bufio.NewScanner(from)
		lines.Buffer(nil, maxLine)
		for number := 1; lines.Scan(); number++ {
			text := bytes.TrimSpace(lines.Bytes())
			if len(text) == 0 {
				continue
			}
			var row Row
			decoder := json.NewDecoder(bytes.NewReader(text))
			decoder.DisallowUnknownFields()
			if decoder.Decode(&row) != nil { // the error repeats the line
				yield(row, fmt.Errorf("line %d is not a service account or an API key in JSON", number))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Row{}, err)
		}
	}
}

// Database returns the service accounts and then the API keys of Barong's database. An account with
// an owner takes level and state from it, unless it is disabled.
func Database(ctx context.Context, db *barongdb.DB) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for a, err := range db.ServiceAccounts(ctx) {
			account := &Account{UID: a.UID, Email: a.Email, Role: a.Role, OwnerUID: a.OwnerUID, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
			if a.OwnerUID == nil {
				account.Level = &a.Level
			}
			if a.OwnerUID == nil || a.State == identity.StateDisabled {
				account.State = &a.State
			}
			if !yield(Row{Account: account}, err) || err != nil {
				return
			}
		}
		for k, err := range db.APIKeys(ctx) {
			key := &Key{
				KID: k.KID, HolderUID: k.HolderUID, Algorithm: k.Algorithm, Scopes: k.Scopes, State: k.State, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt,
				plain: k.Secret,
			}
			if !yield(Row{Key: key}, err) || err != nil {
				return
			}
		}
	}
}

// Export writes all service accounts and all API keys, as they are at one moment, in NDJSON. Secrets
// stay encrypted.
func Export(ctx context.Context, repo *repository.Repository, to io.Writer) (accounts, keys int64, err error) {
	out := bufio.NewWriter(to)
	encoder := json.NewEncoder(out)
	err = repo.ExportAccounts(ctx, func(a identity.ServiceAccount) error {
		account := &Account{UID: a.UID, Email: a.Email, Role: a.Role, Level: a.OwnLevel, State: a.OwnState, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
		if a.Owner != nil {
			account.OwnerUID = &a.Owner.UID
		}
		accounts++
		return encoder.Encode(Row{Account: account})
	}, func(k repository.HeldKey) error {
		keys++
		return encoder.Encode(Row{Key: &Key{
			KID: k.KID, HolderUID: k.Holder, Algorithm: k.Algorithm, Scopes: k.Scopes, State: k.State, Secret: k.Sealed, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt,
		}})
	})
	if err == nil {
		err = out.Flush()
	}
	return accounts, keys, err
}
