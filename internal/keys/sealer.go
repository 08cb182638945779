package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"gocloud.dev/secrets"
)

// Sealer encrypts secrets for the rows of a table. The plaintext begins with the name of the row
// and a line break, so that write access to the table without the key does not suffice to give a
// row the secret of another. It is safe for concurrent use.
type Sealer struct{ keeper *secrets.Keeper }

// NewSealer makes a sealer. The caller closes the keeper.
func NewSealer(keeper *secrets.Keeper) *Sealer { return &Sealer{keeper} }

// sealTimeout limits one encryption, which an external service may do.
const sealTimeout = 5 * time.Second

// ErrOtherRow means that a secret was sealed for another row.
var ErrOtherRow = errors.New("the secret is that of another row")

// Seal encrypts the secret of a row. A name contains no line break.
func (s *Sealer) Seal(ctx context.Context, name, secret string) ([]byte, error) {
	bounded, cancel := context.WithTimeout(ctx, sealTimeout)
	defer cancel()
	sealed, err := s.keeper.Encrypt(bounded, []byte(name+"\n"+secret))
	if err != nil {
		return nil, fmt.Errorf("the secret of %s could not be encrypted: %w", name, err)
	}
	return sealed, nil
}

// Unseal decrypts a secret that Seal encrypted for the same row.
func (s *Sealer) Unseal(ctx context.Context, name string, sealed []byte) (string, error) {
	plain, err := s.Decrypt(ctx, name, sealed)
	if err != nil {
		return "", err
	}
	secret, ok := bytes.CutPrefix(plain, []byte(name+"\n"))
	if !ok {
		return "", fmt.Errorf("%s: %w", name, ErrOtherRow)
	}
	return string(secret), nil
}

// Decrypt decrypts what another program encrypted, without a row's name. name is for the error.
func (s *Sealer) Decrypt(ctx context.Context, name string, encrypted []byte) ([]byte, error) {
	bounded, cancel := context.WithTimeout(ctx, sealTimeout)
	defer cancel()
	plain, err := s.keeper.Decrypt(bounded, encrypted)
	if err != nil {
		return nil, fmt.Errorf("the secret of %s could not be decrypted, which takes the key that encrypted it: %w", name, err)
	}
	return plain, nil
}
