package identity_test

import (
	"strings"
	"testing"
	"time"

	"barong/internal/identity"
)

var today = time.Date(2026, 11, 22, 7, 11, 35, 0, time.UTC)

func complete() identity.ProfileFields {
	return identity.ProfileFields{
		FirstName: ptr("Ada"), LastName: ptr("Lovelace"), DOB: ptr("1815-12-10"), Address: ptr("12, St James's Sq."),
		Postcode: ptr("SW1Y 4JH"), City: ptr("London"), Country: ptr("GB"),
	}
}

func TestProfileIsCompletedWhenAllSevenFieldsAreThere(t *testing.T) {
	t.Parallel()
	profile, violations := identity.NewProfile(complete(), today)
	wantMessages(t, violations)
	if profile.State != "completed" || profile.LabelValue() != "verified" {
		t.Errorf("state %q, label %q", profile.State, profile.LabelValue())
	}
	if want := time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC); !profile.DOB.Equal(want) || profile.DOB.Location() != time.UTC {
		t.Errorf("born %v, want %v", profile.DOB, want)
	}

	for name, drop := range map[string]func(*identity.ProfileFields){
		"first_name": func(f *identity.ProfileFields) { f.FirstName = nil },
		"last_name":  func(f *identity.ProfileFields) { f.LastName = nil },
		"dob":        func(f *identity.ProfileFields) { f.DOB = nil },
		"address":    func(f *identity.ProfileFields) { f.Address = nil },
		"postcode":   func(f *identity.ProfileFields) { f.Postcode = nil },
		"city":       func(f *identity.ProfileFields) { f.City = nil },
		"country":    func(f *identity.ProfileFields) { f.Country = ptr("  ") },
	} {
		fields := complete()
		drop(&fields)
		profile, violations := identity.NewProfile(fields, today)
		wantMessages(t, violations)
		if profile == nil || profile.State != "partial" || profile.LabelValue() != "partial" {
			t.Errorf("without %s: %+v", name, profile)
		}
	}
}

func TestNoFieldsNoProfile(t *testing.T) {
	t.Parallel()
	for _, fields := range []identity.ProfileFields{{}, {FirstName: ptr(""), DOB: ptr(" "), Postcode: ptr("\t\u3000")}} {
		if profile, violations := identity.NewProfile(fields, today); profile != nil || violations != nil {
			t.Errorf("%+v, %v", profile, violations)
		}
	}
}

func TestProfileTextIsTrimmedAndItsWhiteSpaceCollapsed(t *testing.T) {
	t.Parallel()
	profile, violations := identity.NewProfile(identity.ProfileFields{
		FirstName: ptr("  Anna \t\n Maria "), City: ptr("New\u00a0\u00a0York"), Postcode: ptr(" 1  "), Country: ptr(" usA "),
	}, today)
	wantMessages(t, violations, "Postcode is too short (minimum is 2 characters)")
	if profile != nil {
		t.Errorf("refused and yet %+v", profile)
	}

	profile, violations = identity.NewProfile(identity.ProfileFields{
		FirstName: ptr("  Anna \t\n Maria "), City: ptr("New\u00a0\u00a0York"), Postcode: ptr(" 1  0 "), Country: ptr(" usA "),
	}, today)
	wantMessages(t, violations)
	if *profile.FirstName != "Anna Maria" || *profile.City != "New York" || *profile.Postcode != "1 0" || *profile.Country != "usA" {
		t.Errorf("%q %q %q %q", *profile.FirstName, *profile.City, *profile.Postcode, *profile.Country)
	}
}

func TestEachProfileFieldHasItsRule(t *testing.T) {
	t.Parallel()
	const (
		first    = `First name only allows letters, digits "-", "'", and space`
		last     = `Last name only allows letters, digits "-", "'", and space`
		city     = `City only allows letters, digits "-", "'", and space`
		address  = `Address only allows letters, digits "-", "'", and space`
		postcode = `Postcode only allows letters, digits, "-" and space`
		country  = "Country must have alpha2 or alpha3 format"
		dob      = "Dob is invalid"
	)
	long := strings.Repeat("é", 255)
	fields := func(set func(f *identity.ProfileFields, value *string)) func(string) identity.ProfileFields {
		return func(value string) identity.ProfileFields {
			var f identity.ProfileFields
			set(&f, &value)
			return f
		}
	}
	firstName := fields(func(f *identity.ProfileFields, v *string) { f.FirstName = v })
	lastName := fields(func(f *identity.ProfileFields, v *string) { f.LastName = v })
	inCity := fields(func(f *identity.ProfileFields, v *string) { f.City = v })
	inCountry := fields(func(f *identity.ProfileFields, v *string) { f.Country = v })
	at := fields(func(f *identity.ProfileFields, v *string) { f.Address = v })
	postal := fields(func(f *identity.ProfileFields, v *string) { f.Postcode = v })
	born := fields(func(f *identity.ProfileFields, v *string) { f.DOB = v })

	for _, c := range []struct {
		fields identity.ProfileFields
		want   []string
	}{
		{firstName("A"), nil},
		{firstName("Jean-Luc_2 O'Neil"), nil},
		{firstName("Ådne नमस्ते José"), nil},
		{firstName(long), nil},
		{firstName("A."), nil},
		{firstName("A!"), []string{first}},
		{firstName("<b>"), []string{first}},
		{firstName("A\x00"), []string{first}},
		{firstName("A\xff"), []string{first}},
		{firstName("O’Neil"), nil},
		{firstName(long + "é"), []string{"First name is too long (maximum is 255 characters)"}},
		{firstName(long + "!"), []string{first, "First name is too long (maximum is 255 characters)"}},

		{lastName("d'Arc"), nil},
		{lastName("d@Arc"), []string{last}},
		{lastName(long + "é"), []string{"Last name is too long (maximum is 255 characters)"}},

		{inCity("Saint-Étienne"), nil},
		{inCity("St. Gallen"), nil},
		{inCity("St; Gallen"), []string{city}},
		{inCity(long + "!"), []string{city, "City is too long (maximum is 255 characters)"}},

		{postal("04119"), nil},
		{postal("SW1Y 4JH"), nil},
		{postal("1_2"), []string{postcode}},
		{postal("1'2"), []string{postcode}},
		{postal("1"), []string{"Postcode is too short (minimum is 2 characters)"}},
		{postal("!"), []string{postcode, "Postcode is too short (minimum is 2 characters)"}},
		{postal(strings.Repeat("1", 256)), []string{"Postcode is too long (maximum is 255 characters)"}},

		{at(`1, rue de l'Été; "B"/C #4: \ & (x).`), nil},
		{at("1\n2"), nil},
		{at("1 <b> a@b!"), nil},
		{at("1\u202e2"), []string{address}}, // changes the direction of the text
		{at("1\x002"), []string{address}},
		{at("1\xff2"), []string{address}},
		{at("1\ufffd2"), []string{address}},
		{at(long + "é"), []string{"Address is too long (maximum is 255 characters)"}},

		{inCountry("us"), nil},
		{inCountry("UkR"), nil},
		{inCountry("UK"), []string{country}},
		{inCountry("Germany"), []string{country}},
		{inCountry(strings.Repeat("U", 1<<20)), []string{country}},

		{born("2026-11-22"), nil},
		{born("2000-02-29"), nil},
		{born("2026-11-23"), []string{dob}},
		{born("2001-02-29"), []string{dob}},
		{born("22.11.2000"), []string{dob}},
		{born("2000-1-1"), []string{dob}},
		{born("2000-01-01T00:00:00Z"), []string{dob}},
		{born("20000-01-01"), []string{dob}},

		{
			identity.ProfileFields{
				FirstName: ptr("!"), LastName: ptr("!"), DOB: ptr("!"), City: ptr("!"), Country: ptr("!"), Postcode: ptr("!!"), Address: ptr("\x01"),
			},
			[]string{first, last, dob, city, country, postcode, address},
		},
	} {
		profile, violations := identity.NewProfile(c.fields, today)
		wantMessages(t, violations, c.want...)
		if (profile == nil) != (c.want != nil) {
			t.Errorf("%v gives the profile %+v", c.want, profile)
		}
	}
}

func TestDateOfBirthIsComparedWithTheDayInUTC(t *testing.T) {
	t.Parallel()
	east := time.Date(2026, 11, 23, 5, 0, 0, 0, time.FixedZone("", 9*60*60)) // still the 22nd in UTC
	_, violations := identity.NewProfile(identity.ProfileFields{DOB: ptr("2026-11-23")}, east)
	wantMessages(t, violations, "Dob is invalid")
	_, violations = identity.NewProfile(identity.ProfileFields{DOB: ptr("2026-11-22")}, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	wantMessages(t, violations)
}
