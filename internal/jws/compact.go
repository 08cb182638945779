package jws

import (
	"errors"
	"fmt"
	"strings"
)

// ParseCompact parses a JWS in compact serialisation (RFC 7515 §7.1). It decodes the header
// only. Its errors repeat nothing of the text.
func ParseCompact(text string) (payload []byte, s Signature, err error) {
	parts := strings.SplitN(text, ".", 4)
	if len(parts) != 3 {
		return nil, Signature{}, errors.New("it is not a compact JWS")
	}
	if s, err = newSignature([]byte(parts[0]), header{}, []byte(parts[2])); err != nil {
		return nil, Signature{}, fmt.Errorf("its header: %w", err)
	}
	return []byte(parts[1]), s, nil
}
