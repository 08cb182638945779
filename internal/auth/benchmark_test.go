package auth_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/internal/auth"
)

// BenchmarkAuthorize parses and authorises an envelope of typical size.
func BenchmarkAuthorize(b *testing.B) {
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA", "HS256"} {
		b.Run(algorithm, func(b *testing.B) {
			p := newParty("alex", algorithm)()
			body, err := signing.Envelope([]byte(`{"uid":"ID873B5CE1D2","key":"email","value":"verified"}`), signing.NewClaims(now, time.Minute), p.signer)
			if err != nil {
				b.Fatal(err)
			}
			run(b, keychainOf(b, p), body)
		})
	}
	b.Run("RS256 with a document of 10 MiB", func(b *testing.B) { run(b, keychainOf(b, alex()), large(b, alex())) })
}

func run(b *testing.B, k *auth.Keychain, body []byte) {
	b.Helper()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Authorize(mustParse(b, body), writeLabels, now); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseEnvelopeOfPlainJSON measures the cost for requests without an envelope.
func BenchmarkParseEnvelopeOfPlainJSON(b *testing.B) {
	body := bytes.Join([][]byte{[]byte(`{"upload":"`), []byte(strings.Repeat("AAAA", 10<<20/3)), []byte(`"}`)}, nil)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, isEnvelope, _ := new(auth.Keychain).ParseEnvelope(b.Context(), body, anything); isEnvelope {
			b.Fatal("this is no envelope")
		}
	}
}

// BenchmarkRememberedToken measures a Bearer token from its second use on.
func BenchmarkRememberedToken(b *testing.B) {
	k, token := keychainOf(b, alex()), "Bearer "+tokenOf(b, alex(), signing.NewClaims(now, time.Minute))
	b.ReportAllocs()
	for b.Loop() {
		c, err := k.ParseBearer(token)
		if err == nil {
			_, err = k.Authorize(c, writeLabels, now)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
