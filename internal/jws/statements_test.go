package jws_test

import (
	"strings"
	"testing"

	"barong/clients/go/signing"
	"barong/internal/jws"
)

// jwsOf returns a JWS over the claims with one signature.
func jwsOf(t testing.TB, claims string) *jws.Countersignable {
	t.Helper()
	message, err := jws.ParseCountersignable([]byte(`{"payload":"` + b64(claims) + `","signatures":[{"protected":"` + b64(`{"alg":"RS256","kid":"applogic"}`) + `","signature":"AA"}]}`))
	if err != nil {
		t.Fatalf("%s: %v", claims, err)
	}
	return message
}

// TestNoStatementAboutAnotherPassesForTheSigners tries to obtain barong's signature over
// claims about another user than ID1.
func TestNoStatementAboutAnotherPassesForTheSigners(t *testing.T) {
	t.Parallel()
	const (
		another   = "another user"
		ambiguous = "read in two ways"
	)
	for claims, reason := range map[string]string{
		// The exact name, and variants of its spelling.
		`{"iss":"barong","sub":"ID2"}`:        another,
		`{"iss":"b\u0061rong","sub":"ID2"}`:   another,
		`{"i\u0073s":"barong","sub":"ID2"}`:   another,
		`{"iss":"BARONG","sub":"ID2"}`:        another,
		`{"iss":"Barong","sub":"ID2"}`:        another,
		`{"iss":" barong\t","sub":"ID2"}`:     another,
		`{"iss":"barong\u0000","sub":"ID2"}`:  another,
		`{"iss":"barong\u0000x","sub":"ID2"}`: another,
		`{"iss":"bar\u200bong","sub":"ID2"}`:  another, // zero width space
		`{"iss":"\u202ebarong","sub":"ID2"}`:  another, // right-to-left override
		`{"iss":"bar\u00adong","sub":"ID2"}`:  another, // soft hyphen
		`{"iss":"bar\ufe0fong","sub":"ID2"}`:  another, // variation selector
		`{"iss":"bar\u3164ong","sub":"ID2"}`:  another, // Hangul filler
		`{"iss":"b a r o n g","sub":"ID2"}`:   another,
		`{"iss":"bar-ong","sub":"ID2"}`:       another,
		`{"iss":"barong/","sub":"ID2"}`:       another,
		`{"iss":"bärong","sub":"ID2"}`:        another,
		`{"iss":"ba\u0308rong","sub":"ID2"}`:  another,
		`{"iss":"ｂａｒｏｎｇ","sub":"ID2"}`:        another, // full width
		`{"iss":"𝐛𝐚𝐫𝐨𝐧𝐠","sub":"ID2"}`:        another, // mathematical
		`{"iss":"ⓑⓐⓡⓞⓝⓖ","sub":"ID2"}`:        another,
		`{"iss":"🅱arong","sub":"ID2"}`:        another,
		`{"iss":"bаrоng","sub":"ID2"}`:        another, // Cyrillic а, о
		`{"iss":"barοng","sub":"ID2"}`:        another, // Greek omicron
		`{"iss":"bar0ng","sub":"ID2"}`:        another,
		`{"iss":"b@rong","sub":"ID2"}`:        another,
		// In a list, and in other types that iss must not have.
		`{"iss":["barong"],"sub":"ID2"}`:                      another,
		`{"iss":["applogic","BARONG"],"sub":"ID2"}`:           another,
		`{"iss":[["x",["barong"]]],"sub":"ID2"}`:              another,
		`{"iss":{"name":"barong"},"sub":"ID2"}`:               another,
		`{"iss":{"barong":true},"sub":"ID2"}`:                 another,
		`{"iss":[{"a":[{"b":"barong"}]}],"sub":"ID2"}`:        another,
		`{"sub":"ID2","data":{},"iss":"barong","exp":1}`:      another,
		`{"iss":"barong","sub":"id1"}`:                        another,
		`{"iss":"barong","sub":"ID1 "}`:                       another,
		`{"iss":"barong","sub":"ID1\u0000"}`:                  another,
		`{"iss":"barong","sub":""}`:                           another,
		`{"iss":"barong","sub":"session","uid":"ID2"}`:        another, // as in Barong's session tokens
		`{"iss":"barong","sub":"ID1","uid":"ID2"}`:            another,
		`{"iss":"barong","sub":"ID1","UID":"ID2"}`:            another,
		`{"iss":"barong"}`:                                    ambiguous,
		`{"iss":"barong","sub":null}`:                         ambiguous,
		`{"iss":"barong","sub":1}`:                            ambiguous,
		`{"iss":"barong","sub":["ID1"]}`:                      ambiguous,
		`{"iss":"barong","sub":["ID1","ID2"]}`:                ambiguous,
		`{"iss":"barong","sub":{"ID1":"ID2"}}`:                ambiguous,
		`{"iss":"barong","sub":true}`:                         ambiguous,
		`{"iss":"barong","sub":"ID1","uid":7}`:                ambiguous,
		`{"iss":"barong","SUB":"ID1"}`:                        ambiguous,
		`{"iss":"barong","sub":"ID1","Sub":"ID2"}`:            ambiguous,
		`{"iss":"barong","ſub":"ID2","sub":"ID1"}`:            ambiguous, // ſ folds to s
		`{"iss":"barong","sub ":"ID2","sub":"ID1"}`:           ambiguous,
		`{"ISS":"barong","SUB":"ID2"}`:                        ambiguous, // encoding/json ignores case
		`{"Iss":"barong","sub":"ID2"}`:                        another,
		`{"ıss":"x","iss":"barong","Iss":"x","sub":"ID1"}`:    ambiguous,
		`{"iss":"applogic","ISS":"barong","sub":"ID2"}`:       ambiguous,
		`{"iss":"applogic","ISS":"barong","sub":"ID1"}`:       ambiguous,
		`{"iss":"applogic","i\u200bss":"barong","sub":"ID2"}`: ambiguous,
		`{"ｉｓｓ":"barong","sub":"ID2"}`:                        another,
	} {
		if err := jwsOf(t, claims).CheckStatement("barong", "ID1"); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", claims, err)
		}
	}
	for _, claims := range []string{
		`{}`,
		`{"data":{"iss":"barong","sub":"ID2"},"exp":1,"jti":"x"}`,
		`{"iss":"applogic","sub":"ID2"}`,
		`{"iss":"applogic","sub":["ID2"],"uid":7}`,
		`{"iss":["applogic","peatio"],"sub":"ID2"}`,
		`{"iss":5,"sub":"ID2"}`,
		`{"iss":null,"sub":"ID2"}`,
		`{"iss":"barong.example","sub":"ID2"}`,
		`{"iss":"barongs","sub":"ID2"}`,
		`{"iss":"baron","sub":"ID2"}`,
		`{"sub":"ID2","aud":"barong"}`,
		`{"iss":"barong","sub":"ID1"}`,
		`{"iss":"barong","sub":"I\u00441","uid":"ID1"}`,
		`{"iss":["barong"],"sub":"ID1"}`,
	} {
		if err := jwsOf(t, claims).CheckStatement("barong", "ID1"); err != nil {
			t.Errorf("%s: %v", claims, err)
		}
	}
}

func TestAJWSHasASignatureAndABoundedLength(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]string{
		`{"payload":"e30"}`:                   "signatures are missing",
		`{"payload":"e30","signatures":[]}`:   "signatures are empty",
		`{"payload":"e30","signatures":null}`: "signatures: is not a JSON array",
	} {
		_, err := jws.ParseCountersignable([]byte(text))
		contains(t, err, reason)
	}
	whole := func(length int) []byte {
		text := `{"payload":"e30","signatures":[{"protected":"e30","signature":""}],"x":""}`
		return []byte(strings.Replace(text, `"x":""`, `"x":"`+strings.Repeat("x", length-len(text))+`"`, 1))
	}
	if _, err := jws.ParseCountersignable(whole(64 << 10)); err != nil {
		t.Error(err)
	}
	_, err := jws.ParseCountersignable(whole(64<<10 + 1))
	contains(t, err, "it is longer than 65536 bytes")
}

func TestATypeIsInTheProtectedHeaderOfAnAttestationAlone(t *testing.T) {
	t.Parallel()
	s, key := countersigner()
	claims := signing.Claims{Issuer: "barong", Subject: "ID1"}
	attested, err := jws.Attestation("barong-otp+jwt", claims, s)
	if err != nil {
		t.Fatal(err)
	}
	goodBy(t, key, attested)
	if want := `"protected":"` + b64(`{"alg":"RS256","typ":"barong-otp+jwt"}`) + `"`; !strings.Contains(string(attested), want) {
		t.Errorf("%s has no %s", attested, want)
	}
	// Submitting the attestation again replaces its signature with a countersignature.
	message, err := jws.ParseCountersignable(attested)
	if err != nil {
		t.Fatal(err)
	}
	countersigned, err := message.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	if g := goodBy(t, key, countersigned); len(g.Signatures) != 1 || !strings.Contains(string(g.Signatures[0]), `"protected":"`+b64(`{"alg":"RS256"}`)+`"`) {
		t.Errorf("%s", countersigned)
	}
}
