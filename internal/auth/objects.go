package auth

import (
	"context"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/jsonobject"
)

// eachMember calls visit for every member of a JSON object, in order. A value is a slice of
// the object; name is valid until visit returns. visit may be called for members before a
// syntax error.
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

// maxCause is the maximum length of a logged cause, in bytes.
const maxCause = 300

// truncateError returns err, with its text truncated to maxCause.
func truncateError(err error) error {
	text := err.Error()
	if len(text) <= maxCause {
		return err
	}
	return errors.New(strings.ToValidUTF8(text[:maxCause], "") + " ...")
}
