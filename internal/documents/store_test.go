package documents

import (
	"testing"
	"time"
)

// With an empty key, any client could sign the URL of any document.
func TestStoreIsNotOpenedWithoutAKeyThatSigns(t *testing.T) {
	t.Parallel()
	directory, err := DirectoryURL(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, signingKeySize - 1} {
		if _, err := Open(t.Context(), Options{URL: directory, SigningKey: make([]byte, size), TTL: time.Minute, Clock: time.Now}); err == nil {
			t.Errorf("a key of %d bytes was taken", size)
		}
	}
	key, err := NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	store, err := Open(t.Context(), Options{URL: directory, SigningKey: key, TTL: time.Minute, Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
