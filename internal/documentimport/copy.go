package documentimport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"barong/internal/documents"
	"barong/internal/identity"
	"barong/internal/problem"
)

const (
	// maxReads limits how often a file is read that cannot be read, and readPause is the wait
	// between the attempts.
	maxReads  = 3
	readPause = 200 * time.Millisecond

	// maxUnreadable ends an import in which so many files in a row cannot be read: the bucket does
	// not respond.
	maxUnreadable = 10
	// maxMissing ends an import in which the first files are all missing: the path is wrong.
	maxMissing = 100
)

// work copies contents until there are no more. The content of one document is in memory at a time.
func (i *importing) work(ctx context.Context, items <-chan copying) error {
	var buffer bytes.Buffer
	for next := range items {
		err := i.copy(ctx, next.item, &buffer)
		next.done()
		if err != nil {
			return err
		}
	}
	return nil
}

// copy applies the rules to a document and its content, and stores the content. An error ends the
// import.
func (i *importing) copy(ctx context.Context, each *item, buffer *bytes.Buffer) error {
	size, err := i.fetch(ctx, each.row.Path, buffer)
	if err := i.reads.add(err); err != nil {
		return fmt.Errorf("--files: %w", err)
	}
	r := &each.row
	in := identity.DocumentImport{
		Type: r.Type, Number: r.Number, Expire: r.Expire, Metadata: r.Metadata, Filename: r.Filename,
		Size: size, Head: buffer.Bytes()[:min(buffer.Len(), identity.DocumentHead)], CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if path.Ext(in.Filename) == "" {
		in.Filename += path.Ext(r.Path)
	}
	var violations []problem.Violation
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, documents.ErrNoFile):
		violations = []problem.Violation{identity.DocumentFileMissing}
	case err != nil:
		violations = []problem.Violation{identity.DocumentFileUnreadable}
	default:
		each.document.Document, violations = i.Policy.ImportedDocument(in, i.Clock().UTC().Truncate(time.Second))
	}
	for _, violation := range violations {
		each.sentences = append(each.sentences, violation.Message)
	}
	if len(violations) > 0 || i.DryRun {
		return nil
	}
	return i.Store.Put(ctx, documents.Document, &each.document.Document.File, buffer.Bytes())
}

// fetch reads a file, again after an error. It returns the size of the file. It reads only the
// beginning of a file that is too large, and of all files in a dry run.
func (i *importing) fetch(ctx context.Context, name string, buffer *bytes.Buffer) (size int64, err error) {
	for attempt := 1; ; attempt++ {
		size, err = i.readOnce(ctx, name, buffer)
		if err == nil || errors.Is(err, documents.ErrNoFile) || attempt == maxReads {
			return size, err
		}
		select {
		case <-time.After(readPause):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (i *importing) readOnce(ctx context.Context, name string, buffer *bytes.Buffer) (size int64, err error) {
	buffer.Reset()
	content, size, err := i.Files.Open(ctx, name)
	if err != nil {
		return 0, err
	}
	defer content.Close()
	wanted := size
	if i.DryRun || size > identity.MaxUpload {
		wanted = min(size, identity.DocumentHead)
	}
	buffer.Grow(int(wanted) + bytes.MinRead) // without a reserve, the buffer grows at the end of the content
	read, err := buffer.ReadFrom(io.LimitReader(content, wanted))
	if err == nil && read < wanted {
		err = io.ErrUnexpectedEOF
	}
	return size, err
}

// reads notices that the files as a whole cannot be read.
type reads struct {
	mutex      sync.Mutex
	found      bool
	missing    int
	unreadable int // in a row
}

// add counts a read. Its error ends the import.
func (r *reads) add(err error) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	switch {
	case err == nil:
		r.found, r.unreadable = true, 0
	case errors.Is(err, context.Canceled):
	case errors.Is(err, documents.ErrNoFile):
		r.missing++
		if !r.found && r.missing >= maxMissing {
			return fmt.Errorf("none of the first %d files is there: is it the right place?", r.missing)
		}
	default:
		r.unreadable++
		if r.unreadable >= maxUnreadable {
			return fmt.Errorf("%d files in a row cannot be read: %s", r.unreadable, strings.TrimSpace(err.Error()))
		}
	}
	return nil
}
