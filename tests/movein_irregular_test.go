package tests

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"barong/internal/barongdb"
	"barong/internal/barongdb/barongtest"
)

// movedUser is a row of an export.
type movedUser struct {
	UID            string          `json:"uid"`
	Email          string          `json:"email"`
	PasswordDigest string          `json:"password_digest"`
	Role           string          `json:"role"`
	State          string          `json:"state"`
	OTP            bool            `json:"otp"`
	ReferralUID    *string         `json:"referral_uid"`
	Data           *string         `json:"data"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      *time.Time      `json:"updated_at"`
	Phones         []movedPhone    `json:"phones"`
	Labels         []movedLabel    `json:"labels"`
	FirstName      *string         `json:"first_name"`
	LastName       *string         `json:"last_name"`
	DOB            *string         `json:"dob"`
	Address        *string         `json:"address"`
	Postcode       *string         `json:"postcode"`
	City           *string         `json:"city"`
	Country        *string         `json:"country"`
	Metadata       json.RawMessage `json:"profile_metadata"`
	ProfileCreated *time.Time      `json:"profile_created_at"`
	ProfileUpdated *time.Time      `json:"profile_updated_at"`
}

type movedPhone struct {
	Number      string     `json:"number"`
	ValidatedAt *time.Time `json:"validated_at"`
	CreatedAt   *time.Time `json:"created_at"`
	UpdatedAt   *time.Time `json:"updated_at"`
}

type movedLabel struct {
	Key         string     `json:"key"`
	Value       string     `json:"value"`
	Scope       string     `json:"scope"`
	Description *string    `json:"description"`
	CreatedAt   *time.Time `json:"created_at"`
	UpdatedAt   *time.Time `json:"updated_at"`
}

// finding is a line of a report.
type finding struct {
	Finding string `json:"finding"`
	UID     string `json:"uid"`
	State   string `json:"state"`
	HeldBy  string `json:"held_by"`
	Detail  string `json:"detail"`
	Label   string `json:"label"`
	Level   *int   `json:"level"`
}

// jsonLines reads a value from each line.
func jsonLines[T any](t testing.TB, text string) []T {
	t.Helper()
	var list []T
	for line := range strings.Lines(text) {
		var value T
		if err := json.Unmarshal([]byte(line), &value); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, value)
	}
	return list
}

// moveIn is a database of Barong and one of this server.
type moveIn struct {
	bulkFile
	source *barongtest.Database
}

func newMoveIn(t testing.TB) moveIn {
	t.Helper()
	m := moveIn{newBulk(t), barongtest.MariaDB(t, barongtest.V23)}
	m.settings["BARONG_IMPORT_FROM"] = m.source.URL
	return m
}

// importAll imports and returns the summary and the findings.
func (m moveIn) importAll(want int, args ...string) (summary string, findings []finding) {
	m.t.Helper()
	report := filepath.Join(m.t.TempDir(), "report.ndjson")
	refused := filepath.Join(m.dir, "refused.ndjson")
	summary, _ = m.run(want, append([]string{"import", "--report", report, "--refused", refused, "--restart"}, args...)...)
	return summary, jsonLines[finding](m.t, m.readIfThere(report))
}

func (m moveIn) readIfThere(path string) string {
	m.t.Helper()
	if found, _ := filepath.Glob(path); found == nil {
		return ""
	}
	return m.read(path)
}

func (m moveIn) users() map[string]movedUser {
	m.t.Helper()
	exported, _ := m.run(0, "export")
	users := map[string]movedUser{}
	for _, user := range jsonLines[movedUser](m.t, exported) {
		users[user.UID] = user
	}
	return users
}

// refusedIrregularities are those with which nobody could log in, or which another user's value rules
// out.
var refusedIrregularities = []string{
	"an odd state", "an empty state", "e-mails that differ in case", "an e-mail that is none", "a digest that is none", "an empty digest",
	"an odd uid",
}

func TestEveryIrregularUserOfBarongComesOverFieldByField(t *testing.T) {
	t.Parallel()
	m := newMoveIn(t)
	data := m.source.Irregular(t, 1, 202)
	summary, findings := m.importAll(3, "--lenient")
	if !strings.HasPrefix(summary, "195 imported, 7 refused") {
		t.Error(summary)
	}
	dropped, held := map[string][]string{}, map[string]string{}
	for _, f := range findings {
		if f.Finding == "dropped" {
			dropped[f.UID] = append(dropped[f.UID], f.Detail)
		}
		if f.HeldBy != "" {
			held[f.UID] = f.HeldBy
		}
	}
	users := m.users()
	for _, account := range data.Accounts {
		got, ok := users[account.Want.UID]
		if !ok {
			if !slices.Contains(refusedIrregularities, account.Irregularity) {
				t.Errorf("%s (%s) did not come over", account.Want.UID, account.Irregularity)
			}
			continue
		}
		for _, difference := range differences(account.Want, got, dropped[got.UID], held[got.UID]) {
			t.Errorf("%s (%s): %s", got.UID, account.Irregularity, difference)
		}
	}
	if len(held) != 4 {
		t.Errorf("held: %v", held)
	}

	// Without --lenient, users with such details are refused, and nobody else.
	strict := moveIn{newBulk(t), m.source}
	strict.settings["BARONG_IMPORT_FROM"] = m.source.URL
	strict.importAll(3)
	lacking := strict.users()
	for uid := range users {
		if _, ok := lacking[uid]; ok == (dropped[uid] != nil) {
			t.Errorf("%s: without --lenient imported: %t, and dropped %v", uid, ok, dropped[uid])
		}
	}
}

// differences names the members of a user that did not arrive as they were, except of those that were
// dropped.
func differences(want barongdb.User, got movedUser, dropped []string, held string) (found []string) {
	is := func(member string, got, want any) {
		isDropped := slices.ContainsFunc(dropped, func(detail string) bool { return strings.HasPrefix(detail, member) })
		if !isDropped && !reflect.DeepEqual(got, want) {
			found = append(found, member)
		}
	}
	is("email", got.Email, want.Email)
	is("password_digest", got.PasswordDigest, want.PasswordDigest)
	is("role", got.Role, want.Role)
	is("state", got.State, want.State)
	is("otp", got.OTP, want.OTP)
	is("data", got.Data, want.Data)
	is("referral_uid", got.ReferralUID, want.ReferralUID)
	is("created_at", got.CreatedAt.UTC(), want.CreatedAt)
	updated := at(got.UpdatedAt, got.CreatedAt)
	is("updated_at", updated, want.UpdatedAt)
	is("phones", phonesOf(got, updated), phonesIn(want))
	is("labels", labelsOf(got, held), labelsIn(want))
	if p := want.Profile; p != nil {
		is("first_name", got.FirstName, squashed(p.FirstName))
		is("last_name", got.LastName, squashed(p.LastName))
		is("address", got.Address, squashed(p.Address))
		is("postcode", got.Postcode, squashed(p.Postcode))
		is("city", got.City, squashed(p.City))
		is("country", got.Country, squashed(p.Country))
		var dob *string
		if p.DOB != nil {
			dob = new(p.DOB.Format(time.DateOnly))
		}
		is("dob", got.DOB, dob)
		var metadata json.RawMessage
		if p.Metadata != nil {
			metadata = json.RawMessage(*p.Metadata)
		}
		is("profile_metadata", normalJSON(got.Metadata), normalJSON(metadata))
		if got.Labels != nil && (got.FirstName != nil || got.City != nil) {
			is("profile_created_at", at(got.ProfileCreated, got.CreatedAt), p.CreatedAt)
			is("profile_updated_at", at(got.ProfileUpdated, updated), p.UpdatedAt)
		}
	}
	return found
}

func at(t *time.Time, otherwise time.Time) time.Time {
	if t == nil {
		return otherwise.UTC()
	}
	return t.UTC()
}

func squashed(s *string) *string {
	if s == nil || strings.TrimSpace(*s) == "" {
		return nil
	}
	return new(strings.Join(strings.Fields(*s), " "))
}

func normalJSON(text json.RawMessage) any {
	var value any
	_ = json.Unmarshal(text, &value)
	return value
}

type plainPhone struct {
	number             string
	validated          time.Time
	created, updatedAt time.Time
}

func phonesOf(u movedUser, updated time.Time) []plainPhone {
	list := []plainPhone{}
	for _, p := range u.Phones {
		list = append(list, plainPhone{p.Number, at(p.ValidatedAt, time.Time{}), at(p.CreatedAt, u.CreatedAt), at(p.UpdatedAt, updated)})
	}
	return list
}

func phonesIn(u barongdb.User) []plainPhone {
	list := []plainPhone{}
	for _, p := range u.Phones {
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, p.Number)
		list = append(list, plainPhone{digits, at(p.ValidatedAt, time.Time{}), p.CreatedAt, p.UpdatedAt})
	}
	return list
}

type plainLabel struct {
	key, value, scope, description string
	created, updatedAt             time.Time
}

// labelsOf returns the labels in order, without the one that holds the state.
func labelsOf(u movedUser, held string) []plainLabel {
	list := []plainLabel{}
	for _, l := range u.Labels {
		if held != "" && l.Key+": "+l.Value == held {
			continue
		}
		if l.Scope == "" {
			l.Scope = "private"
		}
		label := plainLabel{key: l.Key, value: l.Value, scope: l.Scope, created: at(l.CreatedAt, u.CreatedAt)}
		label.updatedAt = at(l.UpdatedAt, label.created)
		if l.Description != nil {
			label.description = *l.Description
		}
		list = append(list, label)
	}
	return sortedLabels(list)
}

func labelsIn(u barongdb.User) []plainLabel {
	list := []plainLabel{}
	for _, l := range u.Labels {
		label := plainLabel{key: normalText(l.Key), value: normalText(l.Value), scope: l.Scope, created: l.CreatedAt, updatedAt: l.UpdatedAt}
		if l.Description != nil {
			label.description = *l.Description
		}
		list = append(list, label)
	}
	return sortedLabels(list)
}

func normalText(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

func sortedLabels(list []plainLabel) []plainLabel {
	slices.SortFunc(list, func(a, b plainLabel) int { return strings.Compare(a.scope+a.key, b.scope+b.key) })
	return list
}
