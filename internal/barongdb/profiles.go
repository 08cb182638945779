package barongdb

import (
	"context"
	"slices"
	"time"
)

// profileRow is a profile that belongs to a user of a page.
type profileRow struct {
	Profile
	owner    int     // index in the page
	dob      *string // as the database has it
	badTimes bool
	badState bool
}

// maxProfiles limits the profiles that are read of a user.
const maxProfiles = 100

// The columns of profiles that 2.6 encrypts.
var profileSecrets = []string{"first_name", "last_name", "dob", "address"}

// profileStates are the states of profiles of Barong 2.4 and later, as integers in the database.
var profileStates = map[int64]string{0: "drafted", 1: "submitted", 3: "verified", 4: "rejected"}

// hasProfileStates reports whether users of this version have several profiles, with states of their
// verification. In earlier versions the state says whether a profile is complete.
func (s schema) hasProfileStates() bool { return s.has("labels", "description") }

// addProfiles reads the profiles of each user of a page: the newest, and of Barong 2.4 and later the
// newest hundred.
func (r *userReader) addProfiles(ctx context.Context, page []User) error {
	found := make([][]*profileRow, len(page))
	left := make([]int, len(page)) // how many are left out
	kept := 1
	if r.db.schema.hasProfileStates() {
		kept = maxProfiles
	}
	err := r.related(ctx, r.profiles, page, func(i int, c cells) error {
		var times User // whose notes count only where the profile is kept
		created, updated := r.times(c, 10, page[i].CreatedAt, &times, "")
		row := &profileRow{
			owner: i, dob: c.optional(4), badTimes: times.Notes != nil,
			Profile: Profile{
				FirstName: c.optional(2), LastName: c.optional(3), Address: c.optional(5), Postcode: c.optional(6), City: c.optional(7),
				Country: c.optional(8), Metadata: c.optional(9), CreatedAt: created, UpdatedAt: updated,
			},
		}
		if kept > 1 {
			row.setState(c)
		}
		at := len(found[i]) // behind those of the same time, which have lower ids
		for at > 0 && found[i][at-1].CreatedAt.After(created) {
			at--
		}
		found[i] = slices.Insert(found[i], at, row)
		if len(found[i]) > kept {
			found[i], left[i] = slices.Delete(found[i], 0, 1), left[i]+1
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.decryptProfiles(ctx, page, slices.Concat(found...)); err != nil {
		return err
	}
	for i, rows := range found {
		if left[i] > 0 {
			page[i].note("older profiles are left out: %d", left[i])
		}
		page[i].setProfiles(rows)
	}
	return nil
}

// setState reads the state of a profile. An unknown one is that of a draft.
func (row *profileRow) setState(c cells) {
	row.State = profileStates[0]
	if c[12] == nil {
		return
	}
	number, err := c.integer(12)
	state, ok := profileStates[number]
	if row.badState = err != nil || !ok; !row.badState {
		row.State = state
	}
}

// setProfiles stores profiles, oldest first, and notes what is left out.
func (u *User) setProfiles(rows []*profileRow) {
	for n, row := range rows {
		if row.badTimes {
			u.note("a time of the profile is a date that does not exist")
		}
		if row.badState {
			u.note("a profile has a state that Barong does not know")
		}
		if row.dob != nil {
			if at, ok := parseMoment([]byte(*row.dob)); ok {
				row.DOB = new(time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC))
			} else {
				u.note("the date of birth is a date that does not exist")
			}
		}
		if n == len(rows)-1 {
			u.Profile = &row.Profile
		} else {
			u.Earlier = append(u.Earlier, row.Profile)
		}
	}
}

// decryptProfiles replaces the ciphertexts of profiles.
func (r *userReader) decryptProfiles(ctx context.Context, page []User, rows []*profileRow) error {
	for _, column := range profileSecrets {
		if _, encrypted := r.db.schema.column("profiles", column); !encrypted {
			continue
		}
		var owners []int
		var fields []**string
		var ciphertexts []string
		for _, row := range rows {
			field := map[string]**string{"first_name": &row.FirstName, "last_name": &row.LastName, "dob": &row.dob, "address": &row.Address}[column]
			if *field != nil && **field != "" {
				owners, fields, ciphertexts = append(owners, row.owner), append(fields, field), append(ciphertexts, **field)
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
