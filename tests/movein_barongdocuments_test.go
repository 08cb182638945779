package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/internal/barongdb/barongtest"
)

// filesOf writes the files of Barong's documents, and returns the content of each
// by the document's id. A document whose path no bucket has gets none.
func (m documentMove) filesOf(documents []barongtest.Document) map[int64]string {
	m.t.Helper()
	beginnings := map[string]string{".png": "\x89PNG\r\n\x1a\n", ".jpg": "\xff\xd8\xff\xe0", ".pdf": "%PDF-1.7\n"}
	contents := map[int64]string{}
	for _, d := range documents {
		if d.Upload == nil || strings.Contains(*d.Upload, "..") || beginnings[filepath.Ext(*d.Upload)] == "" {
			continue
		}
		contents[d.ID] = fmt.Sprint(beginnings[filepath.Ext(*d.Upload)], d.ID, strings.Repeat(".", 5000))
		m.file(fmt.Sprintf("uploads/document/upload/%d/%s", d.ID, *d.Upload), []byte(contents[d.ID]))
	}
	return contents
}

// imported reads the documents that came from Barong, and their contents, by their
// ids there.
func (m documentMove) imported() map[string]barongtest.Document {
	m.t.Helper()
	connection, err := pgx.Connect(m.t.Context(), m.url)
	if err != nil {
		m.t.Fatal(err)
	}
	defer connection.Close(context.Background())
	rows, err := connection.Query(m.t.Context(), `SELECT source_id, uid, filename, doc_type, doc_number, doc_expire, metadata, d.created_at, d.updated_at
		FROM imported_documents JOIN documents d ON d.id = document_id JOIN users u ON u.id = user_id WHERE source = 'barong'`)
	if err != nil {
		m.t.Fatal(err)
	}
	found := map[string]barongtest.Document{}
	var id string
	d := barongtest.Document{}
	_, err = pgx.ForEachRow(rows, []any{&id, &d.UID, &d.Upload, &d.Type, &d.Number, &d.Expire, &d.Metadata, &d.CreatedAt, &d.UpdatedAt}, func() error {
		found[id] = d
		d = barongtest.Document{}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return found
}

func TestDocumentsOfBarongComeOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		open func(testing.TB, barongtest.Schema) *barongtest.Database
		of   barongtest.Schema
	}{
		{"MariaDB 2.3", barongtest.MariaDB, barongtest.V23}, {"MariaDB 2.6", barongtest.MariaDB, barongtest.V26}, {"Postgres 2.6", barongtest.Postgres, barongtest.V26},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source := c.open(t, c.of)
			data := source.Irregular(t, 1, 202)
			uids := map[string]bool{}
			for _, d := range data.Documents {
				uids[d.UID] = true
			}
			var users []string
			for uid := range uids {
				users = append(users, uid)
			}
			m := newDocumentMove(t, users...)
			m.settings["BARONG_IMPORT_FROM"] = source.URL
			if source.Transit != nil {
				m.settings["VAULT_ADDR"], m.settings["VAULT_TOKEN"], m.settings["VAULT_APP_NAME"] = source.Transit.URL, source.Transit.Token, source.Transit.App
				source.Exec(t, "UPDATE documents SET doc_category = 'front'")
			}
			contents := m.filesOf(data.Documents)
			refused := filepath.Join(m.dir, "refused.ndjson")
			out, stderr := m.run(3, "documents", "import", "--files", m.files, "--refused", refused)
			if want := fmt.Sprintf("%d imported, 0 updated, 0 unchanged, %d refused", len(contents), len(data.Documents)-len(contents)); !strings.HasPrefix(out, want) {
				t.Fatalf("the summary is %s, want %s\n%s", out, want, stderr)
			}
			if noted := strings.Contains(out, "have a doc_category, which has no place here"); noted != (source.Transit != nil) {
				t.Errorf("the summary is %s", out)
			}
			m.complete(int64(len(contents)))
			found := m.imported()
			for _, want := range data.Documents {
				got, ok := found[fmt.Sprint(want.ID)]
				if _, accepted := contents[want.ID]; ok != accepted {
					t.Errorf("document %d is here: %v", want.ID, ok)
				}
				if ok {
					sameDocument(t, got, want)
				}
			}

			// A refused row can be mended and imported from its file.
			lines := strings.SplitAfter(m.read(refused), "\n")
			var row map[string]any
			if err := json.Unmarshal([]byte(lines[0]), &row); err != nil || row["source"] != "barong" || row["line"] != nil {
				t.Fatalf("%s: %v", lines[0], err)
			}
			m.file("mended.png", png(100))
			row["path"], row["filename"], row["doc_type"] = "mended.png", "mended.png", "Passport"
			m.imports(0, m.write("mended.ndjson", string(marshal(t, row))))
			m.complete(int64(len(contents)) + 1)

			// What is changed and added there comes over.
			var changed int64
			for id := range contents {
				changed = max(changed, id)
			}
			source.Exec(t, "UPDATE documents SET doc_type = 'Utility Bill', doc_expire = '2001-01-01', updated_at = '2024-02-03 04:05:06' WHERE id = "+fmt.Sprint(changed))
			out, stderr = m.imports(3)
			if want := fmt.Sprintf("0 imported, 1 updated, %d unchanged, %d refused", len(contents)-1, len(data.Documents)-len(contents)); !strings.HasPrefix(out, want) {
				// The row that was mended is another one there, and is refused again.
				t.Errorf("the summary of the second run is %s, want %s\n%s", out, want, stderr)
			}
			m.complete(int64(len(contents)) + 1)
			if got := m.imported()[fmt.Sprint(changed)]; *got.Type != "Utility Bill" || got.Expire.Year() != 2001 || !got.UpdatedAt.Equal(time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)) {
				t.Errorf("the changed document is %+v", got)
			}
		})
	}
}

func sameDocument(t *testing.T, got, want barongtest.Document) {
	t.Helper()
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	day := func(at *time.Time) string {
		if at == nil {
			return ""
		}
		return at.Format(time.DateOnly)
	}
	if got.UID != want.UID || text(got.Upload) != text(want.Upload) || text(got.Type) != text(want.Type) || text(got.Number) != text(want.Number) ||
		day(got.Expire) != day(want.Expire) || text(got.Metadata) != text(want.Metadata) || !got.CreatedAt.Equal(want.CreatedAt) || !got.UpdatedAt.Equal(want.UpdatedAt) {
		t.Errorf("document %d is %+v, want %+v", want.ID, got, want)
	}
}

func TestImportOfDocumentsReadsFilesOfADirectoryByItsPath(t *testing.T) {
	t.Parallel()
	m := newDocumentMove(t, uidA)
	m.file("a.png", png(100))
	list := m.list("list.ndjson", `{"uid":"`+uidA+`","doc_type":"Passport","doc_number":"1","path":"a.png"}`)
	for i, location := range []string{m.files, "file://" + m.files, "file://" + filepath.Dir(m.files) + "?prefix=files/"} {
		m.run(0, "documents", "import", list, "--files", location, "--source", fmt.Sprint("system", i), "--refused", filepath.Join(m.dir, "refused"))
		m.complete(int64(i + 1))
	}
	if entries, err := os.ReadDir(m.files); err != nil || len(entries) != 1 {
		t.Errorf("the folder of files has %d entries, %v", len(entries), err)
	}
}
