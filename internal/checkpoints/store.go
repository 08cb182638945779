// Package checkpoints keeps the signed checkpoints of the journal outside of the database, in a
// gocloud.dev/blob store: one object for each. Whoever can rewrite the database cannot rewrite these.
package checkpoints

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob" // file://

	"barong/internal/journal"
	"barong/internal/keys"
)

// Store is a store of checkpoints. It is safe for concurrent use.
type Store struct{ bucket *blob.Bucket }

// Open opens the store of a URL, or a directory by its path, which is created when missing. name is the
// setting or option that has it, for errors. It does not check whether the store answers.
func Open(ctx context.Context, name, location string) (*Store, error) {
	opened := location
	if !strings.Contains(location, "://") {
		absolute, err := filepath.Abs(location)
		if err != nil {
			return nil, err
		}
		opened = "file://" + (&url.URL{Path: filepath.ToSlash(absolute)}).EscapedPath()
	}
	parsed, err := url.Parse(opened)
	if err != nil || !blob.DefaultURLMux().ValidBucketScheme(parsed.Scheme) {
		return nil, errors.New(name + ": no store goes by such a URL; s3://, gs:// and azblob:// need the binary of a release")
	}
	if parsed.Scheme == fileblob.Scheme {
		query := parsed.Query()
		query.Set("create_dir", "true")
		query.Set("metadata", "skip")
		query.Set("no_tmp_dir", "true")
		parsed.RawQuery = query.Encode()
		opened = parsed.String()
	}
	bucket, err := blob.OpenBucket(ctx, opened)
	if err != nil {
		return nil, fmt.Errorf("%s: the store cannot be opened: %w", name, keys.Redact(err, opened))
	}
	return &Store{bucket}, nil
}

// Close closes the store.
func (s *Store) Close() error { return s.bucket.Close() }

// nameOf is the name of a checkpoint's object: a folder for each day, so that the newest one is found
// without a listing of all.
func nameOf(c journal.Checkpoint) string {
	return fmt.Sprintf("%s/%06d-%020d.txt", c.Time.UTC().Format("2006/01/02"), c.Epoch, c.Size)
}

// Put stores a signed checkpoint.
func (s *Store) Put(ctx context.Context, c journal.Checkpoint, signed string) error {
	return s.bucket.WriteAll(ctx, nameOf(c), []byte(signed), &blob.WriterOptions{ContentType: "text/plain; charset=utf-8", DisableContentTypeDetection: true})
}

// Newest returns the newest checkpoint of the last day that has any, by epoch and size; "" without one.
func (s *Store) Newest(ctx context.Context) (signed string, err error) {
	prefix := ""
	for range 4 { // year, month, day, checkpoint
		last := ""
		list := s.bucket.List(&blob.ListOptions{Prefix: prefix, Delimiter: "/"})
		for {
			object, err := list.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return "", err
			}
			last = max(last, object.Key)
		}
		if last == "" {
			return "", nil
		}
		prefix = last
	}
	content, err := s.bucket.ReadAll(ctx, prefix)
	return string(content), err
}

// All returns the names and contents of all checkpoints, in order of time.
func (s *Store) All(ctx context.Context) iter.Seq2[[2]string, error] {
	return func(yield func([2]string, error) bool) {
		list := s.bucket.List(nil)
		for {
			object, err := list.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			var content []byte
			if err == nil {
				content, err = s.bucket.ReadAll(ctx, object.Key)
			}
			name := ""
			if err == nil {
				name = object.Key
			}
			if !yield([2]string{name, string(content)}, err) || err != nil {
				return
			}
		}
	}
}

// Interval is the time between checkpoints of a journal that grows.
const Interval = time.Minute
