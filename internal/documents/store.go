package documents

import (
	"context"
	"crypto/rand"
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

// Options says where the content is kept and how it is read.
type Options struct {
	URL        string           // of the store, for gocloud.dev/blob; see DirectoryURL
	KeyURL     string           // of the key that protects it, for gocloud.dev/secrets; empty: stored as it is
	PublicURL  string           // what the URLs that this server answers itself begin with
	SigningKey []byte           // signs those URLs
	TTL        time.Duration    // how long a URL is good
	Clock      func() time.Time // of expiry
}

// Store is safe for concurrent use.
type Store struct {
	bucket   *blob.Bucket
	presigns bool            // the store signs URLs of its own
	keeper   *secrets.Keeper // nil: new content is stored as it is
	signer   signer
}

// DirectoryURL names a directory of this machine as a store. It is made when
// missing, open to nobody else, and holds one file for each document. So do other
// directories, see privately.
func DirectoryURL(directory string) (string, error) {
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return "", err
	}
	return "file://" + (&url.URL{Path: filepath.ToSlash(absolute)}).EscapedPath() + "?create_dir=true", nil
}

// privately is the URL of a directory with what keeps its documents from others of
// this machine: new folders have the mode 0700, no half of a document lies in the
// folder of temporary files, and none has a second file, which would say its name.
func privately(store *url.URL) string {
	query := store.Query()
	query.Set("dir_file_mode", "0700")
	query.Set("no_tmp_dir", "true")
	query.Set("metadata", "skip")
	private := *store
	private.RawQuery = query.Encode()
	return private.String()
}

// Open connects to the store. It does not look whether the store answers.
func Open(ctx context.Context, o Options) (*Store, error) {
	if len(o.SigningKey) < signingKeySize {
		return nil, fmt.Errorf("BARONG_STORAGE_SIGNING_KEY: the key that signs URLs must have at least %d bytes, and has %d", signingKeySize, len(o.SigningKey))
	}
	if scheme, _, _ := strings.Cut(o.URL, "://"); !blob.DefaultURLMux().ValidBucketScheme(scheme) {
		return nil, errors.New("BARONG_STORAGE_URL: no store goes by a URL that begins so: this binary knows " + strings.Join(storeSchemes(), ", "))
	}
	parsed, err := url.Parse(o.URL)
	if err != nil || !wellFormed(parsed.RawQuery) {
		return nil, errors.New("BARONG_STORAGE_URL: it is no URL: special characters in it are written as %XX")
	}
	storeURL := o.URL
	if parsed.Scheme == fileblob.Scheme {
		storeURL = privately(parsed)
	}
	bucket, err := blob.OpenBucket(ctx, storeURL)
	if err != nil {
		return nil, fmt.Errorf("BARONG_STORAGE_URL: the store cannot be opened: %w", keys.Redact(err, o.URL))
	}
	store := &Store{
		bucket:   bucket,
		presigns: parsed.Scheme != fileblob.Scheme,
		signer:   signer{base: strings.TrimSuffix(o.PublicURL, "/"), key: o.SigningKey, ttl: o.TTL, clock: o.Clock},
	}
	if o.KeyURL != "" {
		if store.keeper, err = keys.Open(ctx, o.KeyURL); err != nil {
			return nil, errors.Join(fmt.Errorf("BARONG_DOCUMENTS_KEY: %w", err), bucket.Close())
		}
	}
	return store, nil
}

// wellFormed says whether nothing of a query is passed over by those who read it.
func wellFormed(query string) bool {
	_, err := url.ParseQuery(query)
	return err == nil
}

// storeSchemes is how the URL of a store may begin.
func storeSchemes() []string {
	schemes := blob.DefaultURLMux().BucketSchemes()
	for i := range schemes {
		schemes[i] += "://"
	}
	return schemes
}

// Close lets go of the store.
func (s *Store) Close() error {
	err := s.bucket.Close()
	if s.keeper != nil {
		err = errors.Join(err, s.keeper.Close())
	}
	return err
}

// Put stores the content of a new document under a name that nobody can guess,
// and fills in that name and, where the store encrypts, the wrapped key. Once it
// returns, the content is there to stay.
func (s *Store) Put(ctx context.Context, d *identity.Document, content []byte) error {
	object := newObject()
	var key []byte
	contentType := d.ContentType
	if s.keeper != nil {
		key = make([]byte, dataKeySize)
		rand.Read(key) // never fails: the process ends where there is no randomness
		wrapped, err := s.keeper.Encrypt(ctx, key)
		if err != nil {
			return unavailable("the key service did not wrap a key", err)
		}
		d.Key = wrapped
		contentType = "application/octet-stream"
	}
	if err := s.write(ctx, object, contentType, ContentDisposition(*d), key, content); err != nil {
		return unavailable("the content could not be stored", err)
	}
	d.Object = object
	return nil
}

func (s *Store) write(ctx context.Context, object, contentType, disposition string, key, content []byte) (err error) {
	ctx, abandon := context.WithCancel(ctx)
	defer abandon()
	var file *os.File // of a directory store
	blobWriter, err := s.bucket.NewWriter(ctx, object, &blob.WriterOptions{
		ContentType: contentType, DisableContentTypeDetection: true, ContentDisposition: disposition,
		CacheControl: CacheControl, MaxConcurrency: 1,
		IfNotExist: !s.presigns, // on this machine; other stores cannot be asked for it everywhere
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
			_ = blobWriter.Close() // stores nothing, and says no more than that it was abandoned
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
		err = file.Sync() // the row that follows must not outlive the file
	}
	return err
}

// syncFolder puts the name of a new file on the disk.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Read opens the content of a document. Content that is not there is
// identity.ErrNoDocument. What was changed in the store fails while it is read,
// where it is encrypted.
func (s *Store) Read(ctx context.Context, d identity.Document) (io.ReadCloser, error) {
	reader, err := s.bucket.NewReader(ctx, d.Object, nil)
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound:
		return nil, identity.ErrNoDocument.WithCause(err)
	case err != nil:
		return nil, unavailable("the content could not be read", err)
	case d.Key == nil:
		return reader, nil
	}
	decrypted, err := s.decrypt(ctx, d, reader)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return decrypted, nil
}

// Has says whether there is content under this name.
func (s *Store) Has(ctx context.Context, object string) (bool, error) {
	return s.bucket.Exists(ctx, object)
}

// Remove deletes content. What is not there already is no error.
func (s *Store) Remove(ctx context.Context, object string) error {
	err := s.bucket.Delete(ctx, object)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return err
}

// URL is where the content of a document can be read, by anybody who has it,
// until it expires: at the store itself where that can sign URLs, else at this
// server, which alone can decrypt.
func (s *Store) URL(ctx context.Context, d identity.Document) (string, error) {
	if d.Key != nil || !s.presigns {
		return s.signer.url(d.Object), nil
	}
	signed, err := s.bucket.SignedURL(ctx, d.Object, &blob.SignedURLOptions{Expiry: s.signer.ttl})
	if err != nil {
		return "", unavailable("the store did not sign a URL", err)
	}
	return signed, nil
}

// Verify says whether a URL of this server is one that it made and that is still
// good; if not, the answer is identity.ErrNoDocument.
func (s *Store) Verify(object, expires, signature string) error {
	return s.signer.verify(object, expires, signature)
}

// Object is what the store has under one name.
type Object struct {
	Name    string
	Size    int64 // in the store, encrypted or not
	ModTime time.Time
}

// Objects lists what the store has of ours, abandoned parts of files included.
// Names that this package does not make are passed over: a bucket may hold other
// things.
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

// ours is a name by newObject, or a file that a server had begun under one when
// it was killed.
var ours = regexp.MustCompile(`^doc-[a-z2-7]{26}(\.[0-9a-f]+\.tmp)?$`)

// newObject makes a name of 130 random bits, in letters that no file system and
// no URL has to escape.
func newObject() string { return "doc-" + strings.ToLower(rand.Text()) }

// retryAfter is what callers are advised to wait while the store is away.
const retryAfter = 2 * time.Second

func unavailable(what string, cause error) error {
	return &problem.Error{
		Kind:       problem.Unavailable,
		Detail:     "The document store is not available, try again later",
		RetryAfter: retryAfter,
		Cause:      fmt.Errorf("%s: %w", what, cause),
	}
}
