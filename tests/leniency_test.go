package tests

import (
	"net/http"
	"strings"
	"testing"
)

func TestDatesAreTrimmedAlikeInRequestsAndFiles(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		for _, dob := range []string{" 1985-12-10", "1985-12-10\t", "\u00a01985-12-10\r\n"} {
			uid := a.user(nil)
			imported := a.call(f, "importUser", parameters{"email": uid + "@example.com", "password_digest": digest, "dob": dob})
			if imported.status != http.StatusCreated || imported.object(t)["profile"].(map[string]any)["dob"] != "1985-12-10" {
				t.Errorf("%q: %d %s", dob, imported.status, imported.body)
			}
			document := parametersOf(passport(uid, png(100))).with("doc_expire", strings.Replace(dob, "1985", "2126", 1))
			if created := a.call(f, "createDocument", document); created.status != http.StatusCreated {
				t.Errorf("%q: %d %s", dob, created.status, created.body)
			}
		}
		a.call(f, "importUser", parameters{"email": "a@b", "password_digest": digest, "dob": "1985- 12-10"}).refused(t, http.StatusUnprocessableEntity, "dob is invalid")
	})
	b := newBulk(t)
	b.run(0, "import", b.write("users.csv", "email,password_digest,dob\na@b,"+digest+",\" 1985-12-10\t\"\n"))
	b.run(0, "import", b.write("users.ndjson", `{"email":"c@d","password_digest":"`+digest+`","dob":"\u00a01985-12-10 "}`))
	if n := b.count("SELECT count(*) FROM profiles WHERE dob = '1985-12-10'"); n != 2 {
		t.Errorf("%d of 2 dates were imported", n)
	}
}

func TestDocumentTypeIsAnsweredAsItIsConfigured(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		created := a.call(f, "createDocument", parametersOf(passport(uid, png(100))).with("doc_type", "IDENTITY card"))
		if created.status != http.StatusCreated {
			t.Fatalf("%d %s", created.status, created.body)
		}
		if documents := a.documents(uid); documents[0]["doc_type"] != "Identity card" {
			t.Errorf("the type is %v", documents[0]["doc_type"])
		}
	})
}

func TestFilesMayBeginWithAByteOrderMark(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"users.ndjson": `{"email":"a@b","password_digest":"DIGEST"}` + "\n" + `{"email":"bad","password_digest":"DIGEST"}` + "\n" + `{"email":"c@d","password_digest":"DIGEST"}` + "\n",
		"users.csv":    "email,password_digest\na@b,DIGEST\nbad,DIGEST\nc@d,DIGEST\n",
	} {
		b := newBulk(t)
		file := b.write(name, "\ufeff"+strings.ReplaceAll(content, "DIGEST", digest))
		stdout, _ := b.run(3, "import", file, "--batch", "1")
		if !strings.HasPrefix(stdout, "2 imported, 1 refused") {
			t.Errorf("%s: %s", name, stdout)
		}
		refused := b.read(file + ".refused" + file[strings.LastIndex(file, "."):])
		if strings.Contains(refused, "\ufeff") || !strings.Contains(refused, "bad") {
			t.Errorf("refused are %q", refused)
		}
		if again, _ := b.run(3, "import", file); !strings.Contains(again, "was imported on") {
			t.Errorf("the same file again: %s", again)
		}
	}
	b := newBulk(t)
	b.run(0, "import", b.write("empty.ndjson", "\ufeff"))
	b.run(0, "import", b.write("blank.ndjson", "\ufeff\r\n\n"))
}
