package identity

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"barong/internal/problem"
)

// Scopes of a label. Private labels are written through this API only, and only they determine
// level and state. Users write public labels themselves.
const (
	ScopePrivate = "private"
	ScopePublic  = "public"
)

// Label is a key and a value that are attached to a user.
type Label struct {
	Key       string
	Value     string
	Scope     string
	CreatedAt time.Time
	UpdatedAt time.Time

	Description *string // any text, or nil
}

// Length of a key and of a value, in characters.
const (
	minLabelText = 3
	maxLabelText = 255
)

// LabelKeyTaken is reported when the user has a label with the key already.
var LabelKeyTaken = problem.Violation{Field: "key", Code: "key_taken", Message: "Key has already been taken"}

// isLabelText reports whether s contains only characters that keys and values may have.
func isLabelText(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// NormalizeLabel returns the form in which labels are stored, found and compared: lower case
// (Unicode), trimmed, with inner white space as one space. It is idempotent.
func NormalizeLabel(s string) string {
	return collapse(strings.ToLower(s))
}

// descriptionTooLong is reported for the description of an operation. Descriptions of an import may
// be longer in characters, and are limited in bytes.
var descriptionTooLong = problem.Violation{
	Field: "description", Code: "description_too_long", Message: fmt.Sprintf("Description is too long (maximum is %d characters)", maxLabelText),
}

// CheckDescription checks a description of a label, which is any text; nil is none.
func CheckDescription(description *string) []problem.Violation {
	if description != nil && utf8.RuneCountInString(*description) > maxLabelText {
		return []problem.Violation{descriptionTooLong}
	}
	return nil
}

// NewLabel makes a private label of a key and a value, both normalised. Violations of the key
// precede violations of the value. With violations the label is empty. The caller sets the times.
func NewLabel(key, value string) (Label, []problem.Violation) {
	label := Label{Key: NormalizeLabel(key), Value: NormalizeLabel(value), Scope: ScopePrivate}
	violations := checkLabelText("key", "Key", label.Key)
	violations = append(violations, checkLabelText("value", "Value", label.Value)...)
	if violations != nil {
		return Label{}, violations
	}
	return label, nil
}

// checkLabelText checks a normalised key or value.
func checkLabelText(field, name, text string) []problem.Violation {
	var violations []problem.Violation
	broken := func(code, message string) {
		violations = append(violations, problem.Violation{Field: field, Code: field + "_" + code, Message: name + " " + message})
	}
	length := utf8.RuneCountInString(text)
	if length < minLabelText {
		broken("too_short", fmt.Sprintf("is too short (minimum is %d characters)", minLabelText))
	}
	if length > maxLabelText {
		broken("too_long", fmt.Sprintf("is too long (maximum is %d characters)", maxLabelText))
	}
	if !isLabelText(text) {
		broken("invalid", "is invalid")
	}
	return violations
}
