package jws

import (
	"errors"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"barong/internal/jsonobject"
)

// statement collects the claims iss, sub and uid, under every name that a verifier might
// accept for them: some JSON libraries ignore the case of names.
type statement struct {
	issuers, subjects, uids []member
}

// note stores a claim if it is one of these.
func (s *statement) note(name string, value jsontext.Value) {
	claim := member{name, value}
	switch foldName(claim.name) {
	case "iss":
		s.issuers = append(s.issuers, claim)
	case "sub":
		s.subjects = append(s.subjects, claim)
	case "uid":
		s.uids = append(s.uids, claim)
	}
}

var (
	errAboutAnother = errors.New("payload is an attestation about another user")
	errAmbiguous    = errors.New("payload is an attestation whose iss or sub can be read in two ways")
)

// CheckStatement returns an error if a signature by issuer over the claims could be mistaken
// for issuer's own statement about another user than uid. The check applies if iss, or a text
// anywhere in it, could be read as issuer by a lenient program or by a person. In that case
// sub must occur once and equal uid, and the claim uid, which Barong's own tokens contain,
// must be equal to uid or absent. Ambiguous claims are rejected.
func (c *Countersignable) CheckStatement(issuer, uid string) error {
	said := c.statement
	claimed := false
	for _, claim := range said.issuers {
		claimed = claimed || anyText(claim.value, func(text string) bool { return resembles(text, issuer) })
	}
	if !claimed {
		return nil
	}
	if len(said.issuers) != 1 || len(said.subjects) != 1 || said.subjects[0].name != "sub" {
		return errAmbiguous
	}
	for _, claim := range append(said.uids, said.subjects[0]) {
		if claim.value.Kind() != '"' {
			return errAmbiguous
		}
		if about, err := jsonobject.Unquote(claim.value); err != nil || string(about) != uid {
			return errAboutAnother
		}
	}
	return nil
}

// anyText reports whether is returns true for any text in a JSON value, including member
// names.
func anyText(value jsontext.Value, is func(string) bool) bool {
	decoder := jsontext.NewDecoder(strings.NewReader(string(value)))
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			return false // the end: the value is valid JSON
		}
		if token.Kind() == '"' && is(token.String()) {
			return true
		}
	}
}

// foldName returns a name in the form in which the most lenient parsers compare it.
func foldName(name string) string {
	return cases.Fold().String(norm.NFKC.String(withoutInvisible(name)))
}

// withoutInvisible removes white space, control characters and zero-width characters.
func withoutInvisible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.C, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, text)
}

// lookalikes maps ASCII characters to the letters that they resemble.
var lookalikes = strings.NewReplacer("0", "o", "4", "a", "@", "a", "6", "g", "9", "g", "8", "b")

// resembles reports whether a person, or a program that ignores case, width, accents,
// punctuation or text after a NUL, could read the text as the name (lower-case ASCII). A
// letter of another script counts as similar to every letter.
func resembles(text, name string) bool {
	if before, _, found := strings.Cut(text, "\x00"); found && resembles(before, name) {
		return true
	}
	text = norm.NFKD.String(cases.Fold().String(norm.NFKD.String(withoutInvisible(text))))
	letters := []rune(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.So, r) {
			return r
		}
		return -1
	}, lookalikes.Replace(text)))
	if len(letters) != len(name) {
		return false
	}
	for i, letter := range letters {
		if letter != rune(name[i]) && letter <= unicode.MaxASCII {
			return false
		}
	}
	return true
}
