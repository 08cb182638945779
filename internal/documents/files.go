package documents

import (
	"context"
	"errors"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Files are the files of another system, in a bucket or a directory. They are read only.
type Files struct{ bucket *blob.Bucket }

// ErrNoFile is the error for a file that does not exist.
var ErrNoFile = errors.New("the file does not exist")

// OpenFiles opens the bucket of a URL of the forms of Options.URL, or a directory by its path. name
// is the option that has the URL, for errors.
func OpenFiles(ctx context.Context, name, location string) (*Files, error) {
	if !strings.Contains(location, "://") {
		absolute, err := filepath.Abs(location)
		if err != nil {
			return nil, err
		}
		location = "file://" + (&url.URL{Path: filepath.ToSlash(absolute)}).EscapedPath()
	}
	bucket, _, err := openBucket(ctx, name, location, withoutMetadata)
	if err != nil {
		return nil, err
	}
	return &Files{bucket}, nil
}

// withoutMetadata adds the option to the URL of a directory that reads no second file for each file.
func withoutMetadata(directory *url.URL) string {
	query := directory.Query()
	query.Set("metadata", "skip")
	query.Del("create_dir")
	plain := *directory
	plain.RawQuery = query.Encode()
	return plain.String()
}

// Open opens a file and returns its size. A file that does not exist is ErrNoFile.
func (f *Files) Open(ctx context.Context, path string) (content io.ReadCloser, size int64, err error) {
	reader, err := f.bucket.NewReader(ctx, path, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, 0, ErrNoFile
	}
	if err != nil {
		return nil, 0, err
	}
	return reader, reader.Size(), nil
}

// Close closes the bucket.
func (f *Files) Close() error { return f.bucket.Close() }
