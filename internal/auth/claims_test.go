package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"barong/internal/problem"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	at := func(seconds float64) string { return fmt.Sprintf("%.3f", float64(now.Unix())+seconds) }
	ms := func(seconds float64) string { return fmt.Sprint(now.UnixMilli() + int64(seconds*1000)) }
	exp := `"exp":` + at(60)
	for name, test := range map[string]struct {
		options, claims, want string
	}{
		"exp ahead":                         {"", exp, allowed},
		"exp missing":                       {"", `"iat":1`, unverified},
		"exp null":                          {"", `"exp":null`, unverified},
		"exp over":                          {"", `"exp":` + at(-5.001), unverified},
		"exp over by a caller's clock":      {"", `"exp":` + at(-4.9), allowed},
		"exp is now":                        {"leeway: 0", `"exp":` + at(0), unverified},
		"exp at the end of the default":     {"", `"exp":` + at(-5), unverified},
		"exp a fraction ahead":              {"leeway: 0", `"exp":` + at(0.5), allowed},
		"exp a fraction over":               {"leeway: 0", `"exp":` + at(-0.5), unverified},
		"exp a string":                      {"", `"exp":"` + at(60) + `"`, unverified},
		"exp true":                          {"", `"exp":true`, unverified},
		"exp a list":                        {"", `"exp":[1]`, unverified},
		"exp zero":                          {"", `"exp":0`, unverified},
		"exp negative":                      {"", `"exp":-5`, unverified},
		"exp with an exponent":              {"", `"exp":1.9e9`, allowed},
		"exp huge":                          {"", `"exp":1e300`, unverified},
		"exp past every number":             {"", `"exp":1e999`, unverified},
		"exp a million digits":              {"", `"exp":` + strings.Repeat("9", 1e6), unverified},
		"exp in milliseconds":               {"", `"exp":` + ms(60), allowed},
		"exp in milliseconds, with 60 more": {"", `"exp":` + ms(0.06), allowed}, // Date.now() + 60
		"exp in milliseconds, over":         {"", `"exp":` + ms(-6), unverified},
		"exp in milliseconds, a fraction":   {"leeway: 0", `"exp":` + ms(0.5), allowed},
		"exp the last that is in seconds":   {"", `"exp":100000000000`, allowed},
		"exp the first in milliseconds":     {"", `"exp":100000000001`, unverified},
		"nbf in milliseconds":               {"", exp + `,"nbf":` + ms(-1), allowed},
		"nbf in milliseconds, ahead":        {"", exp + `,"nbf":` + ms(6), unverified},
		"iat in milliseconds":               {"", exp + `,"iat":` + ms(4), allowed},
		"iat in milliseconds, ahead":        {"", exp + `,"iat":` + ms(6), unverified},
		"exp that would wrap to the past":   {"", `"exp":9223372036854775808`, unverified},
		"exp that would wrap to the time":   {"", `"exp":18446744075509551616`, unverified},
		"exp in milliseconds, year 9999":    {"", `"exp":253402300799000`, allowed},
		"exp in milliseconds, a year later": {"", `"exp":253402300800000`, unverified},
		"exp within leeway":                 {"leeway: 10", `"exp":` + at(-9), allowed},
		"exp at the end of leeway":          {"leeway: 10", `"exp":` + at(-10), unverified},
		"exp within its own leeway":         {"leeway: 1, exp_leeway: 20", `"exp":` + at(-19), allowed},
		"exp beyond its own leeway":         {"leeway: 30, exp_leeway: 0", `"exp":` + at(-1), unverified},
		"exp within a fraction of leeway":   {"exp_leeway: 1.5", `"exp":` + at(-1.25), allowed},
		"exp within the greatest leeway":    {"leeway: 1000000000", `"exp":` + at(-999999999), allowed},
		"exp not wanted, missing":           {"verify_expiration: false", `"iat":1`, allowed},
		"exp not wanted, over":              {"verify_expiration: false", `"exp":1`, allowed},
		"exp not wanted, nonsense":          {"verify_expiration: false", `"exp":"x"`, allowed},
		"max_lifetime kept":                 {"max_lifetime: 60", exp + `,"iat":` + at(0), allowed},
		"max_lifetime passed":               {"max_lifetime: 60", `"exp":` + at(30) + `,"iat":` + at(-31), unverified},
		"max_lifetime passed at once":       {"max_lifetime: 59", exp + `,"iat":` + at(0), unverified},
		"max_lifetime by a clock ahead":     {"max_lifetime: 60", `"exp":` + at(64) + `,"iat":` + at(4), allowed},
		"max_lifetime without iat":          {"max_lifetime: 60", exp, allowed},
		"max_lifetime without iat, within":  {"max_lifetime: 56", exp, allowed}, // within the leeway
		"max_lifetime without iat, passed":  {"max_lifetime: 54", exp, unverified},
		"max_lifetime and no leeway":        {"max_lifetime: 59, leeway: 0", exp, unverified},
		"max_lifetime and iat null":         {"max_lifetime: 30", exp + `,"iat":null`, unverified},
		"max_lifetime from a later iat":     {"max_lifetime: 60, verify_iat: false", `"exp":` + at(3600) + `,"iat":` + at(3550), unverified},
		"max_lifetime and iat no date":      {"max_lifetime: 60, verify_iat: false", `"exp":` + at(3600) + `,"iat":"3550"`, unverified},
		"max_lifetime in milliseconds":      {"max_lifetime: 60", `"exp":` + ms(60) + `,"iat":` + ms(0), allowed},
		"max_lifetime in both units":        {"max_lifetime: 60", `"exp":` + ms(61) + `,"iat":` + at(0), unverified},
		"max_lifetime a fraction":           {"max_lifetime: 0.5", `"exp":` + at(1) + `,"iat":` + at(0), unverified},
		"nbf over":                          {"", exp + `,"nbf":` + at(-1), allowed},
		"nbf now":                           {"", exp + `,"nbf":` + at(0), allowed},
		"nbf ahead":                         {"", exp + `,"nbf":` + at(5.5), unverified},
		"nbf ahead of no leeway":            {"leeway: 0", exp + `,"nbf":` + at(0.001), unverified},
		"nbf ahead by a caller's clock":     {"", exp + `,"nbf":` + at(5), allowed},
		"nbf at the end of leeway":          {"leeway: 5", exp + `,"nbf":` + at(5), allowed},
		"nbf beyond leeway":                 {"leeway: 5", exp + `,"nbf":` + at(5.5), unverified},
		"nbf within its own leeway":         {"nbf_leeway: 5", exp + `,"nbf":` + at(5), allowed},
		"nbf and the leeway of exp":         {"exp_leeway: 9", exp + `,"nbf":` + at(6), unverified},
		"nbf a string":                      {"", exp + `,"nbf":"1"`, unverified},
		"nbf null":                          {"", exp + `,"nbf":null`, allowed},
		"nbf huge and negative":             {"", exp + `,"nbf":-1e300`, unverified},
		"nbf not wanted":                    {"verify_not_before: false", exp + `,"nbf":` + at(99), allowed},
		"iat now":                           {"", exp + `,"iat":` + at(0), allowed},
		"iat ahead":                         {"", exp + `,"iat":` + at(5.5), unverified},
		"iat ahead by a caller's clock":     {"", exp + `,"iat":` + at(1), allowed},
		"iat ahead of no leeway":            {"iat_leeway: 0", exp + `,"iat":` + at(0.05), unverified},
		"iat at the end of leeway":          {"leeway: 5", exp + `,"iat":` + at(5), allowed},
		"iat beyond leeway":                 {"leeway: 5", exp + `,"iat":` + at(6), unverified},
		"iat within its own leeway":         {"iat_leeway: 5", exp + `,"iat":` + at(5), allowed},
		"iat false":                         {"", exp + `,"iat":false`, unverified},
		"iat not wanted":                    {"verify_iat: false", exp + `,"iat":"x"`, allowed},
		"jti not wanted":                    {"", exp, allowed},
		"jti there":                         {"verify_jti: true", exp + `,"jti":"x"`, allowed},
		"jti missing":                       {"verify_jti: true", exp, unverified},
		"jti null":                          {"verify_jti: true", exp + `,"jti":null`, unverified},
		"jti blank":                         {"verify_jti: true", exp + `,"jti":" \t"`, unverified},
		"jti a number":                      {"verify_jti: true", exp + `,"jti":5`, unverified},
		"iss not enforced":                  {"iss: a", exp + `,"iss":"b"`, allowed},
		"iss as wanted":                     {"verify_iss: true, iss: a", exp + `,"iss":"a"`, allowed},
		"iss one of those wanted":           {"verify_iss: true, iss: [b, a]", exp + `,"iss":"a"`, allowed},
		"iss another":                       {"verify_iss: true, iss: [b, a]", exp + `,"iss":"c"`, unverified},
		"iss in another case":               {"verify_iss: true, iss: a", exp + `,"iss":"A"`, unverified},
		"iss missing":                       {"verify_iss: true, iss: a", exp, unverified},
		"iss a list":                        {"verify_iss: true, iss: a", exp + `,"iss":["a"]`, unverified},
		"aud not enforced":                  {"aud: a", exp, allowed},
		"aud as wanted":                     {"verify_aud: true, aud: a", exp + `,"aud":"a"`, allowed},
		"aud lists that have one together":  {"verify_aud: true, aud: [x, a]", exp + `,"aud":["b","a"]`, allowed},
		"aud lists that have none":          {"verify_aud: true, aud: [x, y]", exp + `,"aud":["b","a"]`, unverified},
		"aud an empty list":                 {"verify_aud: true, aud: a", exp + `,"aud":[]`, unverified},
		"aud a list of other things":        {"verify_aud: true, aud: a", exp + `,"aud":["a",5]`, unverified},
		"aud an object":                     {"verify_aud: true, aud: a", exp + `,"aud":{"a":1}`, unverified},
		"aud missing":                       {"verify_aud: true, aud: a", exp, unverified},
		"sub not enforced":                  {"sub: a", exp + `,"sub":"b"`, allowed},
		"sub as wanted":                     {"verify_sub: true, sub: session", exp + `,"sub":"session"`, allowed},
		"sub another":                       {"verify_sub: true, sub: session", exp + `,"sub":"other"`, unverified},
		"sub missing":                       {"verify_sub: true, sub: session", exp, unverified},
		"op the operation":                  {"", exp + `,"op":"createLabel"`, allowed},
		"op the operation, escaped":         {"", exp + `,"op":"create\u004cabel"`, allowed},
		"op null":                           {"", exp + `,"op":null`, allowed},
		"op another operation":              {"", exp + `,"op":"deleteLabel"`, unverified},
		"op in another case":                {"", exp + `,"op":"createlabel"`, unverified},
		"op with white space":               {"", exp + `,"op":"createLabel "`, unverified},
		"op empty":                          {"", exp + `,"op":""`, unverified},
		"op a list":                         {"", exp + `,"op":["createLabel"]`, unverified},
		"op a number":                       {"", exp + `,"op":5`, unverified},
		"op the scope":                      {"", exp + `,"op":"write_labels"`, unverified},
		"op another, everything off":        {"verify_expiration: false, verify_iat: false", `"op":"updateLabel"`, unverified},
		"everything off":                    {"verify_expiration: false, verify_not_before: false, verify_iat: false", `"x":1`, allowed},
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

func TestARefusalByTheClockSaysByHowMuchAndIsCountedApart(t *testing.T) {
	t.Parallel()
	at := func(seconds float64) string { return fmt.Sprintf("%.3f", float64(now.Unix())+seconds) }
	for claims, test := range map[string]struct {
		reason problem.Reason
		says   string
	}{
		`"exp":` + at(-7.25):                             {problem.WrongClock, "exp was 7.25s ago, by the server's clock; 5s are allowed"},
		`"exp":` + at(60) + `,"iat":` + at(8.5):          {problem.WrongClock, "iat is 8.5s ahead of the server's clock; 5s are allowed"},
		`"exp":` + at(60) + `,"nbf":` + at(3600):         {problem.WrongClock, "nbf is 1h0m0s ahead"},
		`"exp":` + at(60) + `,"op":"deleteLabel"`:        {"", "op is"},
		`"exp":` + at(60) + `,"iat":"x"`:                 {"", "iat is not a number"},
		`"iat":` + at(0):                                 {"", "exp is missing"},
		`"exp":` + at(9999999) + `,"iat":` + at(-999999): {"", "jwt.max_lifetime allows 24h0m0s"},
	} {
		payload := b64("{" + claims + "}")
		_, _, err := authorize(t, keychain(t, "max_lifetime: 86400"), envelope(t, payload, honest(t, alex(), payload)))
		contains(t, err, test.says)
		var refused *problem.Error
		if !errors.As(err, &refused) || refused.Reason != test.reason {
			t.Errorf("%s: %+v", claims, refused)
		}
	}
}

func TestNoClaimIsRepeatedInFull(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("secret ", 1000)
	for name, claims := range map[string]string{
		"exp": `"exp":"` + long + `"`, "iat": `"exp":9e9,"iat":"` + long + `"`, "iss": `"exp":9e9,"iss":"` + long + `"`, "aud": `"exp":9e9,"iss":"a","aud":["` + long + `"]`,
		"sub": `"exp":9e9,"iss":"a","aud":"a","sub":{"` + long + `":"` + long + `"}`, "jti": `"exp":9e9,"iss":"a","aud":"a","sub":"a","jti":["` + long + `"]`,
		"op": `"exp":9e9,"iss":"a","aud":"a","sub":"a","jti":"a","op":"` + long + `"`,
	} {
		payload := b64("{" + claims + "}")
		k := keychain(t, "verify_iss: true, iss: a, verify_aud: true, aud: a, verify_sub: true, sub: a, verify_jti: true")
		_, _, err := authorize(t, k, envelope(t, payload, honest(t, alex(), payload)))
		if err == nil || !strings.Contains(err.Error(), name+" is") || strings.Count(err.Error(), "secret") > 64/len("secret ")+1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
