package identity_test

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"barong/internal/identity"
)

func TestDigestsOfEveryRecognisedFormAreTaken(t *testing.T) {
	t.Parallel()
	fresh, err := bcrypt.GenerateFromPassword([]byte("Tecohvi0"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for _, digest := range []string{
		string(fresh),
		"$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
		"$2b$04$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
		"$2y$15$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
		"$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b8dWRJJTmaaJObG9FvcmJBeO2Y",
		"$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
		"$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
		"$argon2id$v=19$m=1048576,t=4,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b8dWRJJTmaaJObG9FvcmJBeO2Y", // libsodium, sensitive
		"$argon2id$v=19$m=2097152,t=1,p=4$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b8dWRJJTmaaJObG9FvcmJBeO2Y", // RFC 9106, first recommended
		"$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b8dWRJJTmaaJObG9FvcmJBeO2Y",   // RFC 9106, second recommended
		// Ory Kratos
		"$scrypt$ln=16384,r=8,p=1$ZtQva9xCHzlSELH/mA7Kj5KjH2tCrkbwYzdxknkL0QQ=$pnTcXKaWVT+FwFDdk3vO1K0J7ZgOxdSU1tCJNYmn8zI=",
		"$scrypt$ln=32768,r=8,p=1$ZtQva9xCHzlSELH/mA7Kj5KjH2tCrkbwYzdxknkL0QQ$pnTcXKaWVT+FwFDdk3vO1K0J7ZgOxdSU1tCJNYmn8zI",
		"$pbkdf2-sha512$i=100000,l=32$bdHBpn7OWOivJMVJypy2UqR0UnaD5prQXRZevj/05YU$+wArTfv1a+bNGO1iZrmEdVjhA+lL11wF4/IxpgYfPwc",
		"$pbkdf2-sha384$i=100000,l=32$bdHBpn7OWOivJMVJypy2UqR0UnaD5prQXRZevj/05YU$+wArTfv1a+bNGO1iZrmEdVjhA+lL11wF4/IxpgYfPwc",
		// Keycloak: 64 bytes of any hash function, in base64 as its export writes it, or as other
		// tools do
		"$pbkdf2-sha256$27500$VaXa3H3OJXXujl+cRg66HA==$G4pkQxlaYGLOqaO4wDUgItslxTtvcg3lv+JihbYD2ccym7aDixYmCUf5L318TjrfMFZIxqwzrVjGTXUF5GGttA==",
		"$pbkdf2-sha256$27500$VaXa3H3OJXXujl.cRg66HA$G4pkQxlaYGLOqaO4wDUgItslxTtvcg3lv.JihbYD2ccym7aDixYmCUf5L318TjrfMFZIxqwzrVjGTXUF5GGttA",
		"$pbkdf2-sha256$i=27500,l=64$VaXa3H3OJXXujl+cRg66HA==$G4pkQxlaYGLOqaO4wDUgItslxTtvcg3lv+JihbYD2ccym7aDixYmCUf5L318TjrfMFZIxqwzrVjGTXUF5GGttA==",
		"$pbkdf2-sha512$210000$VaXa3H3OJXXujl+cRg66HA==$G4pkQxlaYGLOqaO4wDUgItslxTtvcg3lv+JihbYD2ccym7aDixYmCUf5L318TjrfMFZIxqwzrVjGTXUF5GGttA==",
		"$pbkdf2-sha1$1300000$VaXa3H3OJXXujl+cRg66HA==$G4pkQxlaYGLOqaO4wDUgItslxTtvcg3lv+JihbYD2ccym7aDixYmCUf5L318TjrfMFZIxqwzrVjGTXUF5GGttA==",
		"$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
		"$scrypt$ln=20,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
		"$s0$e0801$epIxT/h6HbbwHaehFnh/bw==$7H0vsXlY8UxxyW/BWx/9GuY7jEvGjT71GFd6O4SZND0=",
		"$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
		"$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
		"$pbkdf2-sha256$i=600000,l=32$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b8dWRJJTmaaJObG9FvcmJBeO2Y",
		"$pbkdf2-sha512$i=210000$c29tZXNhbHRzb21lc2FsdA$" + strings.Repeat("A", 86),
		"$pbkdf2-sha512$25000$c29tZXNhbHRzb21lc2FsdA$" + strings.Repeat(".", 86),
		"$pbkdf2$131000$r5WythYixPgfQ8iZ0zrnnA$" + strings.Repeat("a", 27),
	} {
		wantMessages(t, identity.CheckPasswordDigest(digest))
		if t.Failed() {
			t.Fatal(digest)
		}
	}
}

func TestDigestsThatNobodyCouldLogInWithAreInvalid(t *testing.T) {
	t.Parallel()
	const (
		body  = "R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"
		salt  = "c29tZXNhbHRzb21lc2FsdA"
		hash  = "RdescudvJCsgt3ub+b8dWRJJTmaaJObG9FvcmJBeO2Y"
		salts = "$" + salt + "$" + hash
	)
	for _, digest := range []string{
		"", " ", "$", "Password1", "5f4dcc3b5aa765d61d8327deb882cf99",
		// bcrypt
		"$2a$03$" + body, "$2a$16$" + body, "$2a$31$" + body, "$2a$4$" + body, "$2x$12$" + body, "$2$12$" + body,
		"$2a$12$" + body[1:], "$2a$12$" + body + "a", "$2a$12$" + body[1:] + "=", "$2a$12$" + body + "\n",
		" $2a$12$" + body, "$2a$12$" + body + " ", "2a$12$" + body, "$2a$12$" + body[1:] + "é",
		// other schemes
		"$1$salt$qJH7.N4xYta3aEG/dfqo/0", "$5$salt$" + body, "$6$salt$" + body, "$y$j9T$salt$" + body,
		"pbkdf2_sha256$600000$salt$" + hash, "$argon2d$v=19$m=65536,t=3,p=4" + salts, "$pbkdf2-md5$i=600000" + salts,
		// expensive and invalid settings
		"$argon2id$v=19$m=2097153,t=1,p=1" + salts, "$argon2id$v=19$m=2097152,t=3,p=1" + salts, "$argon2id$v=19$m=1048576,t=5,p=1" + salts,
		"$argon2id$v=19$m=65536,t=999999999,p=1" + salts, "$argon2id$v=19$m=65536,t=99999999999999999999,p=1" + salts,
		"$argon2id$v=19$m=65536,t=3,p=65" + salts, "$argon2id$v=19$m=31,t=3,p=4" + salts, "$argon2id$v=19$m=0,t=0,p=0" + salts,
		"$argon2id$v=18$m=65536,t=3,p=4" + salts, "$argon2id$v=19$t=3,m=65536,p=4" + salts,
		"$scrypt$ln=21,r=8,p=1" + salts, "$scrypt$ln=63,r=1,p=1" + salts, "$scrypt$ln=64,r=999999999,p=1" + salts,
		"$scrypt$ln=16,r=8,p=65" + salts, "$scrypt$ln=20,r=8,p=5" + salts, "$scrypt$ln=0,r=8,p=1" + salts,
		"$scrypt$ln=16383,r=8,p=1" + salts, "$scrypt$ln=2097152,r=8,p=1" + salts, "$scrypt$ln=536870912,r=999999999,p=1" + salts, "$scrypt$ln=64,r=8,p=1" + salts,
		"$scrypt$ln=16384,r=8,p=1" + salts + "===", "$scrypt$ln=16384,r=8,p=65" + salts, "$pbkdf2-sha256$27500$" + salt + "===$" + hash,
		"$s0$ff0801$epIxT/h6HbbwHaehFnh/bw==$7H0vsXlY8UxxyW/BWx/9GuY7jEvGjT71GFd6O4SZND0=",
		"$7$G./.../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D", // 2 GiB: r is 64
		"$7$z6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
		"$pbkdf2-sha256$i=10000001,l=32" + salts, "$pbkdf2-sha256$i=0" + salts, "$pbkdf2-sha256$i=1000,l=31" + salts,
		"$pbkdf2-sha512$25000$" + salt + "$" + strings.Repeat("A", 43), "$pbkdf2-sha256$29000$" + salt + "$" + strings.Repeat("A", 27),
		// salt and hash
		"$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$" + hash, "$argon2id$v=19$m=65536,t=3,p=4$" + salt + "$c2hvcnQ",
		"$argon2id$v=19$m=65536,t=3,p=4$" + salt + "$" + hash + "aa", "$argon2id$v=19$m=65536,t=3,p=4$" + salt,
		"$argon2id$v=19$m=65536,t=3,p=4$" + salt + "$", "$argon2id$v=19$m=65536,t=3,p=4$" + salt + "==$" + hash,
		"$argon2id$v=19$m=65536,t=3,p=4$" + salt + "$" + strings.Repeat("A", 88),
		"$scrypt$ln=16,r=8,p=1$" + salt + "$" + strings.Repeat("A", 1<<20),
	} {
		wantMessages(t, identity.CheckPasswordDigest(digest), "Password digest is invalid")
		if t.Failed() {
			t.Fatalf("%.120q", digest)
		}
	}
}

func FuzzCheckPasswordDigest(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b8dWRJJTmaaJObG9FvcmJBeO2Y")
	f.Add("$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D")
	f.Add("$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk")
	f.Fuzz(func(t *testing.T, s string) {
		if identity.CheckPasswordDigest(s) == nil && (len(s) > 255 || s[0] != '$' || strings.ContainsAny(s, " \n\x00")) {
			t.Fatalf("%q was taken", s)
		}
	})
}
