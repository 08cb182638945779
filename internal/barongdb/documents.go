package barongdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	sq "github.com/Masterminds/squirrel"
)

// Document is a row of documents. Times are UTC, zero for one that does not exist.
type Document struct {
	ID        int64
	UID       string // of the user; "" if the user does not exist
	Type      string
	Number    string
	Expire    *time.Time // a date: midnight UTC
	Metadata  *string
	Upload    string // the name of the file
	CreatedAt time.Time
	UpdatedAt time.Time
	// NumberUnreadable is set if the number cannot be decrypted.
	NumberUnreadable bool
	// Others names the columns of 2.6 with a value that this value leaves out.
	Others []string
}

// Path returns where Barong stores the file in its bucket; "" if the row names no file.
func (d *Document) Path() string {
	if d.Upload == "" {
		return ""
	}
	return "uploads/document/upload/" + strconv.FormatInt(d.ID, 10) + "/" + d.Upload
}

// documentPage is how many documents are read at once: their metadata has up to 64 KiB each.
const documentPage = 200

var errNoDocuments = errors.New("the database has no table documents")

// otherColumns are columns of 2.6 that Document leaves out.
var otherColumns = []string{"doc_issue", "doc_category", "identificator"}

// Documents returns the documents with ids above afterID in the order of their ids. Each page is read in
// a transaction of its own, since copying the files of all may take hours. The error, if any, is the last
// value.
func (d *DB) Documents(ctx context.Context, afterID int64) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		for {
			page, err := d.documentsAfter(ctx, afterID)
			if err != nil {
				yield(Document{}, fmt.Errorf("reading Barong's database %s: %w", d.name, err))
				return
			}
			for _, document := range page {
				if !yield(document, nil) {
					return
				}
				afterID = document.ID
			}
			if len(page) < documentPage {
				return
			}
		}
	}
}

// CountDocuments returns the number of documents.
func (d *DB) CountDocuments(ctx context.Context) (count int64, err error) {
	if !d.schema.has("documents", "id") {
		return 0, errNoDocuments
	}
	return count, d.once(ctx, []string{"COUNT(*)"}, func(b sq.SelectBuilder) sq.SelectBuilder { return b.From("documents") }, func(c cells) error {
		count, err = c.integer(0)
		return err
	})
}

func (d *DB) documentsAfter(ctx context.Context, afterID int64) (page []Document, err error) {
	if !d.schema.has("documents", "id") {
		return nil, errNoDocuments
	}
	columns := append([]string{"users.uid"}, d.schema.names("documents",
		"id", "doc_type", "doc_number", "doc_expire", "metadata", "upload", "created_at", "updated_at")...)
	columns = append(columns, d.schema.names("documents", otherColumns...)...)
	after := compile(d.dialect, columns, func(b sq.SelectBuilder) sq.SelectBuilder {
		return b.From("documents").LeftJoin("users ON users.id = documents.user_id").
			Where("documents.id > ?", 0).OrderBy("documents.id").Suffix("LIMIT ?", documentPage)
	})
	s, err := d.snapshot(ctx)
	if err != nil {
		return nil, d.withoutData(err)
	}
	defer s.end()
	err = s.read(ctx, after, func(c cells) error {
		document, err := documentOf(c)
		page = append(page, document)
		return err
	}, afterID, documentPage)
	if err != nil {
		return nil, d.withoutData(err)
	}
	return page, d.decryptDocuments(ctx, page)
}

// documentOf reads a row of documentsAfter.
func documentOf(c cells) (document Document, err error) {
	document = Document{UID: c.text(0), Type: c.text(2), Number: c.text(3), Metadata: c.optional(5), Upload: c.text(6)}
	if document.ID, err = c.integer(1); err != nil {
		return document, err
	}
	if expire, ok := c.moment(4); ok {
		document.Expire = &expire
	} else if c[4] != nil {
		document.Others = append(document.Others, "doc_expire that is no date")
	}
	document.CreatedAt, _ = c.moment(7)
	document.UpdatedAt, _ = c.moment(8)
	const firstOther = 9
	for i, name := range otherColumns {
		if len(c[firstOther+i]) > 0 {
			document.Others = append(document.Others, name)
		}
	}
	return document, nil
}

// decryptDocuments replaces the ciphertexts of numbers.
func (d *DB) decryptDocuments(ctx context.Context, page []Document) error {
	if _, encrypted := d.schema.column("documents", "doc_number"); !encrypted {
		return nil
	}
	var owners []int
	var ciphertexts []string
	for i := range page {
		if page[i].Number != "" {
			owners, ciphertexts = append(owners, i), append(ciphertexts, page[i].Number)
		}
	}
	if len(ciphertexts) == 0 {
		return nil
	}
	plaintexts, err := d.decrypter.decrypt(ctx, "documents_doc_number", ciphertexts)
	if err != nil {
		return err
	}
	for i, plaintext := range plaintexts {
		document := &page[owners[i]]
		if plaintext == nil {
			document.Number, document.NumberUnreadable = "", true
		} else {
			document.Number = *plaintext
		}
	}
	return nil
}
