package auth

import (
	"context"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/jsonobject"
)

// eachMember calls visit for every member of a JSON object, in their order. Values
// are parts of the object, not copies; name lasts until visit returns. visit may
// have been called before an error is found.
func eachMember(object []byte, visit func(name []byte, value jsontext.Value)) error {
	return jsonobject.Read(context.Background(), object, func(r *jsonobject.Reader) error {
		_, err := r.Object(func(name []byte) error {
			value, err := r.Value()
			if err == nil {
				visit(name, value)
			}
			return err
		})
		return err
	})
}

// maxCause is how long the cause of a refusal may be, in bytes.
const maxCause = 300

// truncateError is err, or the beginning of its text where that would fill a log.
func truncateError(err error) error {
	text := err.Error()
	if len(text) <= maxCause {
		return err
	}
	return errors.New(strings.ToValidUTF8(text[:maxCause], "") + " ...")
}
