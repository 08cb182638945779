package barongsql

import (
	"bufio"
	"bytes"
)

// The temporary tables of the script, whose columns rows.go fills in.
const (
	users = iota
	labels
	phones
	profiles
	documents
	tableCount
)

// insertSize is the size, in bytes, from which an INSERT ends: far below the smallest
// max_allowed_packet in use, a row of the largest size included.
const insertSize = 256 << 10

// table collects rows for one temporary table, and writes them as an INSERT for many rows.
type table struct {
	insert string // up to and including VALUES
	rows   bytes.Buffer
}

func newTables(d Dialect) [tableCount]table {
	return [tableCount]table{
		users:  {insert: "INSERT INTO returned_users (id, uid, email, password_digest, role, data, level, otp, state, referral_uid, created_at, updated_at) VALUES"},
		labels: {insert: "INSERT INTO returned_labels (user_id, " + d.keyColumn + ", value, scope, created_at, updated_at) VALUES"},
		phones: {insert: "INSERT INTO returned_phones (user_id, country, number, validated_at, created_at, updated_at) VALUES"},
		profiles: {insert: "INSERT INTO returned_profiles (user_id, first_name, last_name, dob, address, postcode, city, country, state, metadata, " +
			"created_at, updated_at) VALUES"},
		documents: {insert: "INSERT INTO returned_documents (user_id, upload, ordinal, doc_type, doc_number, doc_expire, metadata, " +
			"created_at, updated_at, object) VALUES"},
	}
}

// add adds a row of literals.
func (t *table) add(to *bufio.Writer, literals ...string) error {
	separator := byte(',')
	if t.rows.Len() == 0 {
		separator = ' '
	}
	t.rows.WriteByte(separator)
	t.rows.WriteString("\n(")
	for i, literal := range literals {
		if i > 0 {
			t.rows.WriteString(", ")
		}
		t.rows.WriteString(literal)
	}
	t.rows.WriteByte(')')
	if t.rows.Len() < insertSize {
		return nil
	}
	return t.flush(to)
}

// flush writes the rows that were added since the last flush.
func (t *table) flush(to *bufio.Writer) error {
	if t.rows.Len() == 0 {
		return nil
	}
	_, _ = to.WriteString(t.insert) // a bufio.Writer returns its first error again
	_, _ = t.rows.WriteTo(to)
	_, err := to.WriteString(";\n")
	return err
}
