package identity

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"barong/internal/problem"
)

// Scopes of a label. Private ones are written through this API only, and they
// alone decide level and state; public ones users write themselves.
const (
	ScopePrivate = "private"
	ScopePublic  = "public"
)

// Label is a key and a value that somebody attached to a user.
type Label struct {
	Key       string
	Value     string
	Scope     string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Length of a key and of a value, in characters.
const (
	minLabelText = 3
	maxLabelText = 255
)

// LabelKeyTaken is reported when the unique index finds the key on that user already.
var LabelKeyTaken = problem.Violation{Field: "key", Code: "key_taken", Message: "Key has already been taken"}

// isLabelText says whether s is made of what keys and values may have.
func isLabelText(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// NormalizeLabel brings a key or a value into the form in which labels are kept,
// found and compared: lower case (Unicode), trimmed, inner white space one space.
// Normalising twice changes nothing more.
func NormalizeLabel(s string) string {
	return collapse(strings.ToLower(s))
}

// NewLabel makes a private label of a key and a value, both normalised. A broken
// rule of the key is reported before one of the value. With violations there is
// no label; the times are the caller's to set.
func NewLabel(key, value string) (Label, []problem.Violation) {
	label := Label{Key: NormalizeLabel(key), Value: NormalizeLabel(value), Scope: ScopePrivate}
	violations := checkLabelText("key", "Key", label.Key)
	violations = append(violations, checkLabelText("value", "Value", label.Value)...)
	if violations != nil {
		return Label{}, violations
	}
	return label, nil
}

// checkLabelText holds for keys and values alike, once they are normalised.
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
