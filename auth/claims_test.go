package auth_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	at := func(seconds float64) string { return fmt.Sprintf("%.3f", float64(now.Unix())+seconds) }
	exp := `"exp":` + at(60)
	for name, test := range map[string]struct {
		options, claims, want string
	}{
		"exp ahead":                        {"", exp, allowed},
		"exp missing":                      {"", `"iat":1`, unverified},
		"exp null":                         {"", `"exp":null`, unverified},
		"exp over":                         {"", `"exp":` + at(-1), unverified},
		"exp is now":                       {"", `"exp":` + at(0), unverified},
		"exp a fraction ahead":             {"", `"exp":` + at(0.5), allowed},
		"exp a fraction over":              {"", `"exp":` + at(-0.5), unverified},
		"exp a string":                     {"", `"exp":"` + at(60) + `"`, unverified},
		"exp true":                         {"", `"exp":true`, unverified},
		"exp a list":                       {"", `"exp":[1]`, unverified},
		"exp zero":                         {"", `"exp":0`, unverified},
		"exp negative":                     {"", `"exp":-5`, unverified},
		"exp with an exponent":             {"", `"exp":1.9e9`, allowed},
		"exp huge":                         {"", `"exp":1e300`, unverified},
		"exp past every number":            {"", `"exp":1e999`, unverified},
		"exp a million digits":             {"", `"exp":` + strings.Repeat("9", 1e6), unverified},
		"exp in milliseconds":              {"", `"exp":` + fmt.Sprint((now.Unix()+60)*1000), unverified},
		"exp that would wrap to the past":  {"", `"exp":9223372036854775808`, unverified},
		"exp that would wrap to the time":  {"", `"exp":18446744075509551616`, unverified},
		"exp at the end of the year 9999":  {"", `"exp":253402300799`, allowed},
		"exp a second later":               {"", `"exp":253402300800`, unverified},
		"exp within leeway":                {"leeway: 10", `"exp":` + at(-9), allowed},
		"exp at the end of leeway":         {"leeway: 10", `"exp":` + at(-10), unverified},
		"exp within its own leeway":        {"leeway: 1, exp_leeway: 20", `"exp":` + at(-19), allowed},
		"exp beyond its own leeway":        {"leeway: 30, exp_leeway: 0", `"exp":` + at(-1), unverified},
		"exp within a fraction of leeway":  {"exp_leeway: 1.5", `"exp":` + at(-1.25), allowed},
		"exp within the greatest leeway":   {"leeway: 1000000000", `"exp":` + at(-999999999), allowed},
		"exp not wanted, missing":          {"verify_expiration: false", `"iat":1`, allowed},
		"exp not wanted, over":             {"verify_expiration: false", `"exp":1`, allowed},
		"exp not wanted, nonsense":         {"verify_expiration: false", `"exp":"x"`, allowed},
		"nbf over":                         {"", exp + `,"nbf":` + at(-1), allowed},
		"nbf now":                          {"", exp + `,"nbf":` + at(0), allowed},
		"nbf ahead":                        {"", exp + `,"nbf":` + at(1), unverified},
		"nbf at the end of leeway":         {"leeway: 5", exp + `,"nbf":` + at(5), allowed},
		"nbf beyond leeway":                {"leeway: 5", exp + `,"nbf":` + at(5.5), unverified},
		"nbf within its own leeway":        {"nbf_leeway: 5", exp + `,"nbf":` + at(5), allowed},
		"nbf and the leeway of exp":        {"exp_leeway: 5", exp + `,"nbf":` + at(5), unverified},
		"nbf a string":                     {"", exp + `,"nbf":"1"`, unverified},
		"nbf null":                         {"", exp + `,"nbf":null`, allowed},
		"nbf huge and negative":            {"", exp + `,"nbf":-1e300`, unverified},
		"nbf not wanted":                   {"verify_not_before: false", exp + `,"nbf":` + at(99), allowed},
		"iat now":                          {"", exp + `,"iat":` + at(0), allowed},
		"iat ahead":                        {"", exp + `,"iat":` + at(1), unverified},
		"iat at the end of leeway":         {"leeway: 5", exp + `,"iat":` + at(5), allowed},
		"iat beyond leeway":                {"leeway: 5", exp + `,"iat":` + at(6), unverified},
		"iat within its own leeway":        {"iat_leeway: 5", exp + `,"iat":` + at(5), allowed},
		"iat false":                        {"", exp + `,"iat":false`, unverified},
		"iat not wanted":                   {"verify_iat: false", exp + `,"iat":"x"`, allowed},
		"jti not wanted":                   {"", exp, allowed},
		"jti there":                        {"verify_jti: true", exp + `,"jti":"x"`, allowed},
		"jti missing":                      {"verify_jti: true", exp, unverified},
		"jti null":                         {"verify_jti: true", exp + `,"jti":null`, unverified},
		"jti blank":                        {"verify_jti: true", exp + `,"jti":" \t"`, unverified},
		"jti a number":                     {"verify_jti: true", exp + `,"jti":5`, unverified},
		"iss not enforced":                 {"iss: a", exp + `,"iss":"b"`, allowed},
		"iss as wanted":                    {"verify_iss: true, iss: a", exp + `,"iss":"a"`, allowed},
		"iss one of those wanted":          {"verify_iss: true, iss: [b, a]", exp + `,"iss":"a"`, allowed},
		"iss another":                      {"verify_iss: true, iss: [b, a]", exp + `,"iss":"c"`, unverified},
		"iss in another case":              {"verify_iss: true, iss: a", exp + `,"iss":"A"`, unverified},
		"iss missing":                      {"verify_iss: true, iss: a", exp, unverified},
		"iss a list":                       {"verify_iss: true, iss: a", exp + `,"iss":["a"]`, unverified},
		"aud not enforced":                 {"aud: a", exp, allowed},
		"aud as wanted":                    {"verify_aud: true, aud: a", exp + `,"aud":"a"`, allowed},
		"aud lists that have one together": {"verify_aud: true, aud: [x, a]", exp + `,"aud":["b","a"]`, allowed},
		"aud lists that have none":         {"verify_aud: true, aud: [x, y]", exp + `,"aud":["b","a"]`, unverified},
		"aud an empty list":                {"verify_aud: true, aud: a", exp + `,"aud":[]`, unverified},
		"aud a list of other things":       {"verify_aud: true, aud: a", exp + `,"aud":["a",5]`, unverified},
		"aud an object":                    {"verify_aud: true, aud: a", exp + `,"aud":{"a":1}`, unverified},
		"aud missing":                      {"verify_aud: true, aud: a", exp, unverified},
		"sub not enforced":                 {"sub: a", exp + `,"sub":"b"`, allowed},
		"sub as wanted":                    {"verify_sub: true, sub: session", exp + `,"sub":"session"`, allowed},
		"sub another":                      {"verify_sub: true, sub: session", exp + `,"sub":"other"`, unverified},
		"sub missing":                      {"verify_sub: true, sub: session", exp, unverified},
		"op the operation":                 {"", exp + `,"op":"createLabel"`, allowed},
		"op the operation, escaped":        {"", exp + `,"op":"create\u004cabel"`, allowed},
		"op null":                          {"", exp + `,"op":null`, allowed},
		"op another operation":             {"", exp + `,"op":"deleteLabel"`, unverified},
		"op in another case":               {"", exp + `,"op":"createlabel"`, unverified},
		"op with white space":              {"", exp + `,"op":"createLabel "`, unverified},
		"op empty":                         {"", exp + `,"op":""`, unverified},
		"op a list":                        {"", exp + `,"op":["createLabel"]`, unverified},
		"op a number":                      {"", exp + `,"op":5`, unverified},
		"op the scope":                     {"", exp + `,"op":"write_labels"`, unverified},
		"op another, everything off":       {"verify_expiration: false, verify_iat: false", `"op":"updateLabel"`, unverified},
		"everything off":                   {"verify_expiration: false, verify_not_before: false, verify_iat: false", `"x":1`, allowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			payload := b64("{" + test.claims + "}")
			got, _, err := authorize(t, keychain(t, test.options), envelope(t, payload, honest(t, alex(), payload)))
			if got != test.want {
				t.Errorf("%s: %v; want %s", got, err, test.want)
			}
			if got != allowed {
				contains(t, err, "alex", strings.Fields(name)[0])
			}
			if strings.HasSuffix(name, "missing") && got != allowed {
				contains(t, err, "is missing")
			}
		})
	}
}
