package barongsql

import (
	"path"
	"strings"
	"time"
	"unicode"

	"barong/repository"
)

// reasons returns why Barong's tables cannot hold a user; nil where they can. The sentences name
// columns and contain no value.
func (d Dialect) reasons(u *repository.StoredUser) []string {
	var c columnCheck
	c.dialect = d
	c.strings("users", []string{"uid", "email", "password_digest", "role", "state"}, &u.UID, &u.Email, &u.PasswordDigest, &u.Role, &u.State)
	c.text("users.data", u.Data)
	c.times("users", u.CreatedAt, u.UpdatedAt)
	if p := u.CurrentProfile(); p != nil {
		c.strings("profiles", []string{"first_name", "last_name", "address", "postcode", "city", "country"},
			p.FirstName, p.LastName, p.Address, p.Postcode, p.City, p.Country)
		metadata := string(p.Metadata)
		c.text("profiles.metadata", &metadata)
		if p.DOB != nil {
			c.times("profiles", *p.DOB)
		}
	}
	for _, l := range u.Labels {
		c.strings("labels", []string{"key", "value"}, &l.Key, &l.Value)
		c.times("labels", l.CreatedAt, l.UpdatedAt)
	}
	for _, p := range u.Phones {
		c.strings("phones", []string{"country", "number"}, &p.Country, &p.Number)
	}
	for _, document := range u.Documents {
		upload := uploadName(document)
		c.strings("documents", []string{"upload", "doc_type", "doc_number"}, &upload, &document.Type, &document.Number)
		c.text("documents.metadata", document.Metadata)
		if document.Expire != nil {
			c.times("documents", *document.Expire)
		}
	}
	return c.found
}

// columnCheck collects the columns that cannot hold a value, each once.
type columnCheck struct {
	dialect Dialect
	found   []string
}

func (c *columnCheck) add(reason string) {
	for _, each := range c.found {
		if each == reason {
			return
		}
	}
	c.found = append(c.found, reason)
}

func (c *columnCheck) strings(table string, names []string, values ...*string) {
	for i, value := range values {
		if value != nil && !c.dialect.fitsString(*value) {
			c.add(table + "." + names[i] + " is longer than 255 characters")
		}
	}
}

func (c *columnCheck) text(column string, value *string) {
	if value != nil && !c.dialect.fitsText(*value) {
		c.add(column + " is longer than 65535 bytes")
	}
}

// The years that MySQL holds in dates and times.
const (
	firstYear = 1000
	lastYear  = 9999
)

func (c *columnCheck) times(table string, values ...time.Time) {
	for _, value := range values {
		if year := value.UTC().Year(); year < firstYear || year > lastYear {
			c.add(table + " has a date outside of the years 1000 to 9999")
		}
	}
}

// hasBarongDigest reports whether Barong can check a password against the digest: it knows bcrypt
// alone.
func hasBarongDigest(u *repository.StoredUser) bool {
	return strings.HasPrefix(u.PasswordDigest, "$2")
}

// isFileName reports whether a name can be the last part of a path.
func isFileName(name string) bool {
	return name != "" && name != "." && name != ".." && path.Base(name) == name && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '\\' || unicode.IsControl(r)
	})
}
