package bulk

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/identity"
)

// digestSize is the length of a digest in bytes. It tells versions of one user apart.
const digestSize = 16

func digestOf(content []byte) []byte {
	sum := sha256.Sum256(content)
	return sum[:digestSize]
}

// storedDigest returns the digest of a user as it is stored: it is the same before the user is
// written and after it is read, and differs after any change that a caller can make, except of
// documents and secrets of one-time codes.
func storedDigest(u identity.User) ([]byte, error) {
	// Rows have no order that would matter, and Postgres changes the spelling of JSON.
	u.Labels = slices.Clone(u.Labels)
	slices.SortFunc(u.Labels, func(a, b identity.Label) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Scope, b.Scope))
	})
	u.Phones = slices.Clone(u.Phones)
	slices.SortFunc(u.Phones, func(a, b identity.Phone) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), a.CreatedAt.Compare(b.CreatedAt), a.UpdatedAt.Compare(b.UpdatedAt))
	})
	r := recordOf(u, "")
	r.Level = &u.Level
	metadata := []*jsontext.Value{&r.ProfileMetadata}
	for i := range r.Profiles { // made by recordOf
		metadata = append(metadata, &r.Profiles[i].Metadata)
	}
	for _, value := range metadata {
		if *value == nil {
			continue
		}
		*value = value.Clone()
		if err := value.Canonicalize(); err != nil {
			return nil, err
		}
	}
	content, err := r.marshal()
	if err != nil {
		return nil, err
	}
	return digestOf(content), nil
}
