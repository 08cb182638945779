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

// statement has the claims of a JWS that say who states something and about whom, under
// every name that a verifier might take for iss, sub or uid: some libraries match the
// names of members without regard to case.
type statement struct {
	issuers, subjects, uids []member
}

// note keeps a claim that is one of these.
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

// CheckStatement returns an error if a signature by issuer over the claims could pass
// for a statement of issuer's own about anybody but the user with this uid. It could if
// iss, or a text anywhere in it, reads as issuer to a lenient program or to a person.
// Then sub must be there once and equal the uid, and uid, which Barong's own tokens
// have too, must be the same or absent. Claims that can be read in two ways are
// rejected.
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

// anyText says whether is holds for a text anywhere in a JSON value, names of members
// included.
func anyText(value jsontext.Value, is func(string) bool) bool {
	decoder := jsontext.NewDecoder(strings.NewReader(string(value)))
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			return false // the end: the value is sound
		}
		if token.Kind() == '"' && is(token.String()) {
			return true
		}
	}
}

// foldName is a name as the most lenient program compares it.
func foldName(name string) string {
	return cases.Fold().String(norm.NFKC.String(withoutInvisible(name)))
}

// withoutInvisible drops white space, controls and characters of no width.
func withoutInvisible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.C, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, text)
}

// lookalikes are the signs of ASCII that stand for letters.
var lookalikes = strings.NewReplacer("0", "o", "4", "a", "@", "a", "6", "g", "9", "g", "8", "b")

// resembles says whether a person, or a program that is lenient about case, width,
// accents, punctuation or what follows a NUL, could take the text for the name,
// which is in lower-case ASCII. A letter of another script may look like any letter.
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
