package tests

import (
	"cmp"
	"encoding/json"
	"fmt"
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
	movedProfile                   // the only one
	Metadata       json.RawMessage `json:"profile_metadata"`
	ProfileState   string          `json:"profile_state"`
	ProfileCreated *time.Time      `json:"profile_created_at"`
	ProfileUpdated *time.Time      `json:"profile_updated_at"`
	Profiles       []struct {      // several
		movedProfile
		Metadata  json.RawMessage `json:"metadata"`
		State     string          `json:"state"`
		CreatedAt *time.Time      `json:"created_at"`
		UpdatedAt *time.Time      `json:"updated_at"`
	} `json:"profiles"`
}

// movedProfile is what the profile of a user and one of several have in common.
type movedProfile struct {
	FirstName *string `json:"first_name"`
	LastName  *string `json:"last_name"`
	DOB       *string `json:"dob"`
	Address   *string `json:"address"`
	Postcode  *string `json:"postcode"`
	City      *string `json:"city"`
	Country   *string `json:"country"`
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
	return moveInFrom(t, barongtest.MariaDB(t, barongtest.V23))
}

// moveInFrom is a new database of this server, and the settings that read this one of Barong.
func moveInFrom(t testing.TB, source *barongtest.Database) moveIn {
	t.Helper()
	m := moveIn{newBulk(t), source}
	m.settings["BARONG_IMPORT_FROM"] = source.URL
	if vault := source.Transit; vault != nil {
		m.settings["VAULT_ADDR"], m.settings["VAULT_TOKEN"], m.settings["VAULT_APP_NAME"] = vault.URL, vault.Token, vault.App
	}
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
	for name, source := range map[string]struct {
		open   func(testing.TB, barongtest.Schema) *barongtest.Database
		schema barongtest.Schema
	}{
		"MariaDB 2.0": {barongtest.MariaDB, barongtest.V20}, "MariaDB 2.3": {barongtest.MariaDB, barongtest.V23},
		"MariaDB 2.5": {barongtest.MariaDB, barongtest.V25}, "MariaDB 2.6": {barongtest.MariaDB, barongtest.V26},
		"Postgres 2.3": {barongtest.Postgres, barongtest.V23}, "Postgres 2.6": {barongtest.Postgres, barongtest.V26},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			comesOver(t, moveInFrom(t, source.open(t, source.schema)))
		})
	}
}

// comesOver imports irregular users and compares them with what they were.
func comesOver(t *testing.T, m moveIn) {
	t.Helper()
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
	if again, _ := m.importAll(3, "--lenient"); !strings.Contains(again, "\n0 updated, ") {
		t.Errorf("a run without a change: %s", again)
	}

	// Without --lenient, users with such details are refused, and nobody else.
	strict := moveInFrom(t, m.source)
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
			found = append(found, fmt.Sprintf("%s is %+v, not %+v", member, got, want))
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
	is("profile", profilesOf(got, updated), profilesIn(want))
	return found
}

func at(t *time.Time, otherwise time.Time) time.Time {
	if t == nil {
		return otherwise.UTC()
	}
	return t.UTC()
}

// plainProfile is a profile whose times are those of the user where it has none of its own.
type plainProfile struct {
	firstName, lastName, dob, address, postcode, city, country string
	state                                                      string
	metadata                                                   any
	created, updatedAt                                         time.Time
}

func profilesOf(u movedUser, updated time.Time) []plainProfile {
	list := []plainProfile{}
	add := func(p movedProfile, metadata json.RawMessage, state string, created, updatedAt *time.Time) {
		list = append(list, plainProfile{
			firstName: squashed(p.FirstName), lastName: squashed(p.LastName), dob: squashed(p.DOB), address: squashed(p.Address), postcode: squashed(p.Postcode),
			city: squashed(p.City), country: squashed(p.Country), state: cmp.Or(state, "drafted"), metadata: normalJSON(metadata),
			created: at(created, u.CreatedAt), updatedAt: at(updatedAt, updated),
		})
	}
	for _, p := range u.Profiles {
		add(p.movedProfile, p.Metadata, p.State, p.CreatedAt, p.UpdatedAt)
	}
	if len(list) == 0 && u.ProfileState+squashed(u.FirstName)+squashed(u.City) != "" {
		add(u.movedProfile, u.Metadata, u.ProfileState, u.ProfileCreated, u.ProfileUpdated)
	}
	return list
}

// profilesIn returns the profiles of Barong, but for one without anything and without a state, which does not come over.
func profilesIn(u barongdb.User) []plainProfile {
	list := []plainProfile{}
	profiles := u.Earlier
	if u.Profile != nil {
		profiles = append(slices.Clone(profiles), *u.Profile)
	}
	for _, p := range profiles {
		if p == (barongdb.Profile{CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}) {
			continue
		}
		profile := plainProfile{
			firstName: squashed(p.FirstName), lastName: squashed(p.LastName), address: squashed(p.Address), postcode: squashed(p.Postcode),
			city: squashed(p.City), country: squashed(p.Country), state: cmp.Or(p.State, "drafted"), created: p.CreatedAt, updatedAt: p.UpdatedAt,
		}
		if p.DOB != nil {
			profile.dob = p.DOB.Format(time.DateOnly)
		}
		if p.Metadata != nil {
			profile.metadata = normalJSON(json.RawMessage(*p.Metadata))
		}
		list = append(list, profile)
	}
	return list
}

func squashed(s *string) string {
	if s == nil {
		return ""
	}
	return strings.Join(strings.Fields(*s), " ")
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
