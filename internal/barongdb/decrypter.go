package barongdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// decrypter decrypts the columns of 2.6. It recognises by the text what has encrypted it: Vault's transit
// engine, or Rails with a key that it derives from SECRET_KEY_BASE.
type decrypter struct {
	vault *Vault
	rails *railsKeys

	mutex sync.Mutex
	works map[string]bool // keys that have decrypted something
}

func newDecrypter(options Options) *decrypter {
	d := &decrypter{vault: options.Vault, works: map[string]bool{}}
	if options.SecretKeyBase != "" {
		d.rails = newRailsKeys(options.SecretKeyBase)
	}
	return d
}

const vaultPrefix = "vault:"

// decrypt returns the plaintexts, nil for one that cannot be decrypted. It fails when a key has decrypted
// nothing, since then the key is wrong and not the row.
func (d *decrypter) decrypt(ctx context.Context, key string, ciphertexts []string) ([]*string, error) {
	plaintexts := make([]*string, len(ciphertexts))
	var ofVault []string
	var places []int
	for i, text := range ciphertexts {
		if strings.HasPrefix(text, vaultPrefix) {
			ofVault, places = append(ofVault, text), append(places, i)
			continue
		}
		if text == "" {
			plaintexts[i] = &ciphertexts[i]
			continue
		}
		if d.rails == nil {
			return nil, errors.New("the database has columns that Rails has encrypted (Barong 2.6): set SECRET_KEY_BASE to that of the installation")
		}
		plaintexts[i] = d.rails.decrypt(text)
	}
	if ofVault != nil {
		if d.vault == nil {
			return nil, errors.New("the database has columns that Vault has encrypted (Barong 2.6): set VAULT_ADDR, VAULT_TOKEN and VAULT_APP_NAME to those of the installation")
		}
		decrypted, err := d.vault.decrypt(ctx, key, ofVault)
		if err != nil {
			return nil, err
		}
		for i, plaintext := range decrypted {
			plaintexts[places[i]] = plaintext
		}
	}
	return plaintexts, d.verify(key, plaintexts)
}

// fewValues is how many rows may be damaged before the key is suspected.
const fewValues = 3

// verify fails if nothing was ever decrypted with a key.
func (d *decrypter) verify(key string, plaintexts []*string) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.works[key] = d.works[key] || slices.ContainsFunc(plaintexts, func(plaintext *string) bool { return plaintext != nil })
	if d.works[key] || len(plaintexts) < fewValues {
		return nil
	}
	return fmt.Errorf("none of %d values of %s can be decrypted: the keys are not those of the installation", len(plaintexts), strings.Replace(key, "_", ".", 1))
}
