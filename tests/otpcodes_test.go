package tests

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/pquerna/otp/totp"

	"barong/clients/go/signing"
	"barong/internal/keys"
	"barong/internal/otp"
	"barong/repository"
)

// The sentences of /otp/sign.
const (
	notEnabled  = "Account has not enabled 2FA"
	wrongCode   = "OTP code is invalid"
	usedCode    = "This code was already used. Wait until the next time period"
	maintenance = "2FA server is under maintenance"
	lockedOut   = "Too many attempts, try again later"
)

// local makes the backend of the database, with a key of its own.
func local(t testing.TB) func(*repository.Repository, func() time.Time) otp.Backend {
	return func(repo *repository.Repository, clock func() time.Time) otp.Backend {
		keeper, err := keys.Open(t.Context(), keys.NewURL())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = keeper.Close() })
		return otp.NewLocal(repo, keeper, clock)
	}
}

// enrolled is an active user with otp, and the secret.
func (a *api) enrolled() (uid string, secret otp.Secret) {
	a.t.Helper()
	uid = a.user(nil)
	a.label(uid, "email", "verified")
	return uid, a.enroll(uid)
}

// enroll gives a user a secret, and switches otp on.
func (a *api) enroll(uid string) otp.Secret {
	a.t.Helper()
	secret := otp.NewSecret()
	if err := a.codes.Enroll(a.t.Context(), uid, "ada@example.com", secret); err != nil {
		a.t.Fatal(err)
	}
	return secret
}

// code is the right one at a distance from now, made by another implementation
// of RFC 6238 than the server's.
func (a *api) code(secret otp.Secret, distance time.Duration) string {
	a.t.Helper()
	code, err := totp.GenerateCode(string(secret), a.clock.Now().Add(distance))
	if err != nil {
		a.t.Fatal(err)
	}
	return code
}

// wrong is a code that is not right now, nor soon, nor was it lately.
func (a *api) wrong(secret otp.Secret) string {
	a.t.Helper()
	for candidate := 100000; ; candidate++ {
		code := strconv.Itoa(candidate)
		if _, right := secret.Step(code, a.clock.Now()); !right {
			return code
		}
	}
}

// toSign is what a client wants to have signed: JSON of its own making, with the
// signature of another, and members that nobody knows.
func toSign(t testing.TB, claims map[string]any) (jws, other string) {
	t.Helper()
	body := payload(t.(*testing.T), claims)
	other = `{ "signature":"` + b64("made by <another> & sound") + `" , "protected" : "` + b64(`{"alg":"ES256"}`) + `","header":{"kid":"applogic","\u0061":[1.50,1e30]}}`
	return `{"x-trace": { "id" :1e400},"payload":"` + body + `", "signatures":[ ` + other + ` ]}`, other
}

func (a *api) sign(f form, uid, code string, jws string) answer {
	a.t.Helper()
	given := parameters{"user_uid": uid, "otp_code": code}
	if jws != "" {
		given["jwt"] = json.RawMessage(jws)
	}
	switch f {
	case formForm:
		if jws != "" {
			given["jwt"] = jws
		}
		return a.call(f, "signOTP", given)
	default:
		// By hand: the encoder would write the JWS anew.
		body := `{"user_uid":"` + uid + `","otp_code":"` + code + `"`
		if jws != "" {
			body += `,"jwt":` + jws
		}
		claims := signing.NewClaims(a.clock.Now(), time.Minute)
		if f == envelopeForm {
			text := b64(`{"data":` + body + `},"exp":` + strconv.FormatInt(claims.ExpiresAt.Unix(), 10) + `}`)
			signed, err := json.Marshal(envelope{text, []signature{{
				Protected: b64(`{"alg":"RS256"}`), Header: map[string]any{"kid": "backend"},
				Signature: rs256(a.t.(*testing.T), rsaKey(a.t.(*testing.T), backend()), `{"alg":"RS256"}`, text),
			}}})
			if err != nil {
				a.t.Fatal(err)
			}
			return a.send("signOTP", "application/json", signed, "")
		}
		return a.send("signOTP", "application/json", []byte(body+"}"), bearer(a.t, claims))
	}
}

// The protected headers of what the server signs for others, and on its own.
const (
	countersigned = `{"alg":"RS256"}`
	attested      = `{"alg":"RS256","typ":"barong-otp+jwt"}`
)

// verified is the payload of an answer whose signature by barong is a good
// countersignature.
func (a *api) verified(x answer) []byte {
	a.t.Helper()
	return a.verifiedAs(countersigned, x)
}

// verifiedAs is the payload of an answer whose signature by barong, under this
// protected header, is good by the published keys and a library that did not sign.
func (a *api) verifiedAs(protected string, x answer) []byte {
	a.t.Helper()
	if x.status != http.StatusCreated {
		a.t.Fatalf("answered %s", x)
	}
	response, err := http.Get(strings.TrimSuffix(a.url, "/api/v2/management") + "/.well-known/jwks.json")
	if err != nil {
		a.t.Fatal(err)
	}
	keys := decode[jose.JSONWebKeySet](a.t, read(a.t, response).body)
	published := keys.Key("barong")
	if len(published) != 1 || !published[0].IsPublic() || published[0].Algorithm != "RS256" || published[0].Use != "sig" {
		a.t.Fatalf("published: %+v", keys)
	}
	// The library would decode the entries of others too: only ours is handed on.
	parts := decode[envelope](a.t, x.body)
	last := parts.Signatures[len(parts.Signatures)-1]
	if last.Protected != b64(protected) || last.Header["kid"] != "barong" || len(last.Header) != 1 {
		a.t.Errorf("the signature by barong is %+v", last)
	}
	parsed, err := jose.ParseSignedCompact(last.Protected+"."+parts.Payload+"."+last.Signature, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		a.t.Fatal(err)
	}
	content, err := parsed.Verify(published[0])
	if err != nil {
		a.t.Fatalf("the published key does not verify: %v\n%s", err, x.body)
	}
	return content
}
