package tests

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"barong/internal/identity"
)

// jsonTextOf is a valid JSON text of n bytes, which takes as much room as any in an answer.
func jsonTextOf(n int) string { return `"` + strings.Repeat("<", n-2) + `"` }

func TestEveryTextOfARequestHasABound(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		for _, op := range operations {
			for _, p := range op.parameters {
				if !p.schema.Type.Is(openapi3.TypeString) || p.schema.Enum != nil {
					continue
				}
				if p.schema.MaxLength == nil {
					t.Errorf("%s: %s has no maxLength", op.id, p.name)
					continue
				}
				longest := int(*p.schema.MaxLength)
				if longest > 1<<20 {
					continue // a body with more is refused as a whole
				}
				given := parameters{}
				for _, other := range op.parameters {
					if other.required && other.name != p.name {
						given[other.name] = "1"
					}
				}
				if op.id == "updateUser" && p.required { // which needs one of the others, too
					given["role"] = "member"
				}
				given[p.name] = strings.Repeat("é", longest+1)
				a.call(f, op.id, given).refused(t, http.StatusUnprocessableEntity, p.refused("value"))
				given[p.name] = strings.Repeat("é", longest)
				if got := a.call(f, op.id, given); strings.Contains(string(got.body), p.name+" is invalid") && p.schema.Format != "date" {
					t.Errorf("%s: %d characters of %s are refused: %s", op.id, longest, p.name, got)
				}
			}
		}
	})
}

func TestBoundsOfTheSchemaLeaveNearMissesToTheRulesOfTheRecord(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		long := func(n int) string { return strings.Repeat("a", n) }
		wrapped := func(content []byte, columns int) string {
			lines := slices.Collect(slices.Chunk([]byte(base64.StdEncoding.EncodeToString(content)), columns))
			var text strings.Builder
			for _, line := range lines {
				text.Write(line)
				text.WriteString("\r\n")
			}
			return text.String()
		}
		imported := parametersOf{"email": "near@example.com", "password_digest": digest}
		document := parametersOf(passport(uid, png(100)))
		for _, c := range []struct {
			operation string
			given     parameters
			status    int
			want      string
		}{
			{"createUser", parameters{"email": long(250) + "@b.example", "password": "Tecohvi0"}, 422, "[Email is invalid]"},
			{"createUser", parameters{"email": "near@example.com", "password": "Aa1" + long(70)}, 422, "Password is too long (maximum is 72 bytes)"},
			{"importUser", imported.with("password_digest", "$2a$12$"+long(400)), 422, "[Password digest is invalid]"},
			{"importUser", imported.with("phone", "+44"+strings.Repeat(" ", 200)+"2079460018"), 422, "[Number is invalid]"},
			{"importUser", imported.with("first_name", long(256)), 422, "[First name is too long (maximum is 255 characters)]"},
			{"importUser", imported.with("address", long(256)), 422, "[Address is too long (maximum is 255 characters)]"},
			{"importUser", imported.with("country", "Federal Republic"), 422, "[Country must have alpha2 or alpha3 format]"},
			{"createLabel", parameters{"user_uid": uid, "key": long(256), "value": long(256)}, 422, "[Key is too long (maximum is 255 characters) Value is too long (maximum is 255 characters)]"},
			{"getUser", parameters{"uid": long(37)}, 404, "Record is not found"},
			{"getUser", parameters{"email": long(300)}, 404, "Record is not found"},
			{"getUser", parameters{"phone_num": long(300)}, 404, "Record is not found"},
			{"createDocument", document.with("doc_type", long(200)), 422, "[Doc type is not included in the list]"},
			{"createDocument", document.with("doc_number", long(129)), 422, "[Doc number is too long (maximum is 128 characters)]"},
			{"createDocument", document.with("file_ext", long(20)), 422, `[Upload You are not allowed to upload "` + long(20) + `" files, allowed types: jpg, jpeg, png, pdf]`},
			{"createDocument", document.with("metadata", jsonTextOf(64<<10+1)), 422, "[Metadata data is not json compatible string]"},
			{"createDocument", document.with("upload", base64.StdEncoding.EncodeToString(png(10<<20+1))), 422, "[Upload File size should be less than 10 MB]"},
			{"createDocument", document.with("filename", long(256)), 422, "filename is invalid"},
		} {
			got := a.call(f, c.operation, c.given)
			if got.status != c.status || !strings.Contains(fmt.Sprint(got.object(t)["error"]), c.want) {
				t.Errorf("%s: %.300s, want %d %s", c.operation, got, c.status, c.want)
			}
		}
		full := document.with("metadata", jsonTextOf(64<<10))
		full["filename"], full["upload"] = strings.Repeat("é", 255), base64.StdEncoding.EncodeToString(png(100))
		if got := a.call(f, "createDocument", full); got.status != http.StatusCreated {
			t.Errorf("64 KiB of metadata: %.300s", got)
		}
		if f != formForm { // in a form, two bytes of a line break take six
			if got := a.call(f, "createDocument", document.with("upload", wrapped(png(10<<20), 64))); got.status != http.StatusCreated {
				t.Errorf("10 MiB in lines of 64: %.300s", got)
			}
		}
	})
}

// documentRows gives a user documents with metadata of that many bytes.
func (a *api) documentRows(uid string, n, metadata int) {
	a.t.Helper()
	insertRows(a.t, a.pool, `INSERT INTO documents (user_id, doc_type, doc_number, metadata, filename, content_type, size, object, created_at, updated_at)
		SELECT u.id, 'Passport', '1', $3::text, 'a.png', 'image/png', 1, $1 || '-' || coalesce((SELECT max(id) FROM documents), 0) + i, now(), now()
		FROM users AS u, generate_series(1, $2::int) AS i WHERE u.uid = $1`, uid, n, jsonTextOf(metadata))
}

func TestOneOfTwoAtOnceGetsTheLastPlaceForADocument(t *testing.T) {
	t.Parallel()
	for range 5 {
		a := start(t)
		uid := a.user(nil)
		a.documentRows(uid, identity.MaxDocuments-1, 2)
		answers := make(chan answer, 2)
		for range 2 {
			given := passport(uid, png(1000))
			go func() { answers <- a.call(jsonForm, "createDocument", given) }()
		}
		var created int
		for range 2 {
			if got := <-answers; got.status == http.StatusCreated {
				created++
			} else {
				got.refused(t, http.StatusUnprocessableEntity, "[Too many documents]")
			}
		}
		if n := len(a.documents(uid)); created != 1 || n != identity.MaxDocuments || len(a.fileNames()) != 1 {
			t.Errorf("%d of two were stored, %d documents and %d files are there", created, n, len(a.fileNames()))
		}
	}
}

func TestDocumentBeyondTheBoundLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	a.documentRows(uid, identity.MaxDocuments, 2)
	before := a.must("getUser", parameters{"uid": uid}).object(t)
	a.clock.Advance(60_000_000_000)
	a.call(jsonForm, "createDocument", passport(uid, png(1000))).refused(t, http.StatusUnprocessableEntity, "[Too many documents]")
	a.call(jsonForm, "createDocument", parametersOf(passport(uid, png(1000))).with("doc_type", "x")).
		refused(t, http.StatusUnprocessableEntity, "[Doc type is not included in the list", "Too many documents]")
	after := a.must("getUser", parameters{"uid": uid}).object(t)
	for _, name := range []string{"labels", "level", "state", "updated_at"} {
		if fmt.Sprint(before[name]) != fmt.Sprint(after[name]) {
			t.Errorf("%s was %v, is %v", name, before[name], after[name])
		}
	}
	if names := a.fileNames(); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	other := a.user(nil)
	a.must("createDocument", passport(other, png(1000)))
}

// The largest answer is a bounded one: 6 bytes for each of the metadata, where all
// of them are escaped, and as much as 1,000 documents take without.
func TestMetadataOfAUserIsBoundedAltogether(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	for range identity.MaxDocumentsMetadata / (64 << 10) {
		a.must("createDocument", parametersOf(passport(uid, png(100))).with("metadata", jsonTextOf(64<<10)))
	}
	a.call(jsonForm, "createDocument", parametersOf(passport(uid, png(100))).with("metadata", "{}")).
		refused(t, http.StatusUnprocessableEntity, "[Too many documents]")
	a.documentRows(uid, identity.MaxDocuments-len(a.documents(uid))-1, 2)
	insertRows(t, a.pool, `UPDATE documents SET metadata = NULL WHERE metadata = '""'`)
	a.must("createDocument", passport(uid, png(100)))
	got := a.must("getUser", parameters{"uid": uid})
	if n := len(got.object(t)["documents"].([]any)); n != identity.MaxDocuments || len(got.body) > 8<<20 {
		t.Errorf("%d documents, answered with %d bytes", n, len(got.body))
	}
}

func TestLargerMetadataOfEarlierVersionsIsAnswered(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	a.documentRows(uid, 3, 1<<20)
	for _, document := range a.documents(uid) {
		if document["metadata"] != jsonTextOf(1<<20) {
			t.Errorf("%d bytes of metadata", len(document["metadata"].(string)))
		}
	}
	a.call(jsonForm, "createDocument", passport(uid, png(100))).refused(t, http.StatusUnprocessableEntity, "[Too many documents]")
}
