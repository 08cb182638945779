package auth_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"testing"

	"barong/clients/go/signing"
	"barong/internal/auth"
)

// value returns the keychain value of a PEM block.
func value(kind string, der []byte) string {
	return base64.URLEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestKeychainThatIsRefused(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weakDER, err := x509.MarshalPKIXPublicKey(&weak.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(alex().publicPEM(t))
	private := base64.URLEncoding.EncodeToString(alex().private)
	p384 := newParty("x", "ES384")()
	entry := func(algorithm, value string) string {
		return fmt.Sprintf("keychain:\n  backend-1.example:\n    algorithm: %s\n    value: %q\n", algorithm, value)
	}
	scope := func(lists string) string {
		return fmt.Sprintf("keychain:\n%s\n%s\nscopes:\n  write_labels: {%s}\n", alex().entry(), jeff().entry(), lists)
	}
	const place = "keychain.backend-1.example"
	for name, test := range map[string]struct {
		file string
		says []string
	}{
		"a private key":                       {entry("RS256", private), []string{place + ".value is a private key"}},
		"a private key in plain PEM":          {entry("RS256", string(alex().private)), []string{place + ".value is a private key"}},
		"a private key of a curve":            {entry("ES256", value("EC PRIVATE KEY", []byte{1})), []string{place + ".value is a private key"}},
		"a public and a private key":          {entry("RS256", base64.URLEncoding.EncodeToString(append(alex().publicPEM(t), alex().private...))), []string{place + ".value is a private key"}},
		"plain PEM":                           {entry("RS256", string(alex().publicPEM(t))), []string{place + ".value is plain PEM", "base64"}},
		"no base64":                           {entry("RS256", "a key!"), []string{place + ".value is not url-safe base64 of a PEM public key"}},
		"no PEM":                              {entry("RS256", "aGVsbG8="), []string{place + ".value is base64, but not of a PEM public key"}},
		"DER without PEM":                     {entry("RS256", base64.URLEncoding.EncodeToString(block.Bytes)), []string{place + ".value is base64, but not of a PEM public key"}},
		"no key in the PEM":                   {entry("RS256", value("PUBLIC KEY", []byte("x"))), []string{place + ".value is no public key"}},
		"a certificate":                       {entry("RS256", value("CERTIFICATE", []byte("x"))), []string{place + ".value is a PEM CERTIFICATE"}},
		"two public keys":                     {entry("RS256", base64.URLEncoding.EncodeToString(bytes.Repeat(alex().publicPEM(t), 2))), []string{place + ".value has something after"}},
		"an empty value":                      {entry("RS256", ""), []string{place + ".value is missing"}},
		"no value":                            {"keychain: {backend-1.example: {algorithm: RS256}}", []string{place + ".value is missing"}},
		"no algorithm":                        {"keychain: {backend-1.example: {value: x}}", []string{place + ".algorithm", `""`, "RS256"}},
		"no entry":                            {"keychain: {backend-1.example: }", []string{place + ".algorithm"}},
		"the algorithm none":                  {entry("none", alex().value), []string{place + ".algorithm", `"none"`, "RS256"}},
		"an algorithm in lower case":          {entry("rs256", jeff().value), []string{place + ".algorithm", `"rs256"`, "for which the algorithm is ES256"}},
		"RSA of 1024 bits for RS":             {entry("RS256", value("PUBLIC KEY", weakDER)), []string{place + ".value does not fit", "2048 bits", "1024"}},
		"RSA of 1024 bits for PS":             {entry("PS256", value("PUBLIC KEY", weakDER)), []string{place + ".value does not fit", "2048 bits", "1024"}},
		"an RSA key for ES256":                {entry("ES256", alex().value), []string{place + ".value does not fit", "P-256", "RSA", "write RS256"}},
		"an RSA key for EdDSA":                {entry("EdDSA", alex().value), []string{place + ".value does not fit", "Ed25519", "RSA"}},
		"a P-256 key for RS256":               {entry("RS256", jeff().value), []string{place + ".value does not fit", "RSA", "P-256", "write ES256"}},
		"a P-256 key for ES384":               {entry("ES384", jeff().value), []string{place + ".value does not fit", "P-384", "P-256"}},
		"a P-384 key for ES256":               {entry("ES256", p384.value), []string{place + ".value does not fit", "P-256", "P-384"}},
		"a P-384 key for ES512":               {entry("ES512", p384.value), []string{place + ".value does not fit", "P-521", "P-384", "write ES384"}},
		"an Ed25519 key for PS512":            {entry("PS512", james().value), []string{place + ".value does not fit", "RSA", "Ed25519", "write EdDSA"}},
		"a secret of 31 bytes":                {entry("HS256", strings.Repeat("s", 31)), []string{place + ".value is a secret of 31 bytes, and must have 32 at least", "keygen"}},
		"a short secret for HS384":            {entry("HS384", "changeme"), []string{place + ".value is a secret of 8 bytes"}},
		"a short secret for HS512":            {entry("HS512", "s"), []string{place + ".value is a secret of 1 bytes"}},
		"an empty secret":                     {entry("HS256", ""), []string{place + ".value is empty"}},
		"a public key as a secret":            {entry("HS256", alex().value), []string{place + ".value is a PEM key, for which the algorithm is RS256"}},
		"a public key in PEM as a secret":     {entry("HS512", string(alex().publicPEM(t))), []string{place + ".value is a PEM key"}},
		"a private key as a secret":           {entry("HS384", private), []string{place + ".value is a PEM key"}},
		"a private key in PEM as a secret":    {entry("HS384", string(alex().private)), []string{place + ".value is a PEM key"}},
		"an unknown member of an entry":       {"keychain: {backend-1.example: {algorithm: HS256, value: x, key: y}}", []string{place + ".key is an unknown option"}},
		"an entry that is no mapping":         {"keychain: {backend-1.example: topsecret}", []string{place + " must be a mapping"}},
		"an entry twice":                      {"keychain:\n  a: {algorithm: HS256, value: x}\n  a: {algorithm: HS256, value: y}", []string{"keychain must be a mapping, each of its members once"}},
		"an entry's value twice":              {"keychain: {a: {algorithm: HS256, value: x, value: y}}", []string{"keychain.a must be a mapping, each of its members once"}},
		"an entry without a name":             {`keychain: {"": {algorithm: HS256, value: x}}`, []string{"keychain has an entry without a name"}},
		"a value that is a list":              {"keychain: {a: {algorithm: HS256, value: [x]}}", []string{"keychain.a.value must be a string"}},
		"a keychain that is a list":           {"keychain: [a]", []string{"keychain must be a mapping"}},
		"a file that is a list":               {"- keychain", []string{"the file must be a mapping"}},
		"a file that is no YAML":              {"keychain: {", []string{"the file is not YAML"}},
		"a second document":                   {"keychain: {}\n---\nkeychain: {}", []string{"after its first YAML document"}},
		"an unknown section":                  {"keychain: {}\nscope: {}", []string{"scope is an unknown option", "the file takes [jwt keychain scopes]"}},
		"a section twice":                     {"scopes: {}\nscopes: {}", []string{"the file must be a mapping, each of its members once"}},
		"no mandatory signer":                 {scope("permitted_signers: [alex], mandatory_signers: []"), []string{"scopes.write_labels.mandatory_signers is empty"}},
		"no list of mandatory signers":        {scope("permitted_signers: [alex]"), []string{"scopes.write_labels.mandatory_signers is empty"}},
		"null for the mandatory signers":      {scope("permitted_signers: [alex], mandatory_signers: "), []string{"scopes.write_labels.mandatory_signers is empty"}},
		"a mandatory signer not permitted":    {scope("permitted_signers: [alex], mandatory_signers: [alex, jeff]"), []string{`scopes.write_labels.mandatory_signers has "jeff", who is not among the permitted_signers`}},
		"a permitted signer without a key":    {scope("permitted_signers: [alex, nemo], mandatory_signers: [alex]"), []string{`scopes.write_labels.permitted_signers has "nemo", whom the keychain lacks`}},
		"a blank permitted signer":            {scope("permitted_signers: [alex, ~], mandatory_signers: [alex]"), []string{"scopes.write_labels.permitted_signers must be a list"}},
		"a mandatory signer that is blank":    {scope("permitted_signers: [alex], mandatory_signers: [alex, ~]"), []string{"scopes.write_labels.mandatory_signers must be a list"}},
		"a signer of the empty name":          {scope(`permitted_signers: [alex, ""], mandatory_signers: [alex]`), []string{`scopes.write_labels.permitted_signers has "", whom the keychain lacks`}},
		"signers that are no list":            {scope("permitted_signers: alex, mandatory_signers: [alex]"), []string{"scopes.write_labels.permitted_signers must be a list"}},
		"an unknown member of a scope":        {scope("permitted_signers: [alex], mandatory_signers: [alex], optional_signers: [jeff]"), []string{"scopes.write_labels.optional_signers is an unknown option"}},
		"a scope that is null":                {"scopes: {write_labels: }", []string{"scopes.write_labels.mandatory_signers is empty"}},
		"scopes that are a string":            {"scopes: all", []string{"scopes must be a mapping"}},
		"an unknown option":                   {"jwt: {verify_everything: true}", []string{"jwt.verify_everything is an unknown option", "verify_jti"}},
		"the algorithm none for all":          {"jwt: {algorithm: none}", []string{"jwt.algorithm: the algorithm \"none\" is not one of"}},
		"none among the algorithms for all":   {"jwt: {algorithms: [RS256, none]}", []string{"jwt.algorithms: the algorithm \"none\" is not one of"}},
		"no algorithms for all":               {"jwt: {algorithms: []}", []string{"jwt.algorithms is empty"}},
		"an algorithm for all left blank":     {"jwt: {algorithm: }", []string{"jwt.algorithm must be a string or a list"}},
		"a key of none of the algorithms":     {entry("ES256", jeff().value) + "jwt: {algorithm: RS256}", []string{place + ".algorithm is ES256, and jwt.algorithm allows RS256"}},
		"a key beyond a list of algorithms":   {entry("ES256", jeff().value) + "jwt: {algorithm: [RS256], algorithms: [PS256, EdDSA]}", []string{place + ".algorithm is ES256, and jwt.algorithm allows RS256, PS256, EdDSA"}},
		"an HS key where keys are public":     {entry("HS256", strings.Repeat("s", 32)) + "jwt: {algorithms: [RS256, ES256]}", []string{place + ".algorithm is HS256, and jwt.algorithm allows RS256, ES256"}},
		"a yes that is none":                  {"jwt: {verify_iat: maybe}", []string{"jwt.verify_iat must be true or false"}},
		"a yes in quotes":                     {`jwt: {verify_iat: "true"}`, []string{"jwt.verify_iat must be true or false"}},
		"an option left blank":                {"jwt: {verify_expiration: }", []string{"jwt.verify_expiration must be true or false"}},
		"jwt a list":                          {"jwt: [verify_iat]", []string{"jwt must be a mapping"}},
		"a leeway below zero":                 {"jwt: {leeway: -1}", []string{"jwt.leeway must be a number of seconds from 0 to 1000000000"}},
		"a leeway past every bound":           {"jwt: {exp_leeway: 1000000001}", []string{"jwt.exp_leeway must be a number of seconds"}},
		"a leeway of infinity":                {"jwt: {nbf_leeway: .inf}", []string{"jwt.nbf_leeway must be a number of seconds"}},
		"a leeway that is not a number":       {"jwt: {iat_leeway: .nan}", []string{"jwt.iat_leeway must be a number of seconds"}},
		"a leeway in words":                   {"jwt: {leeway: 5s}", []string{"jwt.leeway must be a number of seconds"}},
		"a lifetime of zero":                  {"jwt: {max_lifetime: 0}", []string{"jwt.max_lifetime is 0"}},
		"a lifetime below zero":               {"jwt: {max_lifetime: -60}", []string{"jwt.max_lifetime must be a number of seconds"}},
		"a lifetime in words":                 {"jwt: {max_lifetime: 1m}", []string{"jwt.max_lifetime must be a number of seconds"}},
		"a lifetime of what never expires":    {"jwt: {max_lifetime: 60, verify_expiration: false}", []string{"jwt.max_lifetime is set, and jwt.verify_expiration is false"}},
		"verify_iss without iss":              {"jwt: {verify_iss: true}", []string{"jwt.verify_iss is true, and jwt.iss does not say"}},
		"verify_iss with an empty iss":        {`jwt: {verify_iss: true, iss: ""}`, []string{"jwt.verify_iss is true, and jwt.iss does not say"}},
		"verify_iss with a blank among many":  {`jwt: {verify_iss: true, iss: [a, ""]}`, []string{"jwt.verify_iss is true, and jwt.iss does not say"}},
		"verify_iss with a mapping":           {"jwt: {verify_iss: true, iss: {a: b}}", []string{"jwt.iss must be a string or a list of strings"}},
		"verify_aud without aud":              {"jwt: {verify_aud: true, aud: []}", []string{"jwt.verify_aud is true, and jwt.aud does not say"}},
		"verify_sub without sub":              {"jwt: {verify_sub: true, iss: x}", []string{"jwt.verify_sub is true, and jwt.sub does not say"}},
		"verify_sub with a list":              {"jwt: {verify_sub: true, sub: [a]}", []string{"jwt.sub must be a string"}},
		"a variable that is not set":          {`keychain: {a: {algorithm: RS256, value: "<%= ENV['AUTH_UNSET'] %>"}}`, []string{"keychain.a.value: the environment variable AUTH_UNSET is not set"}},
		"other Ruby in a value":               {`keychain: {a: {algorithm: RS256, value: "<%= File.read('key.pem') %>"}}`, []string{"keychain.a.value", "only <%= ENV['NAME'] %> is understood"}},
		"ENV with a default":                  {`keychain: {a: {algorithm: HS256, value: "<%= ENV.fetch('X', 'y') %>"}}`, []string{"keychain.a.value", "only <%= ENV['NAME'] %> is understood"}},
		"ENV with mixed brackets":             {`keychain: {a: {algorithm: HS256, value: "<%= ENV['X') %>"}}`, []string{"only <%= ENV['NAME'] %> is understood"}},
		"a statement around entries":          {"<% if true %>\nkeychain: {}\n<% end %>", []string{"only <%= ENV['NAME'] %> is understood"}},
		"a tag that does not end on its line": {"keychain: {a: {algorithm: HS256, value: \"<%= ENV['X']\n%>\"}}", []string{"only <%= ENV['NAME'] %> is understood"}},
		"all that is wrong":                   {"x: 1\nkeychain: {a: {algorithm: none, value: x}, b: {algorithm: HS256, value: ''}}\njwt: {y: 1}\nscopes: {z: }", []string{"x is an", "keychain.a.algorithm", "keychain.b.value", "jwt.y", "scopes.z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, err := auth.ParseKeychain([]byte(test.file), os.Getenv)
			if k != nil || err == nil {
				t.Fatal("the file is taken")
			}
			contains(t, err, test.says...)
			for _, secret := range []string{"topsecret", private[:40], string(alex().private[40:80]), "[]", "auth.", "yaml.Node"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error says %q: %v", secret, err)
				}
			}
		})
	}
}

func TestKeychainThatIsTaken(t *testing.T) {
	t.Parallel()
	pkcs1, err := x509.ParsePKIXPublicKey(func() []byte { block, _ := pem.Decode(alex().publicPEM(t)); return block.Bytes }())
	if err != nil {
		t.Fatal(err)
	}
	public := alex().publicPEM(t)
	entry := func(value string) string {
		return "keychain:\n  alex:\n    algorithm: RS256\n    value: " + value + "\n" +
			"scopes:\n  write_labels:\n    permitted_signers: ['alex']\n    mandatory_signers: ['alex']\n"
	}
	wrapped := func(text string) string {
		var lines strings.Builder
		for ; len(text) > 60; text = text[60:] {
			lines.WriteString("\n      " + text[:60])
		}
		return "|" + lines.String() + "\n      " + text
	}
	environment := map[string]string{"KEY": alex().value, "NAME": "alex", "LEEWAY": "100", "ON": "true", "MULTI": "line\n\"quoted\"\n# no comment: [x"}
	for name, file := range map[string]string{
		"padded":                      entry(base64.URLEncoding.EncodeToString(public)),
		"unpadded":                    entry(base64.RawURLEncoding.EncodeToString(public)),
		"in the standard alphabet":    entry(base64.StdEncoding.EncodeToString(public)),
		"broken into lines":           entry(wrapped(base64.StdEncoding.EncodeToString(public))),
		"in quotes, with spaces":      entry(`" ` + alex().value + ` "`),
		"PKCS #1":                     entry(value("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(pkcs1.(*rsa.PublicKey)))),
		"a signer twice in a list":    strings.ReplaceAll(entry(alex().value), "['alex']", "[alex, alex]"),
		"sections in another order":   "scopes:\n  write_labels: {mandatory_signers: [alex], permitted_signers: [alex]}\njwt:\n" + "keychain:\n" + alex().entry(),
		"an anchor":                   "keychain:\n" + alex().entry() + "\nscopes:\n  read: &all {permitted_signers: [alex], mandatory_signers: [alex]}\n  write_labels: *all\n",
		"a merge":                     "keychain:\n" + alex().entry() + "\nscopes:\n  read: &all {permitted_signers: [alex], mandatory_signers: [alex]}\n  write_labels:\n    <<: *all\n",
		"ERB in quotes":               entry(`"<%= ENV['KEY'] %>"`),
		"ERB with the quotes of YAML": entry(`"<%= ENV["KEY"] %>"`),
		"ERB in single quotes":        entry(`'<%= ENV['KEY'] %>'`),
		"ERB without quotes":          entry(`<%= ENV['KEY'] %>`),
		"ERB with fetch":              entry(`<%= ENV.fetch('KEY') %>`),
		"ERB with fetch and quotes":   entry(`"<%=ENV.fetch( "KEY" )%>"`),
		"ERB without spaces":          entry(`<%=ENV['KEY']%>`),
		"ERB with many spaces":        entry(`"<%=    ENV[ 'KEY' ]    %>"`),
		"ERB in flow style":           "keychain: {alex: {algorithm: RS256, value: <%= ENV['KEY'] %>}}\nscopes: {write_labels: {permitted_signers: [<%= ENV['NAME'] %>], mandatory_signers: [alex]}}",
		"ERB as a name":               strings.Replace(entry(alex().value), "  alex:", "  <%= ENV['NAME'] %>:", 1),
		"ERB inside a text":           strings.ReplaceAll(entry(alex().value), "['alex']", `["al<%= ENV['EX'] %>"]`),
		"ERB as a number and a yes":   entry(alex().value) + "jwt: {leeway: <%= ENV['LEEWAY'] %>, verify_jti: <%= ENV['ON'] %>}",
		"ERB with structure in it":    entry(alex().value) + "jwt: {iss: <%= ENV['MULTI'] %>}",
		"the algorithm of all keys":   entry(alex().value) + "jwt: {algorithm: RS256}",
		"the algorithms of all keys":  entry(alex().value) + "jwt: {algorithm: ES256, algorithms: [RS256, EdDSA]}",
		"ERB in comments":             "# <% if broken %> \"<%= ENV['UNSET'] %>\"\n  # <%= [ %>\n" + entry(alex().value+" # <%= nonsense") + "#  x: <%= ENV['UNSET\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, err := auth.ParseKeychain([]byte(file), func(name string) string {
				if name == "EX" {
					return "ex"
				}
				return environment[name]
			})
			if err != nil {
				t.Fatal(err)
			}
			payload := b64(goodPayload)
			if got, _, err := authorize(t, k, envelope(t, payload, honest(t, alex(), payload))); got != allowed {
				t.Errorf("%s: %v", got, err)
			}
		})
	}
}

func TestTheFileThatBarongShipsIsTaken(t *testing.T) {
	t.Parallel()
	file := `  # Example:
  #
  # keychain:
  #   backend-1.mycompany.example:
  #     algorithm: RS256
  #     value: "<%= ENV['BACKEND1_PUBLIC_KEY'] %>"

  keychain: {}
  #
  jwt: {}
  #
  # scopes:
  #   write_labels:
  #     permitted_signers: ['backend-1.mycompany.example', 'backend-2.mycompany.example']
  #
  scopes: {}
`
	for name, file := range map[string]string{"shipped": file, "empty": "", "comments": "# nothing\n", "null": "~", "sections of nothing": "keychain:\njwt:\nscopes:\n"} {
		if _, err := auth.ParseKeychain([]byte(file), os.Getenv); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASecretIsTakenAsItStands(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{
		"exactly thirty-two bytes of text", "a b                                c", strings.Repeat("0123", 8), strings.Repeat("trailing= ", 4),
		"пароль из шестнадцати", strings.Repeat("YWJj", 8), strings.Repeat("x", 300),
	} {
		signer, err := signing.NewSigner("alex", "HS256", []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		k := keychainOf(t, party{name: "alex", algorithm: "HS256", value: secret})
		body, err := signing.Envelope(nil, signing.NewClaims(now, 60e9), signer)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := authorize(t, k, body); got != allowed {
			t.Errorf("%q: %v", secret, err)
		}
	}
}

func TestKeychainEntryIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"alex", "backend-1.mycompany.example", "true", "1", "a: b", "#x", "- y", "кто", `"'`, "~", "with\nbreak"} {
		p := party{name: name, algorithm: "HS256", value: "12345678901234567890123456789012"}
		file := fmt.Sprintf("keychain:\n%s\n%s\nscopes: {write_labels: {permitted_signers: [%q], mandatory_signers: [%q]}}",
			jeff().entry(), p.entry(), name, name)
		if _, err := auth.ParseKeychain([]byte(file), os.Getenv); err != nil {
			t.Errorf("%q: %v in\n%s", name, err, file)
		}
	}
	want := "  alex:\n    algorithm: RS256\n    value: abc="
	if got := auth.KeychainEntry("alex", "RS256", "abc="); got != want {
		t.Errorf("%q", got)
	}
}
