package identity

import (
	"encoding/base64"
	"math/bits"
	"regexp"
	"strconv"
	"strings"

	"barong/internal/problem"
)

const (
	maxDigest = 255 // bytes

	// Limits for the cost of verifying a digest, so that a stored digest cannot be used for a
	// denial of service. The most expensive settings in use (the first recommendation of RFC 9106,
	// and libsodium's "sensitive") are within the limits.
	maxArgon2Memory     int64 = 2 << 30 // bytes
	maxScryptMemory     int64 = 1 << 30 // bytes
	maxDigestWork       int64 = 4 << 30 // memory times passes
	maxDigestLanes      int64 = 64
	maxDigestIterations int64 = 10_000_000 // pbkdf2

	minSalt, maxSalt = 8, 64 // bytes
	minHash, maxHash = 16, 64

	// cryptAlphabet is the base64 alphabet of crypt(3), which writes the least significant digit
	// first.
	cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

var passwordDigestInvalid = problem.Violation{
	Field: "password_digest", Code: "password_digest_invalid", Message: "Password digest is invalid",
}

// digestForm is a kind of password hash: its format, and a check of the values in the groups of the
// pattern.
type digestForm struct {
	pattern *regexp.Regexp
	sound   func(groups []string) bool
}

var digestForms = []digestForm{
	{ // bcrypt, cost 4 to 15: $2b$12$ and 53 characters of salt and hash
		pattern: regexp.MustCompile(`^\$2[aby]\$(?:0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$`),
		sound:   func([]string) bool { return true },
	},
	{ // argon2 (RFC 9106) in the PHC string format: $argon2id$v=19$m=65536,t=3,p=4$salt$hash
		pattern: regexp.MustCompile(`^\$argon2id?(?:\$v=(?:16|19))?\$m=([1-9]\d{0,8}),t=([1-9]\d{0,8}),p=([1-9]\d{0,8})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$`),
		sound: func(g []string) bool {
			kibibytes, passes, lanes := number(g[0], 10), number(g[1], 10), number(g[2], 10)
			return kibibytes >= 8*lanes && kibibytes<<10 <= maxArgon2Memory && isBearable(kibibytes<<10, passes, lanes) && isSalted(g[3], g[4])
		},
	},
	{ // scrypt (RFC 7914) in the PHC string format: $scrypt$ln=16,r=8,p=1$salt$hash
		pattern: regexp.MustCompile(`^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d{0,8}),p=([1-9]\d{0,8})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$`),
		sound: func(g []string) bool {
			return isBearableScrypt(number(g[0], 10), number(g[1], 10), number(g[2], 10)) && isSalted(g[3], g[4])
		},
	},
	{ // scrypt as Ory Kratos writes it, with N for ln, and padding: $scrypt$ln=16384,r=8,p=1$salt=$hash=
		pattern: regexp.MustCompile(`^\$scrypt\$ln=([1-9]\d{2,8}),r=([1-9]\d{0,8}),p=([1-9]\d{0,8})\$([A-Za-z0-9+/]+)={0,2}\$([A-Za-z0-9+/]+)={0,2}$`),
		sound: func(g []string) bool {
			n := uint64(number(g[0], 10))
			return bits.OnesCount64(n) == 1 && isBearableScrypt(int64(bits.TrailingZeros64(n)), number(g[1], 10), number(g[2], 10)) && isSalted(g[3], g[4])
		},
	},
	{ // scrypt as the Java and Rust libraries write it: $s0$, log2 N, r and p in hexadecimal, $salt$hash
		pattern: regexp.MustCompile(`^\$s0\$([0-9a-f]{1,2})([0-9a-f]{2})([0-9a-f]{2})\$([A-Za-z0-9+/]+)={0,2}\$([A-Za-z0-9+/]+)={0,2}$`),
		sound: func(g []string) bool {
			return isBearableScrypt(number(g[0], 16), number(g[1], 16), number(g[2], 16)) && isSalted(g[3], g[4])
		},
	},
	{ // scrypt as crypt(3) and libsodium write it: $7$, log2 N, r, p and salt in one, $hash
		pattern: regexp.MustCompile(`^\$7\$([./A-Za-z0-9])([./A-Za-z0-9]{5})([./A-Za-z0-9]{5})[./A-Za-z0-9]{8,86}\$[./A-Za-z0-9]{43}$`),
		sound: func(g []string) bool {
			return isBearableScrypt(cryptNumber(g[0]), cryptNumber(g[1]), cryptNumber(g[2]))
		},
	},
	{ // pbkdf2 (RFC 8018) in the PHC string format: $pbkdf2-sha256$i=600000,l=32$salt$hash
		pattern: regexp.MustCompile(`^\$pbkdf2-sha(?:1|224|256|384|512)\$i=([1-9]\d{0,8})(?:,l=([1-9]\d{0,8}))?\$([A-Za-z0-9+/]+)={0,2}\$([A-Za-z0-9+/]+)={0,2}$`),
		sound: func(g []string) bool {
			length := base64Length(g[3])
			return isBearableIteration(number(g[0], 10)) && isSalted(g[2], g[3]) && (g[1] == "" || number(g[1], 10) == int64(length))
		},
	},
	{ // pbkdf2 in modular crypt format, with a dot or a plus, with or without padding: $pbkdf2-sha256$29000$salt$hash
		pattern: regexp.MustCompile(`^\$pbkdf2(|-sha1|-sha256|-sha512)\$([1-9]\d{0,8})\$([A-Za-z0-9./+]+)={0,2}\$([A-Za-z0-9./+]+)={0,2}$`),
		sound: func(g []string) bool {
			salt, hash := strings.ReplaceAll(g[2], ".", "+"), strings.ReplaceAll(g[3], ".", "+")
			length := base64Length(hash)
			return isBearableIteration(number(g[1], 10)) && isSalted(salt, hash) && (length == pbkdf2Length[g[0]] || length == keycloakLength)
		},
	},
}

// pbkdf2Length is the output length, in bytes, of each hash function in the modular crypt format;
// Keycloak derives as many bytes from each of them.
var pbkdf2Length = map[string]int{"": 20, "-sha1": 20, "-sha256": 32, "-sha512": 64}

const keycloakLength = 64

// CheckPasswordDigest returns the rule that a digest of another system breaks. It must be bcrypt,
// argon2id, argon2i, scrypt or pbkdf2, in PHC or modular crypt format, with parameters that a login
// can afford. The digest is stored byte for byte, without trimming or rewriting.
func CheckPasswordDigest(digest string) []problem.Violation {
	if len(digest) <= maxDigest {
		for _, form := range digestForms {
			if groups := form.pattern.FindStringSubmatch(digest); groups != nil && form.sound(groups[1:]) {
				return nil
			}
		}
	}
	return []problem.Violation{passwordDigestInvalid}
}

// isBearable limits argon2 and scrypt: bytes of memory, passes over them, lanes.
func isBearable(memory, passes, lanes int64) bool {
	return passes >= 1 && lanes >= 1 && lanes <= maxDigestLanes &&
		memory <= maxDigestWork && memory*passes <= maxDigestWork
}

// isBearableScrypt limits scrypt, which needs 128·r·N bytes, p times.
func isBearableScrypt(log2N, r, p int64) bool {
	if log2N < 1 || log2N > 30 || r < 1 || r > maxScryptMemory>>7 {
		return false
	}
	memory := 128 * r << log2N
	return memory <= maxScryptMemory && isBearable(memory, p, p)
}

// isBearableIteration limits pbkdf2.
func isBearableIteration(n int64) bool { return n >= 1 && n <= maxDigestIterations }

// isSalted reports whether both are base64 without padding, with accepted lengths.
func isSalted(salt, hash string) bool {
	s, h := base64Length(salt), base64Length(hash)
	return s >= minSalt && s <= maxSalt && h >= minHash && h <= maxHash
}

// base64Length is the number of bytes that s encodes, and -1 where it is not base64.
func base64Length(s string) int {
	decoded, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return -1
	}
	return len(decoded)
}

// number parses digits that a pattern has matched: at most nine.
func number(digits string, base int) int64 {
	n, _ := strconv.ParseInt(digits, base, 64)
	return n
}

// cryptNumber parses a number in the alphabet of crypt(3): at most five digits.
func cryptNumber(digits string) int64 {
	var n int64
	for i := range len(digits) {
		n |= int64(strings.IndexByte(cryptAlphabet, digits[i])) << (6 * i)
	}
	return n
}
