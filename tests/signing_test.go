package tests

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
)

// What Barong's clients send, built by hand as they build it: nothing here goes
// through package auth but the keys.

type signature struct {
	Protected string         `json:"protected"`
	Header    map[string]any `json:"header,omitempty"`
	Signature string         `json:"signature"`
}

type envelope struct {
	Payload    string      `json:"payload"`
	Signatures []signature `json:"signatures"`
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func rsaKey(t *testing.T, p party) *rsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode(p.private)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

func rs256(t *testing.T, key *rsa.PrivateKey, protected, payload string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(b64(protected) + "." + payload))
	signed, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(signed)
}

// payload is what Barong's Ruby client signs.
func payload(t *testing.T, claims map[string]any) string {
	t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return b64(string(text))
}

func TestEnvelopesOfBarongsClientsAreAccepted(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	now := a.clock.Now().Unix()
	key := rsaKey(t, backend())
	claims := map[string]any{"iat": now, "exp": now + 60, "jti": "1f2e3d", "iss": "applogic", "data": map[string]any{"uid": uid}}
	body := payload(t, claims)
	with := func(protected string, header map[string]any) signature {
		return signature{Protected: b64(protected), Header: header, Signature: rs256(t, key, protected, body)}
	}
	foreign := signature{Protected: b64(`{"alg":"ES256"}`), Header: map[string]any{"kid": "nobody"}, Signature: "AAAA"}
	kid := map[string]any{"kid": "backend"}
	for name, sent := range map[string]envelope{
		"general JWS, kid in the unprotected header": {body, []signature{with(`{"alg":"RS256"}`, kid)}},
		"typ in the protected header":                {body, []signature{with(`{"alg":"RS256","typ":"JWT"}`, kid)}},
		"kid in the protected header":                {body, []signature{with(`{"alg":"RS256","kid":"backend"}`, nil)}},
		"kid in both":                                {body, []signature{with(`{"kid":"backend","alg":"RS256"}`, kid)}},
		"unknown members":                            {body, []signature{with(`{"alg":"RS256","x":1}`, map[string]any{"kid": "backend", "y": 2})}},
		"padded base64url":                           {body, []signature{{Protected: base64.URLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`)), Header: kid, Signature: signPadded(t, key, `{"alg":"RS256"}`, body)}}},
		"a second signature, by nobody we know":      {body, []signature{with(`{"alg":"RS256"}`, kid), foreign}},
		"the same signer twice":                      {body, []signature{with(`{"alg":"RS256"}`, kid), with(`{"alg":"RS256"}`, kid)}},
	} {
		text := marshal(t, sent)
		if got := a.send("getUser", "application/json", text, ""); got.status != http.StatusCreated || got.object(t)["uid"] != uid {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if got := a.send("getUser", "application/json", text, "Bearer nonsense"); got.status != http.StatusCreated {
			t.Errorf("%s, beside a Bearer token, which must not matter: %d %s", name, got.status, got.body)
		}
	}
	if got := a.send("getUser", "application/json", []byte(`{"extra": [1], "signatures": [{"protected":"`+b64(`{"alg":"RS256"}`)+`","header":{"kid":"backend"},"signature":"`+
		rs256(t, key, `{"alg":"RS256"}`, body)+`"}], "payload": "`+body+`"}`), ""); got.status != http.StatusCreated {
		t.Errorf("members in another order, and one that nobody knows: %d %s", got.status, got.body)
	}
}

// signPadded signs over the padded header as it is sent.
func signPadded(t *testing.T, key *rsa.PrivateKey, protected, payload string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(base64.URLEncoding.EncodeToString([]byte(protected)) + "." + payload))
	signed, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.URLEncoding.EncodeToString(signed)
}

func TestForgedAndStaleEnvelopesAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	now := a.clock.Now().Unix()
	key := rsaKey(t, backend())
	kid := map[string]any{"kid": "backend"}
	good := map[string]any{"exp": now + 60, "iat": now, "data": map[string]any{"uid": "ID1"}}
	publicPEM := publicPEM(t, key)
	sign := func(protected string, claims map[string]any) envelope {
		body := payload(t, claims)
		return envelope{body, []signature{{Protected: b64(protected), Header: kid, Signature: rs256(t, key, protected, body)}}}
	}
	mac := func(secret string) envelope {
		body, protected := payload(t, good), `{"alg":"HS256"}`
		sum := hmac.New(sha256.New, []byte(secret))
		sum.Write([]byte(b64(protected) + "." + body))
		return envelope{body, []signature{{Protected: b64(protected), Header: kid, Signature: base64.RawURLEncoding.EncodeToString(sum.Sum(nil))}}}
	}
	without := func(claim string) map[string]any {
		rest := map[string]any{}
		for name, value := range good {
			if name != claim {
				rest[name] = value
			}
		}
		return rest
	}
	with := func(claim string, value any) map[string]any {
		rest := without(claim)
		rest[claim] = value
		return rest
	}
	tampered := sign(`{"alg":"RS256"}`, good)
	tampered.Payload = payload(t, with("data", map[string]any{"uid": "ID2"}))
	corrupted := sign(`{"alg":"RS256"}`, good)
	corrupted.Signatures = append(corrupted.Signatures, signature{Protected: b64(`{"alg":"ES256"}`), Header: map[string]any{"kid": "audit"}, Signature: b64(strings.Repeat("x", 64))})
	const unverified, missing = "Failed to verify JWT.", "Not enough signatures for the action."
	for name, c := range map[string]struct {
		sent any
		want string
	}{
		"alg none":                                  {envelope{payload(t, good), []signature{{Protected: b64(`{"alg":"none"}`), Header: kid}}}, unverified},
		"HS256 keyed with the public key's PEM":     {mac(publicPEM), unverified},
		"HS256 keyed with the keychain's value":     {mac(backend().value), unverified},
		"another RSA algorithm":                     {sign(`{"alg":"RS512"}`, good), unverified},
		"no alg":                                    {sign(`{}`, good), unverified},
		"an extension that must be understood":      {sign(`{"alg":"RS256","crit":["b64"],"b64":false}`, good), unverified},
		"payload changed":                           {tampered, unverified},
		"corrupted second signature of a permitted": {corrupted, unverified},
		"expired":              {sign(`{"alg":"RS256"}`, with("exp", now-6)), unverified},
		"never expires":        {sign(`{"alg":"RS256"}`, without("exp")), unverified},
		"exp is no number":     {sign(`{"alg":"RS256"}`, with("exp", "tomorrow")), unverified},
		"issued in the future": {sign(`{"alg":"RS256"}`, with("iat", now+7)), unverified},
		"not yet valid":        {sign(`{"alg":"RS256"}`, with("nbf", now+7)), unverified},
		"kids that disagree":   {sign(`{"alg":"RS256","kid":"audit"}`, good), unverified},
		"no signature at all":  {envelope{payload(t, good), []signature{}}, missing},
	} {
		got := a.send("getUser", "application/json", marshal(t, c.sent), "")
		if got.status != http.StatusUnauthorized || got.object(t)["error"] != c.want {
			t.Errorf("%s: %d %s, want %s", name, got.status, got.body, c.want)
		}
	}
}

func publicPEM(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestEveryMandatorySignerMustHaveSigned(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.keychain = keychainFile("audit") })
	data := []byte(`{"uid": "ID1"}`)
	claims := signing.NewClaims(a.clock.Now(), time.Minute)
	for _, c := range []struct {
		name    string
		signers []*signing.Signer
		status  int
		want    string
	}{
		{"both", []*signing.Signer{backend().signer, audit().signer}, 404, "Record is not found"},
		{"both and a stranger", []*signing.Signer{stranger().signer, audit().signer, backend().signer}, 404, "Record is not found"},
		{"one", []*signing.Signer{backend().signer}, 401, "Not enough signatures for the action."},
		{"the other", []*signing.Signer{audit().signer}, 401, "Not enough signatures for the action."},
		{"a stranger", []*signing.Signer{stranger().signer}, 401, "Not enough signatures for the action."},
		{"one and a stranger", []*signing.Signer{backend().signer, stranger().signer}, 401, "Not enough signatures for the action."},
		{"one, and an impostor", []*signing.Signer{audit().signer, impostor().signer}, 401, "Failed to verify JWT."},
	} {
		sent, err := signing.Envelope(data, claims, c.signers...)
		if err != nil {
			t.Fatal(err)
		}
		got := a.send("getUser", "application/json", sent, "")
		if got.status != c.status || got.object(t)["error"] != c.want {
			t.Errorf("%s: %d %s, want %d %s", c.name, got.status, got.body, c.status, c.want)
		}
	}
	token, err := signing.Token(claims, backend().signer)
	if err != nil {
		t.Fatal(err)
	}
	a.send("getUser", "application/json", data, "Bearer "+token).refused(t, 401, "Not enough signatures for the action.")
}

func TestBearerTokens(t *testing.T) {
	t.Parallel()
	a := start(t)
	claims := signing.NewClaims(a.clock.Now(), time.Minute)
	token := strings.TrimPrefix(bearer(t, claims), "Bearer ")
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER "} {
		if got := a.send("getTimestamp", "application/json", nil, scheme+token); got.status != http.StatusCreated {
			t.Errorf("%s: %d %s", scheme, got.status, got.body)
		}
	}
	parts := strings.Split(token, ".")
	none := b64(`{"alg":"none","kid":"backend"}`) + "." + parts[1] + "."
	for _, authorization := range []string{"", "Bearer", "Bearer ", "Basic " + token, token, "Bearer a.b.c", "Bearer " + token + "x", "Bearer " + token + ".x", "Bearer " + none} {
		a.send("getTimestamp", "application/json", nil, authorization).refused(t, 401, "Failed to verify JWT.")
	}
	a.clock.Advance(2 * time.Minute)
	a.send("getTimestamp", "application/json", nil, "Bearer "+token).refused(t, 401, "Failed to verify JWT.")
}

func TestScopeThatTheConfigurationLacksIsRefused(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.keychain = strings.Split(keychainFile(), "scopes:")[0] + "scopes: {}\n" })
	a.call(jsonForm, "getTimestamp", nil).refused(t, 401, "Failed to verify JWT.")
}

// Nothing remembers an envelope: what bounds a second use is exp, and what its
// signature covers.
func TestCapturedEnvelopeIsGoodForItsParametersUntilItExpires(t *testing.T) {
	t.Parallel()
	a := start(t)
	mine, other := a.user(nil), a.user(nil)
	now := a.clock.Now().Unix()
	claims := map[string]any{"exp": now + 60, "iat": now, "jti": "once", "data": map[string]any{"uid": mine}}
	body := payload(t, claims)
	captured := envelope{body, []signature{{
		Protected: b64(`{"alg":"RS256"}`), Header: map[string]any{"kid": "backend"}, Signature: rs256(t, rsaKey(t, backend()), `{"alg":"RS256"}`, body),
	}}}
	send := func(sent envelope) answer { return a.send("getUser", "application/json", marshal(t, sent), "") }
	for range 2 {
		if got := send(captured); got.status != http.StatusCreated || got.object(t)["uid"] != mine {
			t.Errorf("before it expires: %s", got)
		}
	}
	for claim, value := range map[string]any{"data": map[string]any{"uid": other}, "exp": now + 3600, "jti": "again"} {
		changed := captured
		with := maps.Clone(claims)
		with[claim] = value
		changed.Payload = payload(t, with)
		if got := send(changed); got.status != http.StatusUnauthorized {
			t.Errorf("with another %s: %s", claim, got)
		}
	}
	a.clock.Advance(time.Minute + 5*time.Second) // the leeway
	send(captured).refused(t, http.StatusUnauthorized, "Failed to verify JWT.")
}

func TestSignatureForOneOperationIsGoodForNoOther(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	a.label(uid, "ban", "fraud")
	claims := signing.NewClaims(a.clock.Now(), time.Minute)
	claims.Operation = "updateLabel"
	data := marshal(t, parameters{"user_uid": uid, "key": "ban", "value": "again"})
	ban, err := signing.Envelope(data, claims, backend().signer)
	if err != nil {
		t.Fatal(err)
	}
	form := []byte("user_uid=" + uid + "&key=ban&value=again")
	for name, send := range map[string]func(operation string) answer{
		"envelope": func(operation string) answer { return a.send(operation, "application/json", ban, "") },
		"json":     func(operation string) answer { return a.send(operation, "application/json", data, bearer(t, claims)) },
		"form": func(operation string) answer {
			return a.send(operation, "application/x-www-form-urlencoded", form, bearer(t, claims))
		},
	} {
		for _, operation := range []string{"deleteLabel", "createLabel", "listUsers"} {
			if got := send(operation); got.status != http.StatusUnauthorized || got.object(t)["error"] != "Failed to verify JWT." {
				t.Errorf("%s: %s answered %s", name, operation, got)
			}
		}
		if got := send("updateLabel"); got.status != http.StatusOK {
			t.Errorf("%s: the operation that it is for: %s", name, got)
		}
	}
	if !strings.Contains(a.log.String(), `op is \"updateLabel\", and the operation is deleteLabel`) {
		t.Errorf("the log does not say why: %s", a.log)
	}
}
