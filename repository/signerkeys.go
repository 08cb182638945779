package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"
)

// SignerKey is the public key of a signer.
type SignerKey struct {
	Thumbprint string // RFC 7638
	KID        string
	Algorithm  string
	PublicKey  []byte // SubjectPublicKeyInfo, DER
}

var (
	signerKeyColumns = columns[SignerKey]{
		field(signerKeysTable.name, signerKeysTable.thumbprint, "text", func(k *SignerKey) *string { return &k.Thumbprint }),
		field(signerKeysTable.name, signerKeysTable.kid, "text", func(k *SignerKey) *string { return &k.KID }),
		field(signerKeysTable.name, signerKeysTable.algorithm, "text", func(k *SignerKey) *string { return &k.Algorithm }),
		field(signerKeysTable.name, signerKeysTable.publicKey, "bytea", func(k *SignerKey) *[]byte { return &k.PublicKey }),
	}

	putSignerKey = compile(sq.Insert(signerKeysTable.name).
			Columns(append(signerKeyColumns.names(), signerKeysTable.firstSeen, signerKeysTable.lastSeen)...).
			Select(signerKeyColumns.selectArgs(sq.Select()).Columns("clock_timestamp()", "clock_timestamp()")).
			Suffix(onConflictReplace([]string{signerKeysTable.thumbprint}, []string{signerKeysTable.lastSeen})))

	selectSignerKey = compile(sq.Select(signerKeyColumns.names()...).From(signerKeysTable.name).Where(signerKeysTable.thumbprint+" = ?", arg("thumbprint")))
)

// SeeSignerKeys stores the keys of signers that are new, and that the others are still in use.
func (r *Repository) SeeSignerKeys(ctx context.Context, keys []SignerKey) error {
	for i := range keys {
		given := args{}
		signerKeyColumns.bind(given, &keys[i])
		if _, err := r.exec(ctx, putSignerKey, given); err != nil {
			return err
		}
	}
	return nil
}

// SignerKey returns the key with a thumbprint; an unknown one is identity.ErrRecordNotFound.
func (r *Repository) SignerKey(ctx context.Context, thumbprint string) (SignerKey, error) {
	return one(ctx, r, selectSignerKey, args{"thumbprint": thumbprint}, signerKeyColumns.targets)
}
