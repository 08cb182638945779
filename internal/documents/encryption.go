package documents

import (
	"context"
	"errors"
	"io"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"

	"barong/internal/identity"
)

// Content is encrypted with AES-256-GCM in segments. Each segment is bound to its position, and the
// last one is marked, so that content can be decrypted as a stream, and truncated, swapped or
// repeated segments are detected. Each file has its own key; the name in the store is
// associated data.
const (
	dataKeySize = 32      // bytes
	segmentSize = 1 << 16 // bytes, of ciphertext
)

func cipherOf(key []byte) (*subtle.AESGCMHKDF, error) {
	return subtle.NewAESGCMHKDF(key, "SHA256", dataKeySize, segmentSize, 0)
}

func encrypt(w io.Writer, key []byte, object string, content []byte) error {
	cipher, err := cipherOf(key)
	if err != nil {
		return err
	}
	encrypting, err := cipher.NewEncryptingWriter(w, []byte(object))
	if err != nil {
		return err
	}
	_, err = encrypting.Write(content)
	return errors.Join(err, encrypting.Close())
}

func (s *Store) decrypt(ctx context.Context, f identity.File, content io.ReadCloser) (io.ReadCloser, error) {
	if s.keeper == nil {
		return nil, errors.New("a file is encrypted and BARONG_DOCUMENTS_KEY is empty")
	}
	key, err := s.keeper.Decrypt(ctx, f.Key)
	if err != nil {
		return nil, unavailable("the key service did not unwrap a key", err)
	}
	cipher, err := cipherOf(key)
	if err != nil {
		return nil, err
	}
	decrypting, err := cipher.NewDecryptingReader(content, []byte(f.Object))
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{decrypting, content}, nil
}
