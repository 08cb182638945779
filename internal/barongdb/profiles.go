package barongdb

import (
	"context"
	"time"
)

// profileRow is the newest profile of a user so far.
type profileRow struct {
	Profile
	found    bool
	dob      *string // as the database has it
	badTimes bool
	older    int // how many others there are
}

// The columns of profiles that 2.6 encrypts.
var profileSecrets = []string{"first_name", "last_name", "dob", "address"}

// addProfiles reads the newest profile of each user of a page.
func (r *userReader) addProfiles(ctx context.Context, page []User) error {
	rows := make([]profileRow, len(page))
	err := r.related(ctx, r.profiles, page, func(i int, c cells) error {
		var times User // whose notes count only where the profile is kept
		created, updated := r.times(c, 10, page[i].CreatedAt, &times, "")
		row := &rows[i]
		if row.found {
			row.older++
			if created.Before(row.CreatedAt) {
				return nil
			}
		}
		*row = profileRow{
			found: true, dob: c.optional(4), badTimes: times.Notes != nil, older: row.older,
			Profile: Profile{
				FirstName: c.optional(2), LastName: c.optional(3), Address: c.optional(5), Postcode: c.optional(6), City: c.optional(7),
				Country: c.optional(8), Metadata: c.optional(9), CreatedAt: created, UpdatedAt: updated,
			},
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.decryptProfiles(ctx, page, rows); err != nil {
		return err
	}
	for i := range rows {
		if rows[i].found {
			page[i].setProfile(&rows[i])
		}
	}
	return nil
}

// setProfile stores a profile, and notes what is left out.
func (u *User) setProfile(row *profileRow) {
	if row.older > 0 {
		u.note("older profiles are left out: %d", row.older)
	}
	if row.badTimes {
		u.note("a time of the profile is a date that does not exist")
	}
	if row.dob != nil {
		if at, ok := parseMoment([]byte(*row.dob)); ok {
			row.DOB = new(time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC))
		} else {
			u.note("the date of birth is a date that does not exist")
		}
	}
	u.Profile = &row.Profile
}

// decryptProfiles replaces the ciphertexts of profiles.
func (r *userReader) decryptProfiles(ctx context.Context, page []User, rows []profileRow) error {
	for _, column := range profileSecrets {
		if _, encrypted := r.db.schema.column("profiles", column); !encrypted {
			continue
		}
		var owners []int
		var fields []**string
		var ciphertexts []string
		for i := range rows {
			row := &rows[i]
			field := map[string]**string{"first_name": &row.FirstName, "last_name": &row.LastName, "dob": &row.dob, "address": &row.Address}[column]
			if *field != nil && **field != "" {
				owners, fields, ciphertexts = append(owners, i), append(fields, field), append(ciphertexts, **field)
			}
		}
		plaintexts, err := r.db.decrypter.decrypt(ctx, "profiles_"+column, ciphertexts)
		if err != nil {
			return err
		}
		for i, plaintext := range plaintexts {
			if *fields[i] = plaintext; plaintext == nil {
				page[owners[i]].note("profile.%s is left out, for it cannot be decrypted", column)
			}
		}
	}
	return nil
}
