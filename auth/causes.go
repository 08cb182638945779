package auth

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// withoutText is an error of the JSON decoder in words that repeat nothing of what
// was read, which may be a secret or as long as a request: the decoder's own quote
// the names of members, in full and with all that they are in.
func withoutText(err error) error {
	var at *jsontext.SyntacticError
	switch {
	case !errors.As(err, &at):
		return err
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Errorf("has a member twice, at byte %d", at.ByteOffset)
	default:
		return fmt.Errorf("is not JSON, at byte %d", at.ByteOffset)
	}
}
