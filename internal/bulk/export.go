package bulk

import (
	"bufio"
	"bytes"
	"context"
	"io"

	"github.com/go-json-experiment/json"

	"barong/internal/otp"
	"barong/repository"
)

// commas is the layout of exported CSV.
var commas = &layout{columns: columns, delimiter: ','}

// Unseal decrypts a user's secret of one-time codes.
type Unseal func(ctx context.Context, uid string, encrypted []byte) (otp.Secret, error)

// Export writes all users of one snapshot, in the order of their ids, and returns their number.
// Without unseal it writes no secrets. It calls report after each page.
func Export(ctx context.Context, repo *repository.Repository, to io.Writer, format Format, unseal Unseal, report func(users int64)) (int64, error) {
	buffered := bufio.NewWriterSize(to, 1<<20)
	var text bytes.Buffer
	if format == CSV {
		if err := commas.append(&text, columns); err != nil {
			return 0, err
		}
	}
	var users int64
	err := repo.ExportUsers(ctx, func(some []repository.StoredUser) error {
		for _, u := range some {
			var secret otp.Secret
			if unseal != nil && u.Secret != nil {
				var err error
				if secret, err = unseal(ctx, u.UID, u.Secret); err != nil {
					return err
				}
			}
			r := recordOf(u.User, secret)
			if err := r.append(&text, format); err != nil {
				return err
			}
			if _, err := text.WriteTo(buffered); err != nil {
				return err
			}
		}
		users += int64(len(some))
		report(users)
		return nil
	})
	if err != nil {
		return users, err
	}
	if _, err := text.WriteTo(buffered); err != nil { // the header, where there are no users
		return users, err
	}
	return users, buffered.Flush()
}

func (r *record) append(to *bytes.Buffer, format Format) error {
	if format == CSV {
		fields, err := r.fields()
		if err != nil {
			return err
		}
		return commas.append(to, fields)
	}
	if err := json.MarshalWrite(to, r); err != nil {
		return err
	}
	return to.WriteByte('\n')
}
