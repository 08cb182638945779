package server

import (
	"strings"
	"testing"
)

// BenchmarkParametersDigest digests the parameters of a document of 10 MB, and of a label.
func BenchmarkParametersDigest(b *testing.B) {
	for name, values := range map[string]map[string]any{
		"document": {"uid": "ID873B5CE1D2", "doc_type": "Passport", "upload": strings.Repeat("iVBORw0KGgoAAAAN", 10<<20/16)},
		"label":    {"user_uid": "ID873B5CE1D2", "key": "phone", "value": "verified", "scope": "private"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := int64(0)
			for _, value := range values {
				size += int64(len(value.(string)))
			}
			b.SetBytes(size)
			for b.Loop() {
				if _, err := parametersDigest(values); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
