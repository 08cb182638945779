package tests

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
)

// What cannot be read is what a careless logger quotes: names and values of requests
// that break off, that are no UTF-8, or that say a thing twice.
func TestLogHoldsNothingOfRequestsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	a := start(t)
	const word, number = "Zaubernuss7", "4915112345678"
	token := bearer(t, signing.NewClaims(a.clock.Now(), time.Hour))
	const form, plain = "application/x-www-form-urlencoded", "application/json"
	sent := 0
	send := func(operation, contentType, body string) {
		t.Helper()
		sent++
		if got := a.send(operation, contentType, []byte(body), token); got.status < 400 || got.status >= 500 {
			t.Errorf("%s of %q got %s", operation, body, got)
		}
	}
	for _, body := range []string{
		"password=" + word + "\xff&phone=" + number + "\xfe", "password=" + word + "%ff&phone=" + number, "phone=" + number + "%zz&password=" + word,
		word + "\xff=" + number, "email=%ff" + word, "password=" + word + "&password=" + word, word + "=1&" + word + "=2", "phone=" + number + "&phone=" + number,
		word + "%zz", "%zz" + word, word + ";" + number, "email=" + word + "&email=" + number, strings.Repeat(word, 20) + "=1&" + strings.Repeat(word, 20) + "=2",
	} {
		send("importUser", form, body)
		send("createUser", form, body)
	}
	broken := []string{
		`{"data":{"` + word + `":`, `{"data":{"` + word + `":{"password":"` + word + `","password":"` + number + `"}}}`, `{"` + word + `":{"` + number + `":tru}}`,
		`{"data":{"password":"` + word + "\xff" + `"}}`, `{"data":{"` + word + `":1,"` + word + `":2}}`, `{"data":{"phone":` + number + `,"` + word + `"}}`,
		`{"data":{"a":{"` + word + `":[1,{"` + number + `":}]}}}`, `{"` + word + "\xff" + `":1}`, `{"data":{"password":"` + word + `\u12"}}`, `{"exp":"` + word + `"}`,
		`{"exp":1e999,"` + word + `":1}`, `{"data":"` + word + `"}`, `{"iss":{"` + word + `":1},"iat":"` + number + `"}`, `{"jti":["` + word + `"]}`, word, `"` + word + `"`,
	}
	for _, payload := range broken {
		encoded := base64.RawURLEncoding.EncodeToString([]byte(payload))
		protected := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`))
		signature := `"signatures":[{"protected":"` + protected + `","header":{"kid":"backend"},"signature":"` + encoded + `"}]`
		send("importUser", plain, `{"payload":"`+encoded+`",`+signature+`}`)
		send("importUser", plain, `{"payload":"`+encoded+`","`+word+`":`+payload+`,`+signature+`}`)
		header := base64.RawURLEncoding.EncodeToString([]byte(payload))
		send("importUser", plain, `{"payload":"`+encoded+`","signatures":[{"protected":"`+header+`","header":{"kid":"backend"},"signature":"`+encoded+`"}]}`)
		send("importUser", plain, `{"payload":"`+encoded+`","signatures":[{"protected":"`+protected+`","header":{"kid":"`+word+`","kid":"`+number+`"},"signature":""}]}`)
		send("importUser", plain, payload)
		a.send("importUser", plain, []byte("{}"), "Bearer "+header+"."+encoded+"."+encoded)
		sent++
	}
	log := a.log.String()
	if strings.Count(log, "msg=request") < sent {
		t.Fatalf("%d requests, and too few lines: %s", sent, log)
	}
	for line := range strings.Lines(log) {
		for _, secret := range []string{word, number} {
			if strings.Contains(strings.ToLower(line), strings.ToLower(secret)) {
				t.Errorf("%q is in the log: %s", secret, line)
			}
		}
	}
}
