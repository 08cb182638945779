package barongdb

import (
	"context"
	"slices"
	"time"
)

// numberKey is the name of the key of Vault that encrypts numbers, without that of the application.
const numberKey = "phones_number"

// phoneRow is a phone with what decides which of equal ones is kept.
type phoneRow struct {
	Phone
	user int // its index in the page
	key  string
}

// addPhones reads the phones of a page.
func (r *userReader) addPhones(ctx context.Context, page []User) error {
	rows := make([]phoneRow, 0, len(page))
	err := r.related(ctx, r.phones, page, func(i int, c cells) error {
		u := &page[i]
		p := phoneRow{Phone: Phone{Number: c.text(2)}, user: i}
		if at, ok := c.moment(3); ok {
			p.ValidatedAt = &at
		} else if c[3] != nil {
			u.note("the time of the validation of a phone is a date that does not exist: the phone stays unvalidated")
		}
		p.CreatedAt, p.UpdatedAt = r.times(c, 4, u.CreatedAt, u, "a phone")
		rows = append(rows, p)
		return nil
	})
	if err != nil {
		return err
	}
	if rows, err = r.decryptNumbers(ctx, page, rows); err != nil {
		return err
	}
	for start := 0; start < len(rows); {
		end := start + 1
		for end < len(rows) && rows[end].user == rows[start].user {
			end++
		}
		r.setPhones(&page[rows[start].user], rows[start:end])
		start = end
	}
	return nil
}

// decryptNumbers replaces ciphertexts by numbers, and leaves out phones whose number cannot be decrypted.
func (r *userReader) decryptNumbers(ctx context.Context, page []User, rows []phoneRow) ([]phoneRow, error) {
	if !r.encrypted {
		return rows, nil
	}
	ciphertexts := make([]string, len(rows))
	for i, p := range rows {
		ciphertexts[i] = p.Number
	}
	numbers, err := r.db.decrypter.decrypt(ctx, numberKey, ciphertexts)
	if err != nil {
		return nil, err
	}
	readable := rows[:0]
	for i, p := range rows {
		if numbers[i] == nil {
			page[p.user].note("a phone is left out, for its number cannot be decrypted")
			continue
		}
		p.Number = *numbers[i]
		readable = append(readable, p)
	}
	return readable, nil
}

// setPhones stores the phones of a user, which are sorted by id, each number once: of equal ones that which
// was validated last, or else the newest.
func (r *userReader) setPhones(u *User, rows []phoneRow) {
	for i := range rows {
		rows[i].key = digitsOf(rows[i].Number)
	}
	u.Phones = make([]Phone, 0, len(rows))
	for i, p := range rows {
		if slices.ContainsFunc(rows[i+1:], func(later phoneRow) bool {
			return later.key == p.key && !validatedAfter(p.ValidatedAt, later.ValidatedAt)
		}) ||
			slices.ContainsFunc(rows[:i], func(earlier phoneRow) bool {
				return earlier.key == p.key && validatedAfter(earlier.ValidatedAt, p.ValidatedAt)
			}) {
			u.note("a phone is left out, for another one has the same number")
			continue
		}
		if holder, ok := r.shared[p.key]; ok && p.ValidatedAt != nil && holder.user != u.ID {
			p.ValidatedAt = nil
			u.note("a number stays unvalidated, for the user %s has validated it later", holder.uid)
		}
		u.Phones = append(u.Phones, p.Phone)
	}
}

// validatedAfter reports whether a phone was validated after another one, or only the first was.
func validatedAfter(at, other *time.Time) bool {
	return at != nil && (other == nil || at.After(*other))
}

// digitsOf returns the ASCII digits of a number, by which numbers are compared, and the whole text if it has
// none.
func digitsOf(number string) string {
	kept := make([]byte, 0, len(number))
	for i := range len(number) {
		if c := number[i]; c >= '0' && c <= '9' {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 || len(kept) == len(number) {
		return number
	}
	return string(kept)
}
