package barongtest

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"barong/internal/barongdb"
)

// Irregular fills an empty database with n users: every irregularity at least once where n is at least 202,
// and as many ordinary users as irregular ones. The same seed gives the same rows.
func (d *Database) Irregular(t testing.TB, seed uint64, n int) *Data {
	t.Helper()
	b := newBuilder(d, seed)
	for i := 0; len(b.Accounts) < n; i++ {
		q := irregularities[i%len(irregularities)]
		if len(b.Accounts)+q.users <= n && (q.possible == nil || q.possible(d)) {
			q.make(b, q.name)
		}
		if len(b.Accounts) < n {
			b.ordinary("")
		}
	}
	b.insert(t)
	return b.Data
}

// ordinary adds a user as most are: verified step by step.
func (b *builder) ordinary(irregularity string) account {
	a := b.user(irregularity)
	a.level(3)
	a.label(a.private("email", "verified", 0))
	a.label(a.private("phone", "verified", 1))
	a.label(a.private("document", "verified", 4))
	a.phone(a.validated(b.newNumber(), 1))
	a.profile(a.complete("Zoë", 2))
	a.file(a.passport("passport.png"))
	return a
}

// irregularity makes users that Barong's rules, but not its tables, rule out, or that few expect.
type irregularity struct {
	name     string
	users    int // how many it adds
	possible func(*Database) bool
	make     func(b *builder, name string)
}

func mysqlOnly(d *Database) bool       { return d.mysql }
func postgresOnly(d *Database) bool    { return !d.mysql }
func duplicateLabels(d *Database) bool { return d.Schema != V26 } // an index rules them out since

func one(name string, change func(a account)) irregularity {
	return irregularity{name: name, users: 1, make: func(b *builder, name string) { change(b.user(name)) }}
}

func (i irregularity) where(possible func(*Database) bool) irregularity {
	i.possible = possible
	return i
}

var irregularities = slices.Concat(labelIrregularities, phoneIrregularities, profileIrregularities, userIrregularities, documentIrregularities)

var labelIrregularities = []irregularity{
	one("two equal labels of one time: the later id", func(a account) {
		l := a.private("document", "pending", 1)
		a.labelRow(l)
		l.Value = "verified"
		a.label(l)
		a.Notes++
	}).where(duplicateLabels),
	one("two equal labels: the later change", func(a account) {
		newest, older := a.private("document", "verified", 5), a.private("document", "rejected", 1)
		a.label(newest)
		a.labelRow(older)
		a.Notes++
	}).where(duplicateLabels),
	one("three labels whose keys differ in case and white space", func(a account) {
		a.labelRow(a.private("Document", "pending", 1))
		a.labelRow(a.private("  document", "rejected", 2))
		a.label(a.private("DOCUMENT", "verified", 3))
		a.label(a.private("email", "verified", 0))
		a.Notes += 2
	}).where(duplicateLabels),
	one("labels whose keys differ in case", func(a account) {
		a.labelRow(a.private("Document", "pending", 1))
		a.label(a.private("document", "verified", 3))
		a.Notes++
	}).where(postgresOnly),
	one("a key in upper case", func(a account) { a.label(a.private("EMAIL", "Verified", 0)) }),
	one("a public and a private label of one key", func(a account) {
		a.label(a.scoped("referral", "partner", "public", 1))
		a.label(a.private("referral", "checked", 1))
	}),
	one("a label with a description", func(a account) {
		l := a.private("document", "rejected", 2)
		l.Description = new("blurred: send it again 📷")
		a.label(l)
	}),
	one("labels whose keys begin as those of triggers do", func(a account) {
		a.label(a.private("bank_account", "verified", 1))
		a.label(a.private("banned_by_admin", "true", 2))
		a.state("banned")
	}),
	one("a label with an odd key and value", func(a account) {
		a.label(a.private("kyc level/2:é", strings.Repeat("x", 255), 1))
		a.label(a.scoped("empty", "", "Secret", 1))
	}),
	one("thirty labels", func(a account) {
		for i := range 30 {
			a.label(a.private("step-"+string(rune('a'+i%26))+string(rune('a'+i/26)), "done", i))
		}
	}),
	one("a label without times", func(a account) {
		a.rows["labels"] = append(a.rows["labels"], row{a.id("labels"), a.Want.ID, "email", "verified", "private", nil, zeroTime, zeroTime})
		a.Want.Labels = []barongdb.Label{{Key: "email", Value: "verified", Scope: "private", CreatedAt: a.Want.CreatedAt, UpdatedAt: a.Want.CreatedAt}}
		a.Notes++
	}).where(mysqlOnly),
}

var phoneIrregularities = []irregularity{
	one("a phone that is not validated", func(a account) { a.phone(a.unvalidated(a.newNumber(), 1)) }),
	one("a second phone that is not validated", func(a account) {
		a.phone(a.validated(a.newNumber(), 1))
		a.phone(a.unvalidated(a.newNumber(), 2))
	}),
	one("two validated phones", func(a account) {
		a.phone(a.validated(a.newNumber(), 1))
		a.phone(a.validated(a.newNumber(), 90))
	}),
	one("a number twice, validated once", func(a account) {
		number := a.newNumber()
		a.phoneRow(a.unvalidated(number, 1))
		a.phone(a.validated(number, 2))
		a.phoneRow(a.unvalidated("+"+number, 3))
		a.Notes += 2
	}),
	one("a number twice, validated twice", func(a account) {
		number := a.newNumber()
		a.phone(a.validated(number, 9))
		a.phoneRow(a.validated(number, 2))
		a.Notes++
	}),
	one("a number twice, never validated", func(a account) {
		number := a.newNumber()
		a.phoneRow(a.unvalidated(number, 1))
		a.phone(a.unvalidated(number, 1))
		a.Notes++
	}),
	{name: "a number that two have validated: the later one keeps it", users: 2, make: func(b *builder, name string) {
		number, first, second := b.newNumber(), b.user(name), b.user(name)
		early, late := first.validated(number, 5), second.validated(number, 500)
		first.phoneRow(early)
		early.ValidatedAt = nil
		first.Want.Phones, first.Notes = []barongdb.Phone{early}, 1
		second.phone(late)
	}},
	{name: "a number that three have validated, with and without punctuation", users: 3, make: func(b *builder, name string) {
		number, first, second, third := b.newNumber(), b.user(name), b.user(name), b.user(name)
		last := first.validated(number, 900)
		first.phone(last)
		for _, a := range []account{second, third} {
			early := a.validated("+"+number[:2]+" ("+number[2:5]+") "+number[5:], 1)
			if a.db.Schema.encrypted() {
				early.Number = number // the index of 2.6 is that of the digits
			}
			a.phoneRow(early)
			early.ValidatedAt = nil
			a.Want.Phones, a.Notes = []barongdb.Phone{early}, 1
		}
	}},
	{name: "a number that two have validated at one time: the later id", users: 2, make: func(b *builder, name string) {
		number, first, second := b.newNumber(), b.user(name), b.user(name)
		p := first.validated(number, 5)
		first.phoneRow(p)
		second.phone(p)
		p.ValidatedAt = nil
		first.Want.Phones, first.Notes = []barongdb.Phone{p}, 1
	}},
	{name: "a number that another has not validated", users: 2, make: func(b *builder, name string) {
		number, first, second := b.newNumber(), b.user(name), b.user(name)
		first.phone(first.validated(number, 5))
		second.phone(second.unvalidated(number, 9))
	}},
	one("a number that is none", func(a account) { a.phone(a.unvalidated("call me", 1)) }),
	one("a phone validated at a date that does not exist", func(a account) {
		p := a.unvalidated(a.newNumber(), 1)
		a.rows["phones"] = append(a.rows["phones"], row{a.id("phones"), a.Want.ID, "DE", p.Number, "12345", zeroTime, p.CreatedAt, p.UpdatedAt})
		a.Want.Phones, a.Notes = []barongdb.Phone{p}, 1
	}).where(mysqlOnly),
}

var profileIrregularities = []irregularity{
	one("three profiles: the newest, before 2.4", func(a account) {
		a.profile(a.complete("New", 9))
		a.earlier(completed, a.complete("Older", 0), a.complete("Old", 1))
	}),
	one("a profile of every state", func(a account) {
		for state := range 5 {
			p := a.complete("Ada", state)
			if p.LastName = new(strconv.Itoa(state)); state == 2 {
				continue
			}
			a.earlier(state, p)
		}
		a.earlier(nil, a.complete("Stateless", 6))
		a.profile(a.complete("New", 9))
	}).where(func(d *Database) bool { return d.Schema >= V25 }),
	one("a profile of an unknown state", func(a account) {
		a.Want.Profile = new(a.profileRow(a.complete("Ada", 1), 2))
		a.Notes++
	}).where(func(d *Database) bool { return d.Schema >= V25 }),
	one("two profiles of one time: the later id", func(a account) {
		p := a.complete("First", 1)
		a.earlier(completed, p)
		p.FirstName = new("Second")
		a.profile(p)
	}),
	one("a partial profile", func(a account) {
		p := a.complete("Half", 1)
		p.LastName, p.DOB, p.Address, p.Metadata = nil, nil, nil, nil
		a.profile(p)
	}),
	one("a profile without anything", func(a account) {
		a.profile(barongdb.Profile{CreatedAt: a.Want.CreatedAt, UpdatedAt: a.Want.UpdatedAt})
	}),
	one("a profile of long texts and of many scripts", func(a account) {
		p := a.complete("محمد 王小明 👩‍💻\t\\N", 1)
		p.Address, p.City, p.Postcode = new(strings.Repeat("ß", 255)), new("مدينة"), new("")
		p.Metadata = new(`not JSON {`)
		a.profile(p)
	}),
	one("metadata of 60,000 bytes", func(a account) {
		p := a.complete("Long", 1)
		p.Metadata = new(`{"notes":"` + strings.Repeat("é", 30000) + `"}`)
		a.profile(p)
	}),
	one("a date of birth that does not exist", func(a account) {
		p := a.complete("Timeless", 1)
		p.DOB = nil
		a.profile(p)
		rows := a.rows["profiles"]
		rows[len(rows)-1][indexOf("profiles", "dob")] = zeroDate
		a.Notes++
	}).where(func(d *Database) bool { return d.mysql || d.Schema.encrypted() }),
	one("a date of birth in another century", func(a account) {
		p := a.complete("Old", 1)
		p.DOB = new(time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC))
		a.profile(p)
	}),
}

var userIrregularities = []irregularity{
	one("nothing but a user", func(account) {}),
	one("banned by hand, without a label", func(a account) {
		a.label(a.private("email", "verified", 0))
		a.state("banned")
	}),
	one("a level without labels", func(a account) { a.level(3) }),
	one("labels of a higher level", func(a account) {
		a.label(a.private("email", "verified", 0))
		a.label(a.private("phone", "verified", 0))
		a.level(0)
	}),
	one("a level that no label gives", func(a account) { a.level(99) }),
	one("pending with a verified e-mail", func(a account) {
		a.label(a.private("email", "verified", 0))
		a.state("pending")
	}),
	one("deleted", func(a account) { a.state("deleted") }),
	one("locked", func(a account) { a.state("locked"); a.label(a.private("suspicious", "login", 3)) }),
	one("an odd state", func(a account) { a.state("Suspended until 2021") }),
	one("an empty state", func(a account) { a.state("") }),
	one("an administrator", func(a account) { a.role("superadmin") }),
	one("an odd role", func(a account) { a.role("Chief Accountant") }),
	one("2FA", func(a account) { a.set("otp", true); a.Want.OTP = true }),
	one("2FA neither on nor off", func(a account) { a.set("otp", nil) }),
	one("a referrer that is gone", func(a account) { a.refer(9_000_000_000, "") }),
	{name: "a referrer that comes later", users: 2, make: func(b *builder, name string) {
		first := b.user(name)
		second := b.user("a referrer")
		first.refer(second.Want.ID, second.Want.UID)
	}},
	{name: "a referrer that came earlier", users: 2, make: func(b *builder, name string) {
		first, second := b.user("a referrer"), b.user(name)
		second.refer(first.Want.ID, first.Want.UID)
	}},
	one("its own referrer", func(a account) { a.refer(a.Want.ID, a.Want.UID) }),
	{name: "e-mails that differ in case", users: 2, make: func(b *builder, name string) {
		first, second := b.user(name), b.user(name)
		second.email(strings.ToUpper(first.Want.Email[:4]) + first.Want.Email[4:])
	}},
	one("an e-mail of odd characters", func(a account) { a.email("O'Brien+tag." + a.Want.UID + "@exämple.com") }),
	one("an e-mail that is none", func(a account) { a.email("nobody " + a.Want.UID) }),
	one("a digest that is none", func(a account) { a.digest("secret") }),
	one("an empty digest", func(a account) { a.digest("") }),
	one("a digest of PHP", func(a account) { a.digest("$2y$" + digest[4:]) }),
	one("an odd uid", func(a account) { a.uid("id-" + strings.ToLower(a.Want.UID) + " x") }),
	one("data: an object", func(a account) { a.data(`{"language":"en","theme":{"dark":true}}`) }),
	one("data: an array", func(a account) { a.data(`[1,2,3]`) }),
	one("data: null", func(a account) { a.data(`null`) }),
	one("data: empty", func(a account) { a.data("") }),
	one("data: no JSON", func(a account) { a.data("{language: en}\r\n\\N\ttab") }),
	one("data: emoji", func(a account) { a.data(`{"name":"👩‍👩‍👧‍👦 王"}`) }),
	one("data: 60,000 bytes", func(a account) { a.data(`{"x":"` + strings.Repeat("y", 60000) + `"}`) }),
	one("data: U+0000", func(a account) { a.data("{\"x\":\"a\x00b\"}") }).where(mysqlOnly),
	one("changed before it was made", func(a account) {
		a.Want.UpdatedAt = a.Want.CreatedAt.AddDate(-1, 0, 0)
		a.set("updated_at", a.Want.UpdatedAt)
	}),
	one("made at a date that does not exist", func(a account) {
		a.set("created_at", zeroTime)
		a.Want.CreatedAt = a.Want.UpdatedAt
		a.Notes++
	}).where(mysqlOnly),
}

var documentIrregularities = []irregularity{
	one("an expired document", func(a account) {
		d := a.passport("old passport (1).jpg")
		d.Expire = new(time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC))
		a.file(d)
	}),
	one("documents without anything", func(a account) {
		d := a.passport("x")
		a.file(Document{CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt})
	}),
	one("a file of an odd name", func(a account) { a.file(a.passport("../паспорт é%20+&.pdf")) }),
	one("a document that expires at a date that does not exist", func(a account) {
		d := a.passport("passport.pdf")
		d.Expire = nil
		a.file(d)
		rows := a.rows["documents"]
		rows[len(rows)-1][indexOf("documents", "doc_expire")] = zeroDate
	}).where(mysqlOnly),
	one("five documents", func(a account) {
		for _, name := range []string{"front.png", "back.png", "selfie.jpg", "utility.pdf", "selfie.jpg"} {
			a.file(a.passport(name))
		}
	}),
}
