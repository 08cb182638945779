package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"barong/internal/app"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/repository"
)

type documentsVerifyCommand struct {
	Read bool `help:"Read every file from its first byte to its last, decrypted where it is encrypted."`
}

func (documentsVerifyCommand) Help() string {
	return `A document, or an attachment, is a row in the database and a file in the store. After a restore the two may be of different times, or the
key may be another: this names every one whose file is gone or has not the size that it should have. With --read, which
reads the whole store, also those that are damaged or that the key of BARONG_DOCUMENTS_KEY does not decrypt. Servers may go on
working meanwhile. The exit status is 1 where something is wrong. Settings are those of the server.

Example:
  barong documents verify
  barong documents verify --read`
}

// verifyBatch is the number of files per database query.
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
		total, wrong := [2]int{}, 0
		for kind, next := range []storedFiles{a.Repo.StoredDocuments, a.Repo.StoredAttachments} {
			for file, err := range next.all(ctx) {
				if err != nil {
					return err
				}
				total[kind]++
				complaint, err := c.inspect(ctx, store, sizes, file.File)
				if err != nil {
					return err
				}
				if complaint != "" {
					wrong++
					fmt.Fprintf(p.stdout, "%s  of %s, %s: %s\n", file.File.Object, ownerOf(file), file.CreatedAt.UTC().Format(time.RFC3339), complaint)
				}
			}
		}
		if wrong > 0 {
			return fmt.Errorf("%d of %d documents and %d attachments have no file that can be read", wrong, total[0], total[1])
		}
		_, err = fmt.Fprintf(p.stdout, "%d documents and %d attachments, each with its file\n", total[0], total[1])
		return err
	})
}

// storedFiles returns up to limit files of a table, in the order of their ids.
type storedFiles func(ctx context.Context, after int64, limit int) ([]repository.StoredFile, error)

// all reads all files of the table, one batch at a time.
func (next storedFiles) all(ctx context.Context) iter.Seq2[repository.StoredFile, error] {
	return func(yield func(repository.StoredFile, error) bool) {
		after := int64(0)
		for {
			batch, err := next(ctx, after, verifyBatch)
			if err != nil {
				yield(repository.StoredFile{}, err)
				return
			}
			if len(batch) == 0 {
				return
			}
			for _, file := range batch {
				after = file.ID
				if !yield(file, nil) {
					return
				}
			}
		}
	}
}

// ownerOf returns the uid of the user to whom a file belongs.
func ownerOf(file repository.StoredFile) string {
	if file.UID == nil {
		return "nobody"
	}
	return *file.UID
}

// inspect checks a file of a document or an attachment. complaint says what is wrong with it, and is empty if
// it is intact. An error means that the store does not respond.
func (c documentsVerifyCommand) inspect(ctx context.Context, store *documents.Store, sizes map[string]int64, f identity.File) (complaint string, err error) {
	size, listed := sizes[f.Object]
	switch {
	case !listed:
		// The file may have been stored after the listing.
		there, err := store.Has(ctx, f.Object)
		if err != nil {
			return "", fmt.Errorf("%s: %w", f.Object, err)
		}
		if !there {
			return "its file is gone", nil
		}
	case f.Key == nil && size != f.Size: // an encrypted file is larger
		return fmt.Sprintf("its file has %d bytes instead of %d", size, f.Size), nil
	}
	if !c.Read {
		return "", nil
	}
	content, err := store.Read(ctx, f)
	if err == nil {
		var read int64
		read, err = io.Copy(io.Discard, content)
		err = errors.Join(err, content.Close())
		if err == nil && read != f.Size {
			err = fmt.Errorf("it has %d bytes instead of %d", read, f.Size)
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
