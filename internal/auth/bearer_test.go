package auth_test

import (
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
)

func compact(t testing.TB, p party, protected, payload string) string {
	t.Helper()
	return b64(protected) + "." + payload + "." + raw(t, p.algorithm, p.key(t), b64(protected), payload)
}

func TestBearer(t *testing.T) {
	t.Parallel()
	k, payload := keychain(t, ""), b64(goodPayload)
	good := compact(t, alex(), `{"alg":"RS256","kid":"alex"}`, payload)
	parts := strings.Split(good, ".")
	nested := `{"alg":"RS256","kid":"alex","x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`
	paddedPayload := padded(b64(goodPayload + " "))
	for name, test := range map[string]struct{ header, want string }{
		"as it comes":                     {"Bearer " + good, allowed},
		"in lower case":                   {"bearer " + good, allowed},
		"in upper case":                   {"BEARER " + good, allowed},
		"with spaces":                     {"Bearer   " + good + " ", allowed},
		"padded":                          {"Bearer " + compact(t, alex(), `{"alg":"RS256","kid":"alex"}`, paddedPayload), allowed},
		"the signature padded":            {"Bearer " + parts[0] + "." + parts[1] + "." + padded(parts[2]), allowed},
		"with typ and foreign parameters": {"Bearer " + compact(t, alex(), `{"typ":"JWT","alg":"RS256","kid":"alex","jwk":{}}`, payload), allowed},
		"data is of no concern":           {"Bearer " + compact(t, alex(), `{"alg":"RS256","kid":"alex"}`, b64(strings.Replace(goodPayload, `{"a":1}`, `5`, 1))), allowed},

		"no header":                    {"", unverified},
		"another scheme":               {"Basic " + good, unverified},
		"no scheme":                    {good, unverified},
		"no space":                     {"Bearer" + good, unverified},
		"no token":                     {"Bearer ", unverified},
		"nothing but the scheme":       {"Bearer", unverified},
		"two parts":                    {"Bearer " + parts[0] + "." + parts[1], unverified},
		"four parts":                   {"Bearer " + good + ".x", unverified},
		"five parts, as if encrypted":  {"Bearer a.b.c.d.e", unverified},
		"an empty signature":           {"Bearer " + parts[0] + "." + parts[1] + ".", unverified},
		"an empty payload":             {"Bearer " + parts[0] + ".." + parts[2], unverified},
		"an empty header":              {"Bearer ." + parts[1] + "." + parts[2], incomplete}, // the signature of no signer
		"a header that is no base64":   {"Bearer !." + parts[1] + "." + parts[2], unverified},
		"a payload that is no base64":  {"Bearer " + parts[0] + ".!." + parts[2], unverified},
		"a payload that is no object":  {"Bearer " + compact(t, alex(), `{"alg":"RS256","kid":"alex"}`, b64(`[]`)), unverified},
		"a claim twice":                {"Bearer " + compact(t, alex(), `{"alg":"RS256","kid":"alex"}`, b64(`{"exp":9,"exp":9}`)), unverified},
		"kid twice":                    {"Bearer " + compact(t, alex(), `{"alg":"RS256","kid":"mallory","kid":"alex"}`, payload), unverified},
		"crit":                         {"Bearer " + compact(t, alex(), `{"alg":"RS256","kid":"alex","crit":["exp"]}`, payload), unverified},
		"no kid":                       {"Bearer " + compact(t, alex(), `{"alg":"RS256"}`, payload), incomplete},
		"a signer who is not enough":   {"Bearer " + compact(t, jeff(), `{"alg":"ES256","kid":"jeff"}`, payload), incomplete},
		"a signer who is not asked":    {"Bearer " + compact(t, james(), `{"alg":"EdDSA","kid":"james"}`, payload), incomplete},
		"an impostor":                  {"Bearer " + compact(t, impostor(), `{"alg":"RS256","kid":"alex"}`, payload), unverified},
		"somebody else's name":         {"Bearer " + compact(t, jeff(), `{"alg":"ES256","kid":"alex"}`, payload), unverified},
		"alg none":                     {"Bearer " + b64(`{"alg":"none","kid":"alex"}`) + "." + payload + ".", unverified},
		"a header 100,000 levels deep": {"Bearer " + compact(t, alex(), nested, payload), unverified},
		"a line break in the token":    {"Bearer " + parts[0] + "." + parts[1] + "." + parts[2][:8] + "\n" + parts[2][8:], unverified},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := k.ParseBearer(test.header)
			if err == nil {
				if c.Data() != nil {
					t.Errorf("a token has no parameters, and these came: %s", c.Data())
				}
				_, err = k.Authorize(c, writeLabels, now)
			}
			if got := outcome(t, err); got != test.want {
				t.Errorf("%s: %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestAnErrorOfATokenRepeatsNothingOfIt(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("secret", 100)
	good := b64(`{"alg":"RS256","kid":"alex"}`)
	for name, token := range map[string]string{
		"a scheme":                         secret + " x",
		"no compact JWS":                   "Bearer " + secret,
		"a member twice in the header":     "Bearer " + b64(`{"`+secret+`":1,"`+secret+`":2}`) + ".e30.AA",
		"a member twice, deep in":          "Bearer " + b64(`{"`+secret+`":{"`+secret+`":[{"a":1,"a":2}]}}`) + ".e30.AA",
		"a kid that is no string":          "Bearer " + b64(`{"kid":{"`+secret+`":1}}`) + ".e30.AA",
		"a member twice in the payload":    "Bearer " + good + "." + b64(`{"`+secret+`":1,"`+secret+`":2}`) + ".AA",
		"a payload that breaks off":        "Bearer " + good + "." + b64(`{"`+secret+`":{"`+secret+`":tru`) + ".AA",
		"a payload with more behind it":    "Bearer " + good + "." + b64(`{} "`+secret+`"`) + ".AA",
		"a payload that is no base64":      "Bearer " + good + "." + secret + "!.AA",
		"a kid that nobody knows":          "Bearer " + b64(`{"alg":"RS256","kid":"`+secret+`"}`) + "." + b64(goodPayload) + ".AA",
		"an algorithm that nobody knows":   "Bearer " + b64(`{"alg":"`+secret+`","kid":"alex"}`) + "." + b64(goodPayload) + ".AA",
		"an operation that nobody has":     "Bearer " + tokenOf(t, alex(), signing.Claims{ExpiresAt: now.Add(time.Minute), Operation: secret}),
		"a signature that is no base64url": "Bearer " + good + "." + b64(goodPayload) + "." + secret + "!",
	} {
		k := keychain(t, "")
		c, err := k.ParseBearer(token)
		if err == nil {
			_, err = k.Authorize(c, writeLabels, now)
		}
		if got := outcome(t, err); got != unverified && got != incomplete || strings.Count(err.Error(), "secret") > 64/len("secret") || len(err.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
