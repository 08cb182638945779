package bulk

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestTheDelimiterAndTheColumnsOfAHeaderAreFound(t *testing.T) {
	t.Parallel()
	want := []string{"email", "password_digest", "first_name"}
	for header, delimiter := range map[string]rune{
		"email,password_digest,first_name":       ',',
		"email;password_digest;first_name":       ';',
		"email\tpassword_digest\tfirst_name":     '\t',
		"Email ; PASSWORD_DIGEST ;First_Name":    ';',
		`"email";"password_digest";"first_name"`: ';',
	} {
		got, err := parseHeader([]byte(header), 0)
		if err != nil || got.delimiter != delimiter || !reflect.DeepEqual(got.columns, want) {
			t.Errorf("%q: %+v %v, want %q", header, got, err, delimiter)
		}
	}
	if got, err := parseHeader([]byte("email|first_name"), '|'); err != nil || len(got.columns) != 2 {
		t.Errorf("a delimiter that is told: %+v %v", got, err)
	}
	if got, err := parseHeader([]byte("email"), 0); err != nil || got.delimiter != ',' {
		t.Errorf("one column: %+v %v", got, err)
	}
}

func TestAnUnknownColumnIsRefusedWithTheOneThatWasMeant(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"email,pasword_digest":   `the header has the column "pasword_digest", did you mean "password_digest"?`,
		"E-Mail;First Name":      `the header has the column "E-Mail", did you mean "email"?`,
		"email,shoe size":        `the header has the column "shoe size", and knows uid, email, `,
		"email,first_name,EMAIL": `the header has the column "EMAIL" twice`,
	} {
		if _, err := parseHeader([]byte(header), 0); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", header, err, want)
		}
	}
}

// inUTF16 encodes a text with a byte order mark.
func inUTF16(text string, littleEndian bool) (encoded []byte) { //nolint:unparam // any text
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		if littleEndian {
			encoded = append(encoded, byte(unit), byte(unit>>8))
		} else {
			encoded = append(encoded, byte(unit>>8), byte(unit))
		}
	}
	return encoded
}

func TestTextsAreReadInTheEncodingThatTheyAreWrittenIn(t *testing.T) {
	t.Parallel()
	const text = "email;first_name\nada@example.com;Zoë €\n"
	latin := []byte(strings.NewReplacer("ë", "\xeb", "€", "\x80").Replace(text))
	for name, c := range map[string]struct {
		input []byte
		told  Encoding
		want  string // of the text, or of the error
	}{
		"UTF-8":                   {[]byte(text), Detected, text},
		"UTF-16, little-endian":   {inUTF16(text, true), Detected, text},
		"UTF-16, big-endian":      {inUTF16(text, false), Detected, text},
		"UTF-16 without a mark":   {inUTF16(text, true)[2:], Detected, "UTF-16 without a byte order mark"},
		"and told":                {inUTF16(text, true)[2:], UTF16, text},
		"big-endian, told":        {inUTF16(text, false)[2:], UTF16BE, text},
		"Latin-1":                 {latin, Detected, "looks like Latin-1"},
		"Latin-1, told":           {latin, Latin1, text},
		"a letter across the end": {append(bytes.Repeat([]byte("a"), detectedBytes-1), "ë"...), Detected, strings.Repeat("a", detectedBytes-1) + "ë"},
		"nothing":                 {nil, Detected, ""},
	} {
		file := filepath.Join(t.TempDir(), "input")
		if err := os.WriteFile(file, c.input, 0o600); err != nil {
			t.Fatal(err)
		}
		opened, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		for kind, input := range map[string]io.Reader{"stream": struct{ io.Reader }{bytes.NewReader(c.input)}, "file": opened} {
			got := ""
			decoded, _, err := Decode(input, c.told)
			if err == nil {
				var content []byte
				content, err = io.ReadAll(decoded)
				got = string(content)
			}
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
				t.Errorf("%s, as a %s: %.100q, want %.100q", name, kind, got, c.want)
			}
		}
	}
}

func TestASentenceHasTheValueUnlessItIsASecretOrTellsWhoSomebodyIs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"dob": `: "31.12.1999"`, "state": `: "31.12.1999"`, "password_digest": "", "otp_secret": "", "email": "", "phone": "", "data": "",
	} {
		if got := quoted(name, "31.12.1999"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := quoted("dob", strings.Repeat("ë", 1000)); len(got) > 100 || !strings.HasSuffix(got, `…"`) {
		t.Errorf("a long value: %s", got)
	}
	if got := quoted("dob", " "); got != "" {
		t.Errorf("a blank value: %s", got)
	}
}
