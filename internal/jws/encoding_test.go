package jws_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

// b64 encodes in base64url without padding.
func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func contains(t testing.TB, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("the error must say %q: %v", part, err)
	}
}
