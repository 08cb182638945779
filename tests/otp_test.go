package tests

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"barong/internal/identity"
)

func TestOTPSignsTheJWSAndLeavesOthersAsTheyWere(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid, secret := a.enrolled()
		jws, other := toSign(t, map[string]any{"data": map[string]any{"amount": "1 < 2"}, "exp": 1})
		got := a.sign(f, uid, a.code(secret, 0), jws)
		if content := a.verified(got); string(content) != `{"data":{"amount":"1 \u003c 2"},"exp":1}` {
			t.Errorf("signed %s", content)
		}
		signed := decode[envelope](t, got.body)
		if len(signed.Signatures) != 2 || !bytes.Contains(got.body, []byte(`"signatures":[`+other+",")) {
			t.Errorf("the signature of another is not as it was:\n%s\n%s", other, got.body)
		}
		if !bytes.Contains(got.body, []byte(`"x-trace":{ "id" :1e400}`)) {
			t.Errorf("a member that nobody knows is not as it was: %s", got.body)
		}
		if contentType := got.header.Get("Content-Type"); contentType != "application/json" {
			t.Errorf("Content-Type is %q", contentType)
		}

		// Signed again, it has one signature by barong, and still that of the other.
		a.clock.Advance(time.Minute)
		again := a.sign(f, uid, a.code(secret, 0), strings.TrimSpace(string(got.body)))
		a.verified(again)
		if signed := decode[envelope](t, again.body); len(signed.Signatures) != 2 || !bytes.Contains(again.body, []byte(other)) {
			t.Errorf("signed again: %s", again.body)
		}
	})
}

func TestOTPReplacesASignatureByBarongWhereverItsNameStands(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	body := b64(`{}`)
	inside := `{"protected":"` + b64(`{"alg":"RS256","kid":"barong"}`) + `","signature":"AAAA"}`
	outside := `{"protected":"` + b64(`{"alg":"RS256"}`) + `","header":{"kid":"barong"},"signature":"AAAA"}`
	got := a.sign(jsonForm, uid, a.code(secret, 0), `{"payload":"`+body+`","signatures":[`+inside+`,`+outside+`]}`)
	a.verified(got)
	if signed := decode[envelope](t, got.body); len(signed.Signatures) != 1 {
		t.Errorf("%s", got.body)
	}
}

func TestOTPAttestsWhereNoJWSIsGiven(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid, secret := a.enrolled()
		claims := decode[map[string]any](t, a.verifiedAs(attested, a.sign(f, uid, " "+a.code(secret, 0)+" ", "")))
		now := float64(a.clock.Now().Unix())
		if claims["iss"] != "barong" || claims["sub"] != uid || claims["iat"] != now || claims["exp"] != now+60 || len(claims) != 5 || len(claims["jti"].(string)) < 16 {
			t.Errorf("%v", claims)
		}
	})
}

func TestOTPFailuresInTheirOrder(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid, secret := a.enrolled()
		pending := a.user(nil)
		if err := a.codes.Enroll(t.Context(), pending, "x", secret); err != nil {
			t.Fatal(err)
		}
		plain := a.user(nil)
		a.label(plain, "email", "verified")
		const broken = `{"payload":"!","signatures":[]}`
		a.sign(f, "nobody", "1", broken).refused(t, http.StatusNotFound, "Record is not found")
		a.sign(f, pending, "1", broken).refused(t, http.StatusNotFound, "Record is not found")
		a.sign(f, plain, "1", broken).refused(t, http.StatusUnprocessableEntity, notEnabled)
		a.sign(f, uid, "1", broken).refused(t, http.StatusUnprocessableEntity, `JWT is invalid by the reason "payload is not base64url"`)
		a.sign(f, uid, "1", "").refused(t, http.StatusUnprocessableEntity, wrongCode)
		a.sign(f, uid, a.wrong(secret), "").refused(t, http.StatusUnprocessableEntity, wrongCode)
		a.sign(f, uid, a.code(secret, 0), broken).refused(t, http.StatusUnprocessableEntity, `JWT is invalid by the reason "payload is not base64url"`)
		a.verifiedAs(attested, a.sign(f, uid, a.code(secret, 0), "")) // what was wrong before has not spent it
		a.sign(f, uid, a.code(secret, 0), "").refused(t, http.StatusUnprocessableEntity, usedCode)
		if user := a.must("getUser", parameters{"uid": uid}).object(t); user["otp"] != true {
			t.Errorf("otp is not shown: %v", user)
		}
	})
}

func TestOTPErrorsAreTheSameBytesInEachForm(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	a.verifiedAs(attested, a.sign(jsonForm, uid, a.code(secret, 0), ""))
	for name, call := range map[string]func(f form) answer{
		"used": func(f form) answer { return a.sign(f, uid, a.code(secret, 0), "") },
		"no JWS": func(f form) answer {
			return a.sign(f, uid, "1", `{"payload":"`+b64(`{"é":1,"é":2}`)+`","signatures":[]}`)
		},
		"no object": func(f form) answer { return a.sign(f, uid, "1", `[1]`) },
		"wrong":     func(f form) answer { return a.sign(f, uid, a.wrong(secret), "") },
		"nobody":    func(f form) answer { return a.sign(f, "nobody", "123456", "") },
	} {
		first := call(forms[0])
		for _, f := range forms[1:] {
			if got := call(f); got.status != first.status || !bytes.Equal(got.body, first.body) {
				t.Errorf("%s: %s gives %s, %s gives %s", name, forms[0], first, f, got)
			}
		}
	}
}

func TestOTPCodeCountsWhateverBlanksAreInIt(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		for _, spelled := range []string{"%s %s", " %s\t%s\n", "%s\u00a0%s", "%s\u2009%s", "\u200b%s\u202f%s\ufeff", "%s\u3000%s"} {
			uid, secret := a.enrolled()
			code := a.code(secret, 0)
			got := a.call(f, "signOTP", parameters{"user_uid": uid, "otp_code": fmt.Sprintf(spelled, code[:3], code[3:])})
			a.verifiedAs(attested, got)
			a.sign(f, uid, code, "").refused(t, http.StatusUnprocessableEntity, usedCode)
		}
		uid, secret := a.enrolled()
		for _, spelled := range []string{"%s-%s", "%s_%s", "%s %s ٠", "x%s%s"} {
			code := a.code(secret, 0)
			a.call(f, "signOTP", parameters{"user_uid": uid, "otp_code": fmt.Sprintf(spelled, code[:3], code[3:])}).
				refused(t, http.StatusUnprocessableEntity, wrongCode)
		}
	})
}

func TestOTPCodeThatComesAsANumberGetsItsZerosBack(t *testing.T) {
	t.Parallel()
	for _, f := range []form{envelopeForm, jsonForm} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			a := start(t)
			uid, secret := a.enrolled()
			for _, zeros := range []string{"", "0", "00"} {
				a.clock.Advance(30 * time.Second)
				code := a.code(secret, 0)
				for ; !strings.HasPrefix(code, zeros) || code == "000000"; code = a.code(secret, 0) {
					a.clock.Advance(30 * time.Second)
				}
				number := strings.TrimLeft(code, "0")
				if number != code { // a text has all its digits
					a.call(f, "signOTP", parameters{"user_uid": uid, "otp_code": number}).refused(t, http.StatusUnprocessableEntity, wrongCode)
				}
				a.verifiedAs(attested, a.call(f, "signOTP", parameters{"user_uid": uid, "otp_code": json.Number(number)}))
			}
			for _, number := range []string{"1e5", "12345.0", "-12345", "1234567", "0"} {
				a.call(f, "signOTP", parameters{"user_uid": a.user(nil), "otp_code": json.Number(number)}).refused(t, http.StatusNotFound, "Record is not found")
			}
		})
	}
}

func TestOTPCodeMayBeOneStepEarlyOrLate(t *testing.T) {
	t.Parallel()
	a := start(t)
	for distance, right := range map[time.Duration]bool{
		-60 * time.Second: false, -30 * time.Second: true, 0: true, 30 * time.Second: true, 60 * time.Second: false,
	} {
		uid, secret := a.enrolled()
		got := a.sign(jsonForm, uid, a.code(secret, distance), "")
		if right {
			a.verifiedAs(attested, got)
		} else {
			got.refused(t, http.StatusUnprocessableEntity, wrongCode)
		}
	}
}

func TestOTPStepCountsOnceAndNoneBeforeIt(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	a.verifiedAs(attested, a.sign(jsonForm, uid, a.code(secret, 0), ""))
	late, now, early := a.code(secret, -30*time.Second), a.code(secret, 0), a.code(secret, 30*time.Second)
	a.sign(jsonForm, uid, late, "").refused(t, http.StatusUnprocessableEntity, usedCode)
	a.sign(jsonForm, uid, now, "").refused(t, http.StatusUnprocessableEntity, usedCode)
	a.verifiedAs(attested, a.sign(jsonForm, uid, early, ""))
	a.clock.Advance(30 * time.Second)
	a.sign(jsonForm, uid, early, "").refused(t, http.StatusUnprocessableEntity, usedCode)
	a.clock.Advance(30 * time.Second)
	a.verifiedAs(attested, a.sign(jsonForm, uid, a.code(secret, 0), ""))
}

func TestOneOfManyWinsTheSameOTPCode(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	code := a.code(secret, 0)
	answers := concurrently(func(i int) answer { return a.sign(forms[i%3], uid, code, "") })
	for _, got := range answers {
		if got.status != http.StatusCreated {
			got.refused(t, http.StatusUnprocessableEntity, usedCode)
		}
	}
	if won := count(answers, http.StatusCreated); won != 1 {
		t.Errorf("%d won", won)
	}
}

func TestOTPRefusesWhatIsNoJWSWithoutSpendingTheCode(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	ok := `{"protected":"` + b64(`{"alg":"RS256"}`) + `","signature":"AA"}`
	with := func(payload, signatures string) string {
		return `{"payload":` + payload + `,"signatures":` + signatures + `}`
	}
	good := `"` + b64(`{}`) + `"`
	for jws, reason := range map[string]string{
		`{}`:                          "payload is missing",
		`{"payload":` + good + `}`:    "signatures are missing",
		with(`5`, `[]`):               "payload is not a string",
		with(`"!"`, `[]`):             "payload is not base64url",
		with(`"`+b64(`[]`)+`"`, `[]`): "payload is not a JSON object",
		with(good, `{}`):              "signatures: is not a JSON array",
		with(good, `[]`):              "signatures are empty",
		`{"signatures":[],"payload":` + good + `,"x":"` + strings.Repeat("x", 64<<10) + `"}`: "it is longer than 65536 bytes",
		with(good, `[5]`):                                                                            "signatures: an element is not a JSON object",
		with(good, `[{"signature":"AA"}]`):                                                           "signatures: an element has no protected header",
		with(good, `[{"protected":"`+b64(`{}`)+`"}]`):                                                "signatures: an element has no signature",
		with(good, `[{"protected":"!","signature":"AA"}]`):                                           "signatures: the protected header is not base64url",
		with(good, `[{"protected":"`+b64(`5`)+`","signature":"AA"}]`):                                "signatures: the protected header is not a JSON object",
		with(good, `[{"protected":"`+b64(`{}`)+`","signature":"="}]`):                                "signatures: the signature of an element is not base64url",
		with(good, `[{"protected":"`+b64(`{}`)+`","header":5,"signature":"AA"}]`):                    "signatures: the header of an element is not a JSON object",
		with(good, `[{"protected":"`+b64(`{"kid":"a"}`)+`","header":{"kid":"b"},"signature":"AA"}]`): "signatures: an element has one kid in its protected header and another in its header",
		with(`"`+b64(`{"iss":"barong","sub":"ID0000000000"}`)+`"`, `[`+ok+`]`):                       "payload is an attestation about another user",
		with(`"`+b64(`{"iss":["BARONG"],"sub":"ID0000000000"}`)+`"`, `[`+ok+`]`):                     "payload is an attestation about another user",
		with(`"`+b64(`{"iss":"barong"}`)+`"`, `[`+ok+`]`):                                            "payload is an attestation whose iss or sub can be read in two ways",
	} {
		got := a.sign(jsonForm, uid, a.code(secret, 0), jws)
		got.refused(t, http.StatusUnprocessableEntity, `JWT is invalid by the reason "`+reason+`"`)
	}
	for _, value := range []string{`5`, `"text"`, `[]`, `true`} {
		a.sign(jsonForm, uid, a.code(secret, 0), value).refused(t, http.StatusUnprocessableEntity, "jwt is invalid")
	}
	a.verified(a.sign(jsonForm, uid, a.code(secret, 0), with(`"`+b64(`{"iss":"barong","sub":"`+uid+`"}`)+`"`, `[`+ok+`]`)))
}

func TestOTPSecretsAreEncryptedAndBoundToTheirUser(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	victim, theirs := a.enrolled()
	var stored []byte
	if err := a.pool.QueryRow(t.Context(), "SELECT secret FROM otp_secrets WHERE user_id = (SELECT id FROM users WHERE uid = $1)", uid).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(stored, []byte(secret)) || bytes.Contains(stored, []byte(base64.StdEncoding.EncodeToString([]byte(secret)))) {
		t.Error("the secret can be read in the database")
	}
	if _, err := a.pool.Exec(t.Context(), "UPDATE otp_secrets SET secret = $1", stored); err != nil {
		t.Fatal(err)
	}
	a.sign(jsonForm, victim, a.code(secret, 0), "").refused(t, http.StatusUnprocessableEntity, maintenance)
	a.sign(jsonForm, victim, a.code(theirs, 0), "").refused(t, http.StatusUnprocessableEntity, maintenance)
	if _, err := a.pool.Exec(t.Context(), "UPDATE otp_secrets SET secret = 'nonsense'"); err != nil {
		t.Fatal(err)
	}
	a.sign(jsonForm, uid, a.code(secret, 0), "").refused(t, http.StatusUnprocessableEntity, maintenance)
	if !regexp.MustCompile(`level=WARN.*could not be decrypted`).MatchString(a.log.String()) {
		t.Errorf("the operator learns nothing: %s", a.log)
	}
	for _, kept := range []string{string(secret), string(theirs)} {
		if strings.Contains(a.log.String(), kept) {
			t.Error("a secret is in the log")
		}
	}
	if _, err := a.pool.Exec(t.Context(), "DELETE FROM otp_secrets"); err != nil {
		t.Fatal(err)
	}
	a.sign(jsonForm, uid, a.code(secret, 0), "").refused(t, http.StatusUnprocessableEntity, wrongCode)
	if !strings.Contains(a.log.String(), "the database has no secret") {
		t.Error("nor of a secret that is missing")
	}
}

func TestOTPSigningReadsNothingOfTheUserButTheAccount(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	for _, table := range []string{"documents", "labels", "phones", "profiles"} {
		if _, err := a.pool.Exec(t.Context(), "ALTER TABLE "+table+" RENAME TO away_"+table); err != nil {
			t.Fatal(err)
		}
	}
	a.verifiedAs(attested, a.sign(jsonForm, uid, a.code(secret, 0), ""))
}

func TestOTPKeysArePublished(t *testing.T) {
	t.Parallel()
	a := start(t)
	root := strings.TrimSuffix(a.url, "/api/v2/management")
	response, err := http.Get(root + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, response)
	keys := decode[map[string][]map[string]string](t, got.body)["keys"]
	if got.header.Get("Content-Type") != "application/jwk-set+json" || len(keys) != 1 {
		t.Fatalf("%v %s", got.header, got)
	}
	for name, value := range map[string]string{"kid": "barong", "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB"} {
		if keys[0][name] != value {
			t.Errorf("%s is %q", name, keys[0][name])
		}
	}
	for _, secret := range []string{"d", "p", "q", "dp", "dq", "qi"} {
		if keys[0][secret] != "" {
			t.Errorf("the private member %s is published", secret)
		}
	}
	refused := a.raw("POST", root+"/.well-known/jwks.json", "", "")
	refused.refused(t, http.StatusMethodNotAllowed, "Only POST and PUT verbs are allowed.")
	if allow := refused.header.Get("Allow"); allow != "GET, HEAD" {
		t.Errorf("Allow is %q", allow)
	}
}

func TestOTPOfALockedOrBannedAccountDoesNotCount(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, secret := a.enrolled()
	a.label(uid, "ban", "fraud")
	a.sign(jsonForm, uid, a.code(secret, 0), "").refused(t, http.StatusNotFound, identity.ErrRecordNotFound.Detail)
}

func BenchmarkSignOTP(b *testing.B) {
	a := start(b)
	uid, secret := a.enrolled()
	for b.Loop() {
		b.StopTimer()
		a.clock.Advance(time.Minute)
		code := a.code(secret, 0)
		b.StartTimer()
		if got := a.sign(jsonForm, uid, code, ""); got.status != http.StatusCreated {
			b.Fatal(got)
		}
	}
}
