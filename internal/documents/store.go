package documents

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob" // file://
	"gocloud.dev/gcerrors"
	"gocloud.dev/secrets"

	"barong/internal/identity"
	"barong/internal/keys"
	"barong/internal/problem"
)

// Options define where the content is stored and how it is read.
type Options struct {
	URL        string           // of the store, for gocloud.dev/blob; see DirectoryURL
	KeyURL     string           // of the key that encrypts the content, for gocloud.dev/secrets; empty: no encryption
	PublicURL  string           // prefix of the URLs that this server serves
	SigningKey []byte           // signs those URLs
	TTL        time.Duration    // validity of a URL
	Clock      func() time.Time // for the expiry of URLs
}

// Store is safe for concurrent use.
type Store struct {
	bucket   *blob.Bucket
	presigns bool            // the store signs URLs itself
	keeper   *secrets.Keeper // nil: new content is not encrypted
	signer   signer
}

// DirectoryURL returns the store URL of a directory on this machine. The directory is created when
// missing, is closed to other users, and contains one file for each document and attachment, as in every directory
// store; see privately.
func DirectoryURL(directory string) (string, error) {
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return "", err
	}
	return "file://" + (&url.URL{Path: filepath.ToSlash(absolute)}).EscapedPath() + "?create_dir=true", nil
}

// privately adds the options to the URL of a directory that hide its documents from other users of
// the machine: new folders have the mode 0700, the folder of temporary files contains no partial
// documents, and no document has a second file, which would contain its name.
func privately(store *url.URL) string {
	query := store.Query()
	query.Set("dir_file_mode", "0700")
	query.Set("no_tmp_dir", "true")
	query.Set("metadata", "skip")
	private := *store
	private.RawQuery = query.Encode()
	return private.String()
}

// Open opens the store. It does not check whether the store answers.
func Open(ctx context.Context, o Options) (*Store, error) {
	if len(o.SigningKey) < signingKeySize {
		return nil, fmt.Errorf("BARONG_STORAGE_SIGNING_KEY: the key that signs URLs must have at least %d bytes, and has %d", signingKeySize, len(o.SigningKey))
	}
	bucket, directory, err := openBucket(ctx, "BARONG_STORAGE_URL", o.URL, privately)
	if err != nil {
		return nil, err
	}
	store := &Store{
		bucket:   bucket,
		presigns: !directory,
		signer:   signer{base: strings.TrimSuffix(o.PublicURL, "/"), key: o.SigningKey, ttl: o.TTL, clock: o.Clock},
	}
	if o.KeyURL != "" {
		if store.keeper, err = keys.Open(ctx, o.KeyURL); err != nil {
			return nil, errors.Join(fmt.Errorf("BARONG_DOCUMENTS_KEY: %w", err), bucket.Close())
		}
	}
	return store, nil
}

// openBucket opens the bucket of a URL that a setting or an option of this name has. A directory is
// opened with the options that ofDirectory adds.
func openBucket(ctx context.Context, name, bucketURL string, ofDirectory func(*url.URL) string) (bucket *blob.Bucket, directory bool, err error) {
	if scheme, _, _ := strings.Cut(bucketURL, "://"); !blob.DefaultURLMux().ValidBucketScheme(scheme) {
		return nil, false, errors.New(name + ": no store goes by a URL that begins so: this binary knows " + strings.Join(storeSchemes(), ", ") +
			"; s3://, gs:// and azblob:// need the binary of a release or of make build-cloud")
	}
	parsed, err := url.Parse(bucketURL)
	if err != nil || !wellFormed(parsed.RawQuery) {
		return nil, false, errors.New(name + ": it is no URL: special characters in it are written as %XX")
	}
	opened, directory := bucketURL, parsed.Scheme == fileblob.Scheme
	if directory {
		opened = ofDirectory(parsed)
	}
	if bucket, err = blob.OpenBucket(ctx, opened); err != nil {
		return nil, false, fmt.Errorf("%s: the store cannot be opened: %w", name, keys.Redact(err, bucketURL))
	}
	return bucket, directory, nil
}

// wellFormed reports whether a query has no part that parsers would ignore.
func wellFormed(query string) bool {
	_, err := url.ParseQuery(query)
	return err == nil
}

// storeSchemes returns the supported prefixes of a store's URL.
func storeSchemes() []string {
	schemes := blob.DefaultURLMux().BucketSchemes()
	for i := range schemes {
		schemes[i] += "://"
	}
	return schemes
}

// Close closes the store.
func (s *Store) Close() error {
	err := s.bucket.Close()
	if s.keeper != nil {
		err = errors.Join(err, s.keeper.Close())
	}
	return err
}

// Kind is the prefix of the names of a kind of files in the store.
type Kind string

// The kinds of files.
const (
	Document   Kind = "doc-"
	Attachment Kind = "att-"
)

// Put stores the content of a new file under an unguessable name, and sets that name and, where the
// store encrypts, the wrapped key in f, and the digest of the content. When it returns, the content is durable.
func (s *Store) Put(ctx context.Context, kind Kind, f *identity.File, content []byte) error {
	object := newObject(kind)
	var key []byte
	contentType := f.ContentType
	if s.keeper != nil {
		key = make([]byte, dataKeySize)
		rand.Read(key) // never fails: without randomness the process exits
		wrapped, err := s.keeper.Encrypt(ctx, key)
		if err != nil {
			return unavailable("the key service did not wrap a key", err)
		}
		f.Key = wrapped
		contentType = "application/octet-stream"
	}
	if err := s.write(ctx, object, contentType, ContentDisposition(*f), key, content); err != nil {
		return unavailable("the content could not be stored", err)
	}
	digest := sha256.Sum256(content)
	f.Object, f.Digest = object, digest[:]
	return nil
}

func (s *Store) write(ctx context.Context, object, contentType, disposition string, key, content []byte) (err error) {
	ctx, abandon := context.WithCancel(ctx)
	defer abandon()
	var file *os.File // only of a directory store
	blobWriter, err := s.bucket.NewWriter(ctx, object, &blob.WriterOptions{
		ContentType: contentType, DisableContentTypeDetection: true, ContentDisposition: disposition,
		CacheControl: CacheControl, MaxConcurrency: 1,
		IfNotExist: !s.presigns, // for directories; not all other stores support it
		BeforeWrite: func(as func(any) bool) error {
			if as(&file) {
				return file.Chmod(0o600)
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			abandon()
			_ = blobWriter.Close() // stores nothing; the error only says that the write was cancelled
			return
		}
		err = blobWriter.Close()
		if err == nil && file != nil {
			err = syncFolder(filepath.Dir(file.Name()))
		}
	}()
	if key == nil {
		_, err = blobWriter.Write(content)
	} else {
		err = encrypt(blobWriter, key, object, content)
	}
	if err == nil && file != nil {
		err = file.Sync() // the row, which is inserted next, must not outlive the file
	}
	return err
}

// syncFolder makes the name of a new file durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Read opens the content of a file. Missing content is identity.ErrNoDocument. Reading
// encrypted content that was changed in the store fails.
func (s *Store) Read(ctx context.Context, f identity.File) (io.ReadCloser, error) {
	reader, err := s.bucket.NewReader(ctx, f.Object, nil)
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound:
		return nil, identity.ErrNoDocument.WithCause(err)
	case err != nil:
		return nil, unavailable("the content could not be read", err)
	case f.Key == nil:
		return reader, nil
	}
	decrypted, err := s.decrypt(ctx, f, reader)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return decrypted, nil
}

// Has reports whether there is content under this name.
func (s *Store) Has(ctx context.Context, object string) (bool, error) {
	return s.bucket.Exists(ctx, object)
}

// Reachable returns why the store cannot be listed, and nil where it can.
func (s *Store) Reachable(ctx context.Context) error {
	accessible, err := s.bucket.IsAccessible(ctx)
	if err == nil && !accessible {
		err = errors.New("there is no such bucket or directory")
	}
	return err
}

// Remove deletes content. Missing content is not an error.
func (s *Store) Remove(ctx context.Context, object string) error {
	err := s.bucket.Delete(ctx, object)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return err
}

// URL returns a URL at which anybody can read the content until it expires: at the store if it can
// sign URLs, otherwise at this server. Only this server can decrypt.
func (s *Store) URL(ctx context.Context, f identity.File) (string, error) {
	if !s.SignsURL(f) {
		return s.signer.url(f.Object), nil
	}
	signed, err := s.bucket.SignedURL(ctx, f.Object, &blob.SignedURLOptions{Expiry: s.signer.ttl})
	if err != nil {
		return "", unavailable("the store did not sign a URL", err)
	}
	return signed, nil
}

// SignsURL reports whether the store itself signs the URL of a file. Otherwise a server of this
// program serves it.
func (s *Store) SignsURL(f identity.File) bool { return f.Key == nil && s.presigns }

// Verify checks that this server made a URL and that it has not expired; if not, the error is
// identity.ErrNoDocument.
func (s *Store) Verify(object, expires, signature string) error {
	return s.signer.verify(object, expires, signature)
}

// Object is one entry of the store.
type Object struct {
	Name    string
	Size    int64 // in the store, encrypted or not
	ModTime time.Time
}

// Objects lists the files in the store, including incomplete ones. It skips names that this
// package does not make: a bucket may contain other objects.
func (s *Store) Objects(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		list := s.bucket.List(nil)
		for {
			item, err := list.Next(ctx)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Object{}, fmt.Errorf("the store cannot be listed: %w", err))
				return
			case item.IsDir || !ours.MatchString(item.Key):
				continue
			}
			if !yield(Object{Name: item.Key, Size: item.Size, ModTime: item.ModTime}, nil) {
				return
			}
		}
	}
}

// ours matches a name of newObject, or a file that a server had not completed when it was killed.
var ours = regexp.MustCompile(`^(doc|att)-[a-z2-7]{26}(\.[0-9a-f]+\.tmp)?$`)

// newObject returns a name of 130 random bits, in characters that neither file systems nor URLs
// have to escape.
func newObject(kind Kind) string { return string(kind) + strings.ToLower(rand.Text()) }

// retryAfter is the advised wait while the store is unavailable.
const retryAfter = 2 * time.Second

func unavailable(what string, cause error) error {
	return &problem.Error{
		Kind:       problem.Unavailable,
		Detail:     "The document store is not available, try again later",
		RetryAfter: retryAfter,
		Cause:      fmt.Errorf("%s: %w", what, cause),
	}
}
