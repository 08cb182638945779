package barongdb

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"barong/internal/vault"
)

// Vault is the transit engine of HashiCorp Vault or OpenBao with the keys of an installation of Barong 2.6,
// whose names are <AppName>_<table>_<column>.
type Vault struct {
	Address string                 // such as https://vault.example.org:8200
	Token   func() (string, error) // called before each request: tokens are renewed
	AppName string                 // BARONG_VAULT_APP_NAME of the installation; barong, if empty
	Client  *http.Client
}

const (
	defaultAppName = "barong"
	// maxBatch is how many ciphertexts a request has: with those of addresses it stays below 2 MB, and Vault
	// reads up to 32 MB.
	maxBatch     = 1000
	vaultTimeout = time.Minute
	maxAnswer    = 32 << 20
)

// batchItem is a value in a request or a response of the transit engine.
type batchItem struct {
	Ciphertext string `json:"ciphertext,omitempty"`
	Plaintext  string `json:"plaintext,omitempty"`
	Error      string `json:"error,omitempty"`
}

// batchAnswer is the part of a response that is read.
type batchAnswer struct {
	Data struct {
		Results []batchItem `json:"batch_results"`
	} `json:"data"`
	Errors []string `json:"errors"`
}

// decrypt returns the plaintexts, nil for one that cannot be decrypted.
func (v *Vault) decrypt(ctx context.Context, key string, ciphertexts []string) ([]*string, error) {
	var plaintexts []*string
	for len(ciphertexts) > 0 {
		size := min(maxBatch, len(ciphertexts))
		decrypted, err := v.decryptBatch(ctx, key, ciphertexts[:size])
		if err != nil {
			return nil, err
		}
		plaintexts, ciphertexts = append(plaintexts, decrypted...), ciphertexts[size:]
	}
	return plaintexts, nil
}

func (v *Vault) decryptBatch(ctx context.Context, key string, ciphertexts []string) ([]*string, error) {
	items := make([]batchItem, len(ciphertexts))
	for i, text := range ciphertexts {
		items[i].Ciphertext = text
	}
	app := v.AppName
	if app == "" {
		app = defaultAppName
	}
	path := "/v1/transit/decrypt/" + app + "_" + key
	var answer batchAnswer
	client := vault.Client{Address: v.Address, Token: v.Token, HTTP: v.Client}
	bounded, cancel := context.WithTimeout(ctx, vaultTimeout)
	defer cancel()
	status, err := client.Do(bounded, http.MethodPost, path, map[string]any{"batch_input": items}, maxAnswer, &answer)
	if err != nil {
		return nil, fmt.Errorf("Vault did not answer POST %s: %w", path, err)
	}
	// With an element that it cannot decrypt Vault answers 400, or 200 in old versions, with all results.
	if (status != http.StatusOK && status != http.StatusBadRequest) || len(answer.Data.Results) != len(ciphertexts) {
		return nil, fmt.Errorf("Vault answered POST %s with %d: %s", path, status, strings.TrimSpace(strings.Join(answer.Errors, "; ")))
	}
	plaintexts := make([]*string, len(ciphertexts))
	for i, result := range answer.Data.Results {
		if result.Error != "" {
			continue
		}
		if decoded, err := base64.StdEncoding.DecodeString(result.Plaintext); err == nil {
			plaintexts[i] = new(string(decoded))
		}
	}
	return plaintexts, nil
}
