package identity_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"barong/internal/identity"
)

// content is n bytes that begin with the signature of this kind of file.
func content(kind string, n int) []byte {
	signatures := map[string]string{"png": "\x89PNG\r\n\x1a\n", "jpg": "\xff\xd8\xff\xe0", "pdf": "%PDF-1.7\n"}
	file := make([]byte, n)
	copy(file, signatures[kind])
	return file
}

func encoded(content []byte) string { return base64.StdEncoding.EncodeToString(content) }

func passport() identity.DocumentFields {
	return identity.DocumentFields{Type: "Passport", Number: "AB123123", FileFields: identity.FileFields{Filename: "passport.png", FileExt: "png", Upload: encoded(content("png", 100))}}
}

func ref[T any](v T) *T { return &v }

func TestDocumentReportsEveryBrokenRuleInOrder(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 11, 22, 23, 59, 59, 0, time.FixedZone("", -7200)) // the 23rd in UTC
	day := func(day int) *time.Time { return ref(time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)) }
	for name, c := range map[string]struct {
		change   func(*identity.DocumentFields)
		requires bool
		want     []string
	}{
		"good":               {change: func(*identity.DocumentFields) {}},
		"expires today":      {change: func(f *identity.DocumentFields) { f.Expire = day(23) }},
		"expired yesterday":  {change: func(f *identity.DocumentFields) { f.Expire = day(22) }, want: []string{"Doc expire is invalid"}},
		"expiry required":    {change: func(*identity.DocumentFields) {}, requires: true, want: []string{"Doc expire can't be blank"}},
		"expiry given":       {change: func(f *identity.DocumentFields) { f.Expire = day(24) }, requires: true},
		"unknown type":       {change: func(f *identity.DocumentFields) { f.Type = "passports" }, want: []string{"Doc type is not included in the list"}},
		"metadata no JSON":   {change: func(f *identity.DocumentFields) { f.Metadata = ref("{a}") }, want: []string{"Metadata data is not json compatible string"}},
		"metadata too long":  {change: func(f *identity.DocumentFields) { f.Metadata = ref(`"` + strings.Repeat("a", 64<<10-1) + `"`) }, want: []string{"Metadata data is not json compatible string"}},
		"metadata of 64 KiB": {change: func(f *identity.DocumentFields) { f.Metadata = ref(`"` + strings.Repeat("a", 64<<10-2) + `"`) }},
		"metadata two JSONs": {change: func(f *identity.DocumentFields) { f.Metadata = ref("{} {}") }, want: []string{"Metadata data is not json compatible string"}},
		"metadata JSON":      {change: func(f *identity.DocumentFields) { f.Metadata = ref(` {"a": [1]} `) }},
		"number":             {change: func(f *identity.DocumentFields) { f.Number = "АБ-१२\t 7" }},
		"number with a dot":  {change: func(f *identity.DocumentFields) { f.Number = "1.2" }, want: []string{"Doc number only allows letters and digits"}},
		"number too long":    {change: func(f *identity.DocumentFields) { f.Number = strings.Repeat("é", 129) }, want: []string{"Doc number is too long (maximum is 128 characters)"}},
		"longest number":     {change: func(f *identity.DocumentFields) { f.Number = strings.Repeat("é", 128) }},
		"everything": {
			change: func(f *identity.DocumentFields) {
				*f = identity.DocumentFields{Type: "x", Number: strings.Repeat("?", 129), Expire: day(1), Metadata: ref("x"), FileFields: identity.FileFields{FileExt: "exe", Upload: "?"}}
			},
			want: []string{
				"Upload is invalid", `Upload You are not allowed to upload "exe" files, allowed types: jpg, jpeg, png, pdf`, "Doc type is not included in the list",
				"Doc expire is invalid", "Metadata data is not json compatible string",
				"Doc number only allows letters and digits", "Doc number is too long (maximum is 128 characters)",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy, fields := identity.DefaultPolicy(), passport()
			policy.RequireDocumentExpiry = c.requires
			c.change(&fields)
			_, _, violations := policy.NewDocument(fields, today)
			wantMessages(t, violations, c.want...)
		})
	}
}

func TestTypeIsMatchedWhateverItsCaseAndKeptAsThePolicyHasIt(t *testing.T) {
	t.Parallel()
	policy := identity.DefaultPolicy()
	policy.DocumentTypes = []string{"Passport", "Identity card", "Удостоверение"}
	for given, want := range map[string]string{
		"Passport": "Passport", "passport": "Passport", "PASSPORT": "Passport", "identity CARD": "Identity card", "УДОСТОВЕРЕНИЕ": "Удостоверение",
	} {
		fields := passport()
		fields.Type = given
		document, _, violations := policy.NewDocument(fields, time.Now())
		wantMessages(t, violations)
		if document.Type != want {
			t.Errorf("%q is kept as %q, want %q", given, document.Type, want)
		}
	}
}

func TestUploadIsWhatItSaysAndOfASoundSize(t *testing.T) {
	t.Parallel()
	const limit = 10 << 20
	invalid, small, large := "Upload is invalid", "Upload File size should be greater than 1 Byte", "Upload File size should be less than 10 MB"
	mismatch := "Upload content does not match its extension"
	notAllowed := func(ext string) string {
		return `Upload You are not allowed to upload "` + ext + `" files, allowed types: jpg, jpeg, png, pdf`
	}
	html := []byte("<html><script>alert(1)</script>")
	png := encoded(content("png", 100)) // 136 characters, of which the last is =
	for name, c := range map[string]struct {
		ext, upload string
		want        []string
	}{
		"jpg":                        {"jpg", encoded(content("jpg", 20)), nil},
		"dot and capitals":           {".JPEG", encoded(content("jpg", 20)), nil},
		"pdf":                        {"Pdf", encoded(content("pdf", 20)), nil},
		"no padding":                 {"png", strings.TrimRight(png, "="), nil},
		"line breaks":                {"png", png[:76] + "\r\n" + png[76:] + "\n", nil},
		"line break in the padding":  {"pdf", "JVBERi0xLg=\n=", nil},
		"largest":                    {"png", encoded(content("png", limit)), nil},
		"largest, with line breaks":  {"png", strings.Repeat("\r\n", 1000) + encoded(content("png", limit)), nil},
		"one byte too large":         {"png", encoded(content("png", limit+1)), []string{large}},
		"too large without padding":  {"png", strings.TrimRight(encoded(content("png", limit+1)), "="), []string{large}},
		"too large, and no base64":   {"exe", strings.Repeat("?", 14<<20), []string{large, notAllowed("exe")}},
		"nothing":                    {"png", "", []string{small}},
		"one byte":                   {"png", "AA==", []string{mismatch}},
		"cut off in a quantum":       {"png", png[:133], []string{invalid}},
		"cut off, bits left over":    {"pdf", "JVBERi0xLl", []string{invalid}},
		"half of the padding":        {"pdf", "JVBERi0xLg=", []string{invalid}},
		"padding and more":           {"pdf", "JVBERi0xLg==JVBE", []string{invalid}},
		"padding only":               {"pdf", "====", []string{invalid}},
		"spaces":                     {"pdf", "JVBE Ri0x", []string{invalid}},
		"the alphabet of URLs":       {"pdf", "JVBERi0x_-_-", []string{invalid}},
		"a data URL":                 {"png", "data:image/png;base64," + png, []string{invalid}},
		"letters that look alike":    {"pdf", "JVВERi0x", []string{invalid}},
		"another image":              {"jpg", png, []string{mismatch}},
		"html as png":                {"png", encoded(html), []string{mismatch}},
		"pdf that begins late":       {"pdf", encoded(append([]byte("\n"), content("pdf", 20)...)), nil},
		"pdf behind printer lines":   {"pdf", encoded(append([]byte("\x1b%-12345X@PJL SET COPIES=1\r\n"), content("pdf", 20)...)), nil},
		"pdf behind a mark":          {"pdf", encoded(append([]byte("\ufeff"), content("pdf", 20)...)), nil},
		"pdf header at the last":     {"pdf", encoded(append(bytes.Repeat([]byte("\n"), 1019), content("pdf", 20)...)), nil},
		"pdf header too late":        {"pdf", encoded(append(bytes.Repeat([]byte("\n"), 1020), content("pdf", 20)...)), []string{mismatch}},
		"pdf that is a png":          {"png", encoded(append([]byte("\n"), content("pdf", 20)...)), []string{mismatch}},
		"html, then pdf":             {"pdf", encoded(append(html, content("pdf", 20)...)), []string{mismatch}},
		"png, then html":             {"png", encoded(append(content("png", 8), html...)), nil}, // served as an image, as a download, with nosniff
		"svg":                        {"svg", encoded([]byte("<svg/>")), []string{notAllowed("svg")}},
		"exe in capitals":            {"EXE", encoded([]byte("MZ")), []string{notAllowed("EXE")}},
		"two dots":                   {"..png", png, []string{notAllowed(".png")}},
		"a path":                     {"/../png", png, []string{notAllowed("/../png")}},
		"an extension in front":      {"png.exe", png, []string{notAllowed("png.exe")}},
		"a space behind":             {"png ", png, []string{notAllowed("png ")}},
		"an extension without bound": {strings.Repeat("x", 10000), png, []string{notAllowed(strings.Repeat("x", 32) + "…")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields := passport()
			fields.FileExt, fields.Upload = c.ext, c.upload
			document, decoded, violations := identity.DefaultPolicy().NewDocument(fields, time.Now())
			wantMessages(t, violations, c.want...)
			if c.want != nil {
				return
			}
			want, _ := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("\r", "", "\n", "").Replace(c.upload), "="))
			if !bytes.Equal(decoded, want) || document.Size != int64(len(want)) {
				t.Errorf("%d bytes were decoded of %d", len(decoded), len(want))
			}
		})
	}
}

func TestDownloadNameIsHarmless(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"passport.png":                      "passport.png",
		"Reisepaß (1).PNG":                  "Reisepaß (1).PNG",
		"../../etc/passwd":                  "passwd.png",
		`..\..\boot.ini`:                    "boot.ini.png",
		"/etc/cron.d/job.png":               "job.png",
		"..":                                "document.png",
		"/":                                 "document.png",
		"page.html":                         "page.html.png",
		"a.pdf":                             "a.pdf.png",
		"a\r\nSet-Cookie: x=1.png":          "aSet-Cookie x=1.png",
		`a";x="b.png`:                       "a;x=b.png",
		"photo\u202Egnp.exe":                "photognp.exe.png",
		"\u200F\u2066name\u2069.png":        "name.png",
		".png":                              "png.png",
		"CON:stream":                        "CONstream.png",
		strings.Repeat("é", 5000) + ".html": strings.Repeat("é", 75) + ".png",
	} {
		if got := (identity.File{Filename: given, ContentType: "image/png"}).DownloadName(); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}
