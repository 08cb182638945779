package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"barong/clients/go/signing"
	"barong/internal/auth"
)

func TestEveryAlgorithmSignsAndVerifiesInBothForms(t *testing.T) {
	t.Parallel()
	for _, algorithm := range signing.Algorithms() {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			p, other := newParty("alex", algorithm)(), newParty("alex", algorithm)()
			claims := signing.Claims{IssuedAt: now, ExpiresAt: now.Add(60e9)}
			body, err := signing.Envelope([]byte(`{"a":1}`), claims, p.signer)
			if err != nil {
				t.Fatal(err)
			}
			token, err := signing.Token(claims, p.signer)
			if err != nil {
				t.Fatal(err)
			}
			bearer, err := new(auth.Keychain).ParseBearer("Bearer " + token)
			if err != nil {
				t.Fatal(err)
			}
			for form, c := range map[string]*auth.Credentials{"envelope": mustParse(t, body), "Bearer": bearer} {
				signers, err := keychainOf(t, p).Authorize(c, writeLabels, now)
				if err != nil || !slices.Equal(signers, []string{"alex"}) {
					t.Errorf("%s: %v, %v", form, signers, err)
				}
				if _, err := keychainOf(t, other).Authorize(c, writeLabels, now); outcome(t, err) != unverified {
					t.Errorf("%s: another key of the same algorithm: %v", form, err)
				}
			}
		})
	}
}

// TestAlgorithmComesFromTheKeychain tries to make the server use another algorithm.
func TestAlgorithmComesFromTheKeychain(t *testing.T) {
	t.Parallel()
	k, payload := keychain(t, ""), b64(goodPayload)
	public := alex().publicPEM(t)
	block, _ := pem.Decode(public)
	secrets := map[string][]byte{
		"PEM": public, "PEM without its last line break": public[:len(public)-1],
		"keychain value": []byte(alex().value), "DER": block.Bytes, "nothing": {},
	}
	for name, secret := range secrets {
		for _, hmac := range []string{"HS256", "HS384", "HS512"} {
			t.Run(hmac+" keyed with the public key as "+name, func(t *testing.T) {
				t.Parallel()
				protected := b64(`{"alg":"` + hmac + `"}`)
				s := sig{Protected: protected, Header: kid("alex"), Signature: raw(t, hmac, secret, protected, payload)}
				got, _, err := authorize(t, k, envelope(t, payload, s))
				if got != unverified {
					t.Errorf("%s: %v", got, err)
				}
				contains(t, err, "alex", hmac, "RS256")
				// The header names the keychain's algorithm, but another one made the
				// signature.
				protected = b64(`{"alg":"RS256"}`)
				s = sig{Protected: protected, Header: kid("alex"), Signature: raw(t, hmac, secret, protected, payload)}
				if got, _, err := authorize(t, k, envelope(t, payload, s)); got != unverified {
					t.Errorf("%s: %v", got, err)
				}
			})
		}
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE", "", "null", " none", "RS256 ", "rs256", "PS256", "RS512", "RS256\u0000"} {
		for _, withSignature := range []bool{false, true} {
			t.Run(fmt.Sprintf("alg %q, signed %v", none, withSignature), func(t *testing.T) {
				t.Parallel()
				s := signed(t, alex(), fmt.Sprintf(`{"alg":%s}`, quote(none)), payload)
				if !withSignature {
					s.Signature = ""
				}
				if got, _, err := authorize(t, k, envelope(t, payload, s)); got != unverified {
					t.Errorf("%s: %v", got, err)
				}
			})
		}
	}
}

func TestSignatureThatMustVerify(t *testing.T) {
	t.Parallel()
	k, payload := keychain(t, ""), b64(goodPayload)
	other := b64(strings.Replace(goodPayload, `"a":1`, `"a":2`, 1))
	alexKey := alex().key(t).(*rsa.PrivateKey)
	pss, err := rsa.SignPSS(rand.Reader, alexKey, jwt.SigningMethodPS256.Hash, make([]byte, 32), nil)
	if err != nil {
		t.Fatal(err)
	}
	with := func(s sig, change func(*sig)) sig { change(&s); return s }
	corrupt := func(s *sig) {
		value, _ := base64.RawURLEncoding.DecodeString(s.Signature.(string))
		value[len(value)/2] ^= 1
		s.Signature = b64(value)
	}
	resized := func(by int) func(*sig) {
		return func(s *sig) {
			value, _ := base64.RawURLEncoding.DecodeString(s.Signature.(string))
			s.Signature = b64(append(value, make([]byte, max(by, 0))...)[:len(value)+by])
		}
	}
	for name, test := range map[string]struct {
		signatures []sig
		want       string
		signers    []string
	}{
		"by the mandatory signer":    {[]sig{honest(t, alex(), payload)}, allowed, []string{"alex"}},
		"by both, in their order":    {[]sig{honest(t, jeff(), payload), honest(t, alex(), payload)}, allowed, []string{"jeff", "alex"}},
		"nobody":                     {nil, incomplete, nil},
		"only the other":             {[]sig{honest(t, jeff(), payload)}, incomplete, nil},
		"a stranger in the keychain": {[]sig{honest(t, james(), payload)}, incomplete, nil},
		"an impostor":                {[]sig{honest(t, impostor(), payload)}, unverified, nil},
		"over another payload":       {[]sig{honest(t, alex(), other)}, unverified, nil},
		"corrupted":                  {[]sig{with(honest(t, alex(), payload), corrupt)}, unverified, nil},
		"the second one of a permitted signer corrupted": {[]sig{honest(t, alex(), payload), with(honest(t, jeff(), payload), corrupt)}, unverified, nil},
		"the first one of a permitted signer corrupted":  {[]sig{with(honest(t, jeff(), payload), corrupt), honest(t, alex(), payload)}, unverified, nil},
		"an unpermitted one corrupted":                   {[]sig{with(honest(t, james(), payload), corrupt), honest(t, alex(), payload)}, allowed, []string{"alex"}},
		"an unpermitted one of garbage":                  {[]sig{{Header: kid("mallory"), Signature: "!!!"}, honest(t, alex(), payload)}, allowed, []string{"alex"}},
		"one without a kid":                              {[]sig{{Signature: "!!!"}, honest(t, alex(), payload)}, allowed, []string{"alex"}},
		"only one without a kid":                         {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Header = nil })}, incomplete, nil},
		"an empty kid":                                   {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Header = kid("") })}, incomplete, nil},
		"the kid in another case":                        {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Header = kid("Alex") })}, incomplete, nil},
		"empty":                                          {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Signature = "" })}, unverified, nil},
		"not base64":                                     {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Signature = "a+/b" })}, unverified, nil},
		"with a line break":                              {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Signature = s.Signature.(string)[:4] + "\n" + s.Signature.(string)[4:] })}, unverified, nil},
		"with padding":                                   {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Signature = padded(s.Signature.(string)) })}, allowed, []string{"alex"}},
		"with too much padding":                          {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Signature = s.Signature.(string) + "===" })}, unverified, nil},
		"the same twice":                                 {[]sig{honest(t, alex(), payload), honest(t, alex(), payload)}, allowed, []string{"alex"}},
		"the same twice, once corrupted":                 {[]sig{honest(t, alex(), payload), with(honest(t, alex(), payload), corrupt)}, unverified, nil},
		"kid protected":                                  {[]sig{with(signed(t, alex(), `{"alg":"RS256","kid":"alex"}`, payload), func(s *sig) { s.Header = nil })}, allowed, []string{"alex"}},
		"kid in both headers":                            {[]sig{signed(t, alex(), `{"alg":"RS256","kid":"alex"}`, payload)}, allowed, []string{"alex"}},
		"kids that disagree, protected permitted":        {[]sig{with(signed(t, alex(), `{"alg":"RS256","kid":"alex"}`, payload), func(s *sig) { s.Header = kid("mallory") })}, unverified, nil},
		"kids that disagree, unprotected permitted":      {[]sig{signed(t, alex(), `{"alg":"RS256","kid":"mallory"}`, payload)}, unverified, nil},
		"kids that disagree, nobody permitted":           {[]sig{{Protected: b64(`{"kid":"x"}`), Header: kid("y"), Signature: ""}, honest(t, alex(), payload)}, unverified, nil},
		"kid null":                                       {[]sig{with(signed(t, alex(), `{"alg":"RS256","kid":null}`, payload), func(s *sig) { s.Header = kid("alex") })}, allowed, []string{"alex"}},
		"typ and foreign members":                        {[]sig{signed(t, alex(), `{"typ":"nonsense","alg":"RS256","jku":"http://x","jwk":{"kty":"oct"},"x5c":[1]}`, payload)}, allowed, []string{"alex"}},
		"white space in the header":                      {[]sig{signed(t, alex(), " {\n\"alg\" : \"RS256\" } ", payload)}, allowed, []string{"alex"}},
		"crit":                                           {[]sig{signed(t, alex(), `{"alg":"RS256","crit":["b64"],"b64":false}`, payload)}, unverified, nil},
		"crit empty":                                     {[]sig{signed(t, alex(), `{"alg":"RS256","crit":[]}`, payload)}, unverified, nil},
		"crit null":                                      {[]sig{signed(t, alex(), `{"alg":"RS256","crit":null}`, payload)}, unverified, nil},
		"crit unprotected":                               {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Header = map[string]any{"kid": "alex", "crit": []string{"x"}} })}, unverified, nil},
		"crit of somebody unpermitted":                   {[]sig{signed(t, james(), `{"alg":"EdDSA","crit":["x"]}`, payload), honest(t, alex(), payload)}, allowed, []string{"alex"}},
		"alg missing":                                    {[]sig{signed(t, alex(), `{}`, payload)}, unverified, nil},
		"no protected header, alg unprotected": {[]sig{{
			Header: map[string]any{"kid": "alex", "alg": "RS256"}, Signature: raw(t, "RS256", alexKey, "", payload),
		}}, unverified, nil},
		"alg protected, another unprotected": {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Header = map[string]any{"kid": "alex", "alg": "none"} })}, allowed, []string{"alex"}},
		"the header swapped after signing":   {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Protected = b64(`{"alg":"RS256" }`) })}, unverified, nil},
		"PSS where PKCS #1 v1.5 is meant":    {[]sig{with(honest(t, alex(), payload), func(s *sig) { s.Signature = b64(pss) })}, unverified, nil},
		"ECDSA of a byte less":               {[]sig{with(honest(t, jeff(), payload), resized(-1)), honest(t, alex(), payload)}, unverified, nil},
		"ECDSA of a byte more":               {[]sig{with(honest(t, jeff(), payload), resized(+1)), honest(t, alex(), payload)}, unverified, nil},
		"ECDSA of zeros":                     {[]sig{with(honest(t, jeff(), payload), func(s *sig) { s.Signature = b64(make([]byte, 64)) }), honest(t, alex(), payload)}, unverified, nil},
		"ECDSA in ASN.1":                     {[]sig{with(honest(t, jeff(), payload), func(s *sig) { s.Signature = "MEUCIQDd" }), honest(t, alex(), payload)}, unverified, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, signers, err := authorize(t, k, envelope(t, payload, test.signatures...))
			if got != test.want || !slices.Equal(signers, test.signers) {
				t.Errorf("%s by %v: %v; want %s by %v", got, signers, err, test.want, test.signers)
			}
		})
	}
}

func TestSignaturesAreVerifiedOverTheBytesReceived(t *testing.T) {
	t.Parallel()
	// A member order, white space and number format that no encoder produces.
	odd := b64(" " + strings.Replace(goodPayload, `"a":1`, "\"b\" :\t1.50e1 ,\"a\": 1", 1) + "\n")
	k := keychain(t, "")
	for name, payload := range map[string]string{"odd": odd, "odd and padded": padded(odd)} {
		body := envelope(t, payload, honest(t, alex(), payload))
		if got, _, err := authorize(t, k, body); got != allowed {
			t.Errorf("%s: %v", name, err)
		}
		if data := string(mustParse(t, body).Data()); data != "{\"b\" :\t1.50e1 ,\"a\": 1}" {
			t.Errorf("%s: data is %s", name, data)
		}
	}
	if !strings.HasSuffix(padded(odd), "=") {
		t.Fatal("the payload of this test must need padding")
	}
	// The signature is over the text without padding, the envelope contains it with padding.
	if got, _, err := authorize(t, k, envelope(t, padded(odd), honest(t, alex(), odd))); got != unverified {
		t.Errorf("padding added after signing: %v", err)
	}
}

func TestScopeDecidesWhoMaySign(t *testing.T) {
	t.Parallel()
	k, payload := keychain(t, ""), b64(goodPayload)
	for name, test := range map[string]struct {
		scope string
		by    []sig
		want  string
	}{
		"alex is nobody where jeff alone may":       {"read_labels", []sig{honest(t, alex(), payload)}, incomplete},
		"jeff is enough there":                      {"read_labels", []sig{honest(t, jeff(), payload)}, allowed},
		"a forged alex does not matter there":       {"read_labels", []sig{honest(t, impostor(), payload), honest(t, jeff(), payload)}, allowed},
		"one of two mandatory signers":              {"write_users", []sig{honest(t, alex(), payload)}, incomplete},
		"both":                                      {"write_users", []sig{honest(t, jeff(), payload), honest(t, alex(), payload)}, allowed},
		"one of them twice":                         {"write_users", []sig{honest(t, alex(), payload), honest(t, alex(), payload)}, incomplete},
		"a scope that the configuration lacks":      {"otp_sign", []sig{honest(t, alex(), payload), honest(t, jeff(), payload)}, unverified},
		"a scope of the empty name":                 {"", []sig{honest(t, alex(), payload)}, unverified},
		"the scope's name in the wrong letter case": {"Write_users", []sig{honest(t, alex(), payload)}, unverified},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := k.Authorize(mustParse(t, envelope(t, payload, test.by...)), auth.Operation{Scope: test.scope}, now)
			if got := outcome(t, err); got != test.want {
				t.Errorf("%s: %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestFailuresComeInTheirOrder(t *testing.T) {
	t.Parallel()
	k := keychain(t, "")
	expired := b64(fmt.Sprintf(`{"exp":%d}`, now.Unix()-10))
	for name, test := range map[string]struct {
		by   []sig
		want string
		says string
	}{
		"a bad signature before a bad claim": {[]sig{honest(t, impostor(), expired)}, unverified, "does not verify"},
		"a bad claim before a missing one":   {[]sig{honest(t, jeff(), expired)}, unverified, "exp"},
	} {
		got, _, err := authorize(t, k, envelope(t, expired, test.by...))
		if got != test.want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		contains(t, err, test.says)
	}
	_, _, err := authorize(t, k, envelope(t, b64(goodPayload), honest(t, jeff(), b64(goodPayload))))
	contains(t, err, "alex", "jeff", "write_labels")
}

func TestTheZeroKeychainAuthorisesNothing(t *testing.T) {
	t.Parallel()
	c := mustParse(t, envelope(t, b64(goodPayload), honest(t, alex(), b64(goodPayload))))
	for _, k := range []*auth.Keychain{{}, parse(t, ""), parse(t, "keychain: {}\njwt: {}\nscopes: {}\n")} {
		if _, err := k.Authorize(c, writeLabels, now); outcome(t, err) != unverified {
			t.Error(err)
		}
	}
}

// padded appends the padding that base64url omits.
func padded(text string) string { return text + strings.Repeat("=", (4-len(text)%4)%4) }

func quote(text string) string {
	if text == "null" {
		return text
	}
	return strings.ReplaceAll(fmt.Sprintf("%q", text), `\x00`, `\u0000`)
}
