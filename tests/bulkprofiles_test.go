package tests

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// versions is users with profiles as Barong 2.4 and later have them.
var versions = strings.ReplaceAll(`
{"uid":"IDAAAAAAAAAA","email":"a@example.com","password_digest":"DIGEST","role":"member","state":"pending","created_at":"2020-02-03T04:05:06Z","profiles":[{"first_name":"Ada","state":"rejected","created_at":"2020-02-04T04:05:06Z","updated_at":"2020-02-05T04:05:06Z"},{"first_name":"Ada","last_name":"King","dob":"1985-12-10","address":"12, \"St\" James","postcode":"SW1Y 4JH","city":"Łódź","country":"POL","state":"verified","metadata":{"a":[1,"ü"]}},{"city":"London"}],"labels":[]}
{"uid":"IDBBBBBBBBBB","email":"b@example.com","password_digest":"DIGEST","role":"member","state":"pending","created_at":"2020-02-03T04:05:06Z","first_name":"Bob","profile_state":"submitted","labels":[]}
{"uid":"IDCCCCCCCCCC","email":"c@example.com","password_digest":"DIGEST","role":"member","state":"pending","created_at":"2020-02-03T04:05:06Z","profile_state":"drafted","labels":[]}
`[1:], "DIGEST", digest)

func TestProfilesOfAFileComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	b.run(0, "import", b.write("users.ndjson", versions))
	if out, _ := b.run(0, "export"); out != versions {
		t.Errorf("what came out\n%swent in as\n%s", out, versions)
	}
	csv := filepath.Join(b.dir, "users.csv")
	b.run(0, "export", csv)
	other := b.sharing()
	other.run(0, "import", csv)
	if out, _ := other.run(0, "export"); out != versions {
		t.Errorf("by way of CSV\n%sbecame\n%s", versions, out)
	}
	for query, want := range map[string]int64{
		"SELECT number FROM profiles WHERE last_name = 'King'":          2, // the verified one is shown
		"SELECT count(*) FROM former_profiles":                          2,
		"SELECT number FROM former_profiles WHERE city = 'London'":      3,
		"SELECT count(*) FROM profiles WHERE review = 'submitted'":      1,
		"SELECT count(*) FROM former_profiles WHERE review = 'drafted'": 1,
	} {
		if got := b.count(query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestLabelOfImportedProfilesIsTheStateOfTheNewest(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	row := `{"email":"%s@example.com","password_digest":"` + digest + `",%s}` + "\n"
	b.run(0, "import", b.write("users.ndjson",
		fmt.Sprintf(row, "a", `"profiles":[{"state":"verified"},{"city":"London","state":"rejected"}]`)+
			fmt.Sprintf(row, "b", `"profile_state":"submitted"`)+
			fmt.Sprintf(row, "c", `"city":"London"`)+
			fmt.Sprintf(row, "d", `"profiles":[]`)))
	for value, want := range map[string]int64{"rejected": 1, "submitted": 1, "partial": 1} {
		if got := b.count("SELECT count(*) FROM labels WHERE key = 'profile' AND value = '" + value + "'"); got != want {
			t.Errorf("%s: %d", value, got)
		}
	}
	if got := b.count("SELECT count(*) FROM labels"); got != 3 {
		t.Errorf("%d labels", got)
	}
}

func TestRowsWithProfilesThatBreakARuleAreRefused(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	row := `{"email":"%s@example.com","password_digest":"` + digest + `",%s}` + "\n"
	_, stderr := b.run(3, "import", b.write("users.ndjson",
		fmt.Sprintf(row, "a", `"city":"London","profiles":[{"state":"verified"}]`)+
			fmt.Sprintf(row, "b", `"profile_state":"completed"`)+
			fmt.Sprintf(row, "c", `"profiles":[{"first_name":"<b>","metadata":[]}]`)+
			fmt.Sprintf(row, "d", `"profiles":[`+strings.Repeat(`{},`, 100)+`{}]`)+
			fmt.Sprintf(row, "e", `"profiles":[{"name":"Ada"}]`)))
	for _, want := range []string{
		"Profiles cannot be given with the fields of a profile", "State is not included in the list",
		`First name only allows letters, digits "-", "'", and space, Profile metadata is not a JSON object`,
		"Profiles are too many (maximum is 100)", "name is unknown",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
	if n := b.count("SELECT count(*) FROM users"); n != 0 {
		t.Errorf("%d users", n)
	}
}
