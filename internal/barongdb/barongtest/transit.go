package barongtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// Transit answers as the transit engine of Vault does to POST /v1/transit/decrypt/<key>. Each name is a key
// of its own.
type Transit struct {
	URL   string
	Token string
	App   string // the first part of the names of keys

	Sealed   atomic.Bool  // answer as a sealed Vault does
	Requests atomic.Int64 // how many requests there were
	Items    atomic.Int64 // how many ciphertexts they had
}

// NewTransit starts a server for a test.
func NewTransit(t testing.TB) *Transit {
	v := &Transit{Token: "s.transit-token", App: "barong"}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	v.URL = server.URL
	return v
}

// Encrypt returns a ciphertext of a key without the name of the application, such as phones_number.
func (v *Transit) Encrypt(key, plaintext string) string {
	sealer := sealer(v.App + "_" + key)
	nonce := make([]byte, sealer.NonceSize())
	rand.Read(nonce)
	return "vault:v1:" + base64.StdEncoding.EncodeToString(sealer.Seal(nonce, nonce, []byte(plaintext), nil))
}

func sealer(key string) cipher.AEAD {
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

type batchItem struct {
	Ciphertext string `json:"ciphertext,omitempty"`
	Plaintext  string `json:"plaintext"`
	Error      string `json:"error,omitempty"`
}

// ServeHTTP implements http.Handler.
func (v *Transit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.Requests.Add(1)
	key, ok := strings.CutPrefix(r.URL.Path, "/v1/transit/decrypt/")
	var body struct {
		Batch []batchItem `json:"batch_input"`
	}
	switch {
	case v.Sealed.Load():
		refuse(w, http.StatusServiceUnavailable, "Vault is sealed")
		return
	case r.Header.Get("X-Vault-Token") != v.Token || !ok || r.Method != http.MethodPost:
		refuse(w, http.StatusForbidden, "1 error occurred:\n\t* permission denied\n\n")
		return
	case !strings.HasPrefix(key, v.App+"_"):
		refuse(w, http.StatusBadRequest, "encryption key not found")
		return
	case json.NewDecoder(r.Body).Decode(&body) != nil || len(body.Batch) == 0:
		refuse(w, http.StatusBadRequest, "missing batch input to process")
		return
	}
	v.Items.Add(int64(len(body.Batch)))
	results, failed := make([]batchItem, len(body.Batch)), false
	for i, item := range body.Batch {
		plaintext, err := decrypt(key, item.Ciphertext)
		if err != nil {
			results[i].Error, failed = err.Error(), true
			continue
		}
		results[i].Plaintext = base64.StdEncoding.EncodeToString([]byte(plaintext))
	}
	w.Header().Set("Content-Type", "application/json")
	if failed { // Vault 1.1 and later: 400, with the results of the others
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"batch_results": results}})
}

func decrypt(key, ciphertext string) (string, error) {
	encoded, ok := strings.CutPrefix(ciphertext, "vault:v1:")
	if !ok {
		return "", errors.New("invalid ciphertext: no prefix")
	}
	sealed, err := base64.StdEncoding.DecodeString(encoded)
	sealer := sealer(key)
	if err != nil || len(sealed) < sealer.NonceSize() {
		return "", errors.New("invalid ciphertext: could not decode base64")
	}
	plaintext, err := sealer.Open(nil, sealed[:sealer.NonceSize()], sealed[sealer.NonceSize():], nil)
	return string(plaintext), err
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string][]string{"errors": {message}})
}
