package barongtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"barong/internal/barongdb"
)

// zeroDate is what MySQL stores for a date that it was not given, where its settings admit that.
const zeroDate, zeroTime = "0000-00-00", "0000-00-00 00:00:00"

// builder makes rows, and what must be read of them.
type builder struct {
	*Data
	random *rand.Rand
	ids    map[string]int64
	number int // of the last phone
}

func newBuilder(db *Database, seed uint64) *builder {
	return &builder{&Data{rows: map[string][]row{}, db: db}, rand.New(rand.NewPCG(seed, 13)), map[string]int64{}, 0} //nolint:gosec // the same data for a seed
}

func (b *builder) id(name string) int64 {
	b.ids[name] += 1 + b.random.Int64N(2) // rows are deleted, too
	return b.ids[name]
}

// at returns a time of day number n of the installation.
func (b *builder) at(n int) time.Time {
	return time.Date(2019, 3, 1, b.random.IntN(24), b.random.IntN(60), b.random.IntN(60), 0, time.UTC).AddDate(0, 0, n)
}

// newNumber returns a valid number that no user has.
func (b *builder) newNumber() string {
	b.number++
	switch b.number % 3 {
	case 0:
		return fmt.Sprintf("447400%06d", 100000+b.number)
	case 1:
		return fmt.Sprintf("4915112%06d", 100000+b.number)
	default:
		return fmt.Sprintf("38050%07d", 1000000+b.number)
	}
}

// account is a user in the making.
type account struct {
	*builder
	*Account
	userRow row
}

// user adds a user with the columns of users only.
func (b *builder) user(irregularity string) account {
	id := b.id("users")
	created := b.at(int(id) % 300)
	want := barongdb.User{
		ID: id, UID: fmt.Sprintf("ID%010X", id*7919+1<<32), Email: fmt.Sprintf("user%d@example.com", id), PasswordDigest: digest,
		Role: "member", State: "active", Level: 1, CreatedAt: created, UpdatedAt: created.Add(time.Hour),
	}
	made := &Account{Want: want, Irregularity: irregularity}
	b.Accounts = append(b.Accounts, made)
	r := row{id, want.UID, want.Email, want.PasswordDigest, want.Role, nil, want.Level, want.OTP, want.State, nil, want.CreatedAt, want.UpdatedAt}
	b.rows["users"] = append(b.rows["users"], r)
	return account{b, made, r}
}

// set changes a column of the user's row. The caller changes what must be read.
func (a account) set(column string, value any) { a.userRow[indexOf("users", column)] = value }

func indexOf(table, column string) int {
	for i, name := range columns[table] {
		if name == column {
			return i
		}
	}
	panic("barongtest: no column " + column)
}

// state, role, level and the others set a column to a value that is read as it is.
func (a account) state(state string) { a.set("state", state); a.Want.State = state }
func (a account) role(role string)   { a.set("role", role); a.Want.Role = role }
func (a account) level(level int)    { a.set("level", level); a.Want.Level = level }
func (a account) email(email string) { a.set("email", email); a.Want.Email = email }
func (a account) uid(uid string)     { a.set("uid", uid); a.Want.UID = uid }
func (a account) digest(d string)    { a.set("password_digest", d); a.Want.PasswordDigest = d }

func (a account) data(data string) {
	a.set("data", data)
	if a.db.Schema != V20 {
		a.Want.Data = &data
	}
}

// refer stores the id of a user who invited this one, and the uid that is read for it.
func (a account) refer(id int64, uid string) {
	a.set("referral_id", id)
	if a.Want.ReferralUID = &uid; uid == "" {
		a.Want.ReferralUID, a.Notes = nil, a.Notes+1
	}
}

// labelRow adds a row only.
func (a account) labelRow(l barongdb.Label) {
	a.rows["labels"] = append(a.rows["labels"], row{a.id("labels"), a.Want.ID, l.Key, l.Value, l.Scope, l.Description, l.CreatedAt, l.UpdatedAt})
}

// label adds a row that is read.
func (a account) label(l barongdb.Label) {
	a.labelRow(l)
	if a.db.Schema < V25 {
		l.Description = nil
	}
	a.Want.Labels = append(a.Want.Labels, l)
}

// private returns a label of scope private, written days after the user.
func (a account) private(key, value string, days int) barongdb.Label {
	return a.scoped(key, value, "private", days)
}

func (a account) scoped(key, value, scope string, days int) barongdb.Label {
	created := a.Want.CreatedAt.AddDate(0, 0, days)
	return barongdb.Label{Key: key, Value: value, Scope: scope, CreatedAt: created, UpdatedAt: created.Add(time.Minute)}
}

// phoneRow adds a row only.
func (a account) phoneRow(p barongdb.Phone) {
	a.rows["phones"] = append(a.rows["phones"], row{a.id("phones"), a.Want.ID, "DE", p.Number, "12345", p.ValidatedAt, p.CreatedAt, p.UpdatedAt})
}

// phone adds a row that is read.
func (a account) phone(p barongdb.Phone) {
	a.phoneRow(p)
	a.Want.Phones = append(a.Want.Phones, p)
}

// validated returns a phone that was validated days after the user was made.
func (a account) validated(number string, days int) barongdb.Phone {
	p := a.unvalidated(number, days)
	at := p.CreatedAt.Add(5 * time.Minute)
	p.ValidatedAt, p.UpdatedAt = &at, at
	return p
}

func (a account) unvalidated(number string, days int) barongdb.Phone {
	created := a.Want.CreatedAt.AddDate(0, 0, days)
	return barongdb.Phone{Number: number, CreatedAt: created, UpdatedAt: created}
}

// completed is the state of a profile before 2.4, and submitted from then on.
const completed = 1

// profileRow adds a row with a state, and returns what is read of it.
func (a account) profileRow(p barongdb.Profile, state any) barongdb.Profile {
	a.rows["profiles"] = append(a.rows["profiles"], row{
		a.id("profiles"), a.Want.ID, p.FirstName, p.LastName, p.DOB, p.Address, p.Postcode, p.City, p.Country, state, p.Metadata, p.CreatedAt, p.UpdatedAt,
	})
	if a.db.Schema >= V25 {
		p.State = map[any]string{1: "submitted", 3: "verified", 4: "rejected"}[state]
		if p.State == "" {
			p.State = "drafted"
		}
	}
	return p
}

// profile adds a row that is read as the newest.
func (a account) profile(p barongdb.Profile) {
	a.Want.Profile = new(a.profileRow(p, completed))
}

// earlier adds rows that are read from 2.4 on, oldest first, and are noted as left out before.
func (a account) earlier(state any, profiles ...barongdb.Profile) {
	for _, p := range profiles {
		read := a.profileRow(p, state)
		if a.db.Schema >= V25 {
			a.Want.Earlier = append(a.Want.Earlier, read)
		}
	}
	if a.db.Schema < V25 {
		a.Notes = 1
	}
}

// complete returns a profile with every field.
func (a account) complete(firstName string, days int) barongdb.Profile {
	created := a.Want.CreatedAt.AddDate(0, 0, days)
	return barongdb.Profile{
		FirstName: &firstName, LastName: new("O'Hara-Müller"), DOB: new(time.Date(1950+a.random.IntN(50), 2, 28, 0, 0, 0, 0, time.UTC)),
		Address: new("Unter den Linden 77, 2. Stock"), Postcode: new("10117"), City: new("Berlin"), Country: new("DE"),
		Metadata: new(`{"nationality":"DE"}`), CreatedAt: created, UpdatedAt: created.Add(time.Hour),
	}
}

// file adds a document that is read.
func (a account) file(d Document) {
	d.ID, d.UserID, d.UID = a.id("documents"), a.Want.ID, a.Want.UID
	a.rows["documents"] = append(a.rows["documents"], row{d.ID, d.UserID, d.Upload, d.Type, d.Number, d.Expire, d.Metadata, d.CreatedAt, d.UpdatedAt})
	a.Documents = append(a.Documents, d)
}

// passport returns a document.
func (a account) passport(upload string) Document {
	created := a.Want.CreatedAt.AddDate(0, 0, 3)
	return Document{
		Upload: &upload, Type: new("Passport"), Number: new(fmt.Sprintf("C01X%05d", a.Want.ID)), Expire: new(time.Date(2031, 5, 6, 0, 0, 0, 0, time.UTC)),
		Metadata: new(`{"side":"front"}`), CreatedAt: created, UpdatedAt: created,
	}
}
