package barongdb_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"barong/internal/barongdb"
	"barong/internal/barongdb/barongtest"
)

func TestEveryDocumentIsReadAsItIs(t *testing.T) {
	each(t, func(t *testing.T, d *barongtest.Database) {
		data := d.Irregular(t, 1, 202)
		if d.Transit != nil {
			d.Exec(t, "UPDATE documents SET doc_issue = '2020-01-02', doc_category = 'front', identificator = 'x' WHERE id = "+firstID(data))
		}
		db := open(t, d)
		if n, err := db.CountDocuments(t.Context()); err != nil || n != int64(len(data.Documents)) {
			t.Errorf("%d documents are counted, want %d, %v", n, len(data.Documents), err)
		}
		var got []barongdb.Document
		for document, err := range db.Documents(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, document)
		}
		if len(got) != len(data.Documents) {
			t.Fatalf("%d documents, want %d", len(got), len(data.Documents))
		}
		others := 0
		for i, document := range got {
			others += len(document.Others)
			document.Others = nil
			if want := wanted(data.Documents[i]); !reflect.DeepEqual(document, want) {
				t.Errorf("read %+v\nwant %+v", document, want)
			}
		}
		if want := len(data.Documents) > 0 && d.Transit != nil; want && others < 3 {
			t.Errorf("%d values in other columns", others)
		}
	})
}

func TestDocumentsAreReadInPages(t *testing.T) {
	d := barongtest.MariaDB(t, barongtest.V23)
	d.Exec(t, `INSERT INTO users (id, uid, email, password_digest, created_at, updated_at) VALUES (1, 'IDAAAAAAAAAA', 'a@example.com', '', '2020-01-01', '2020-01-01')`)
	var rows []string
	for n := 1; n <= 999; n++ {
		rows = append(rows, fmt.Sprintf("(%d, %d, '%d.png', '2020-01-01', '2020-01-01')", n*3, n%2, n))
	}
	d.Exec(t, "INSERT INTO documents (id, user_id, upload, created_at, updated_at) VALUES "+strings.Join(rows, ", "))
	db := open(t, d)
	after, nobody := int64(300), 0
	for document, err := range db.Documents(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		if document.ID != after+3 {
			t.Fatalf("%d follows %d", document.ID, after)
		}
		after = document.ID
		if document.UID == "" {
			nobody++
		}
	}
	if after != 2997 || nobody != 449 {
		t.Errorf("the last is %d, and %d are of nobody", after, nobody)
	}
}

func firstID(data *barongtest.Data) string { return strconv.FormatInt(data.Documents[0].ID, 10) }

// wanted is what must be read of a row.
func wanted(d barongtest.Document) barongdb.Document {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return barongdb.Document{
		ID: d.ID, UID: d.UID, Type: text(d.Type), Number: text(d.Number), Expire: d.Expire, Metadata: d.Metadata, Upload: text(d.Upload),
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
}
