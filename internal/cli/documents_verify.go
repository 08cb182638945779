package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"barong/internal/app"
	"barong/internal/documents"
	"barong/internal/identity"
)

type documentsVerifyCommand struct {
	Read bool `help:"Read every file from its first byte to its last, decrypted where it is encrypted."`
}

func (documentsVerifyCommand) Help() string {
	return `A document is a row in the database and a file in the store. After a restore the two may be of different times, or the
key may be another: this names every document whose file is gone or has not the size that it should have. With --read, which
reads the whole store, also those that are damaged or that the key of BARONG_DOCUMENTS_KEY does not decrypt. Servers may go on
working meanwhile. The exit status is 1 where something is wrong. Settings are those of the server.

Example:
  barong documents verify
  barong documents verify --read`
}

// verifyBatch is the number of documents per database query.
const verifyBatch = 1000

func (c documentsVerifyCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		store, err := a.OpenStorage(ctx)
		if err != nil {
			return err
		}
		sizes := map[string]int64{} // sizes of the files in the store, by name
		for file, err := range store.Objects(ctx) {
			if err != nil {
				return err
			}
			sizes[file.Name] = file.Size
		}
		repo := a.Repo
		total, wrong, after := 0, 0, int64(0)
		for {
			batch, err := repo.StoredDocuments(ctx, after, verifyBatch)
			if err != nil {
				return err
			}
			if len(batch) == 0 {
				break
			}
			for _, d := range batch {
				after = d.ID
				total++
				complaint, err := c.inspect(ctx, store, sizes, d.Document)
				if err != nil {
					return err
				}
				if complaint != "" {
					wrong++
					fmt.Fprintf(p.stdout, "%s  of %s, %s: %s\n", d.Document.Object, d.UID, d.Document.CreatedAt.UTC().Format(time.RFC3339), complaint)
				}
			}
		}
		if wrong > 0 {
			return fmt.Errorf("%d of %d documents have no file that can be read", wrong, total)
		}
		_, err = fmt.Fprintf(p.stdout, "%d documents, each with its file\n", total)
		return err
	})
}

// inspect checks the file of a document. complaint says what is wrong with it, and is empty if
// it is intact. An error means that the store does not respond.
func (c documentsVerifyCommand) inspect(ctx context.Context, store *documents.Store, sizes map[string]int64, d identity.Document) (complaint string, err error) {
	size, listed := sizes[d.Object]
	switch {
	case !listed:
		// The file may have been stored after the listing.
		there, err := store.Has(ctx, d.Object)
		if err != nil {
			return "", fmt.Errorf("%s: %w", d.Object, err)
		}
		if !there {
			return "its file is gone", nil
		}
	case d.Key == nil && size != d.Size: // an encrypted file is larger
		return fmt.Sprintf("its file has %d bytes instead of %d", size, d.Size), nil
	}
	if !c.Read {
		return "", nil
	}
	content, err := store.Read(ctx, d)
	if err == nil {
		var read int64
		read, err = io.Copy(io.Discard, content)
		err = errors.Join(err, content.Close())
		if err == nil && read != d.Size {
			err = fmt.Errorf("it has %d bytes instead of %d", read, d.Size)
		}
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "its file cannot be read: " + err.Error(), nil
	}
	return "", nil
}
