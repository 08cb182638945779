package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"barong/clients/go/signing"
	"barong/internal/auth"
	"barong/repository"
)

// storeSignerKeys stores the public keys of a keychain: a signature of today can be verified after its key
// has left the keychain.
func storeSignerKeys(ctx context.Context, repo *repository.Repository, keychain *auth.Keychain) error {
	var list []repository.SignerKey
	for _, signer := range keychain.PublicKeys() {
		der, err := x509.MarshalPKIXPublicKey(signer.Key)
		if err != nil {
			return fmt.Errorf("the key of %s cannot be stored: %w", signer.Name, err)
		}
		list = append(list, repository.SignerKey{Thumbprint: signing.Thumbprint(signer.Key), KID: signer.Name, Algorithm: signer.Algorithm, PublicKey: der})
	}
	return repo.SeeSignerKeys(ctx, list)
}

// keepSignerKeys stores the keys of the keychain in force now and after each reload, until ctx ends. What
// cannot be stored is tried again.
func (s *Server) keepSignerKeys(ctx context.Context) {
	var stored *auth.Keychain
	for {
		if current := s.service.Keychain.Keychain(); current != stored {
			if err := storeSignerKeys(ctx, s.Repo, current); err == nil {
				stored = current
			} else if ctx.Err() == nil {
				s.Log.Warn("the keys of the signers were not stored", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchInterval):
		}
	}
}

// keepJournal seals the journal until the function that it returns is called, which waits for the last
// pass.
func (s *Server) keepJournal(ctx context.Context) (stop func()) {
	go s.keepSignerKeys(ctx)
	sealing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.sealer.run(sealing)
	}()
	return func() {
		cancel()
		<-done
	}
}
