package tests

import (
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestCreatedUserIsAPendingMemberWithoutProfile(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		got := a.call(f, "createUser", parameters{"email": " Ada@Example.com ", "password": "Tecohvi0"})
		if got.status != http.StatusCreated {
			t.Fatalf("%d %s", got.status, got.body)
		}
		user := got.object(t)
		if !regexp.MustCompile(`^ID[0-9A-F]{10}$`).MatchString(user["uid"].(string)) {
			t.Errorf("uid is %v", user["uid"])
		}
		now := a.clock.Now().Format(time.RFC3339)
		want := map[string]any{
			"email": "Ada@Example.com", "uid": user["uid"], "role": "member", "level": 0.0, "otp": false, "state": "pending",
			"data": nil, "profile": nil, "referral_uid": nil, "created_at": now, "updated_at": now, "profiles": []any{},
		}
		if !reflect.DeepEqual(user, want) {
			t.Errorf("got  %v\nwant %v", user, want)
		}
	})
}

func TestPasswordIsStoredAsBcryptAndNeverShown(t *testing.T) {
	t.Parallel()
	a := start(t)
	got := a.must("createUser", parameters{"email": "ada@example.com", "password": "Tecohvi0"})
	var stored string
	if err := a.pool.QueryRow(t.Context(), "SELECT password_digest FROM users").Scan(&stored); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stored, "$2a$04$") {
		t.Errorf("stored %q", stored)
	}
	for what, text := range map[string]string{"answer": string(got.body), "log": a.log.String()} {
		if strings.Contains(text, "Tecohvi0") || strings.Contains(text, stored) {
			t.Errorf("the password or its hash is in the %s: %s", what, text)
		}
	}
}

func TestEveryRuleOfANewUserIsReported(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		a.user(parameters{"email": "taken@example.com"})
		for _, c := range []struct {
			email, password string
			want            []string
		}{
			{"bad_email", "Password1", []string{"[Email is invalid]", "Password is too weak"}},
			{"TAKEN@example.com", "Tecohvi0", []string{"[Email has already been taken]"}},
			{"taken@example.com", "short", []string{"[Email has already been taken]", "Password does not meet the minimum requirements"}},
			{"a..b@c.com", "Tecohvi0", []string{"[Email is invalid]"}},
			{"a@b", strings.Repeat("aB3$efGh", 10), []string{"[Password is too long (maximum is 72 bytes)]"}},
		} {
			a.call(f, "createUser", parameters{"email": c.email, "password": c.password}).refused(t, http.StatusUnprocessableEntity, c.want...)
		}
	})
}

var ada = parameters{
	"email": "ada@example.com", "password_digest": digest, "phone": "+44 20 7946 0018", "first_name": "Ada", "last_name": "Lovelace",
	"dob": "1985-12-10", "address": "12 St James's  Square", "postcode": "SW1Y 4JH", "city": "London", "country": "gb",
}

func TestImportStoresPhoneProfileAndLabelTogether(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		got := a.call(f, "importUser", ada)
		if got.status != http.StatusCreated {
			t.Fatalf("%d %s", got.status, got.body)
		}
		now := a.clock.Now().Format(time.RFC3339)
		profile := map[string]any{
			"first_name": "Ada", "last_name": "Lovelace", "dob": "1985-12-10", "address": "12 St James's Square", "postcode": "SW1Y 4JH",
			"city": "London", "country": "gb", "state": "completed", "metadata": nil,
		}
		version := maps.Clone(profile)
		version["state"], version["created_at"], version["updated_at"] = "drafted", now, now
		imported := got.object(t)
		if !reflect.DeepEqual(imported["profile"], profile) || !reflect.DeepEqual(imported["profiles"], []any{version}) {
			t.Errorf("profile is %v, profiles are %v", imported["profile"], imported["profiles"])
		}
		found := a.must("getUser", parameters{"uid": imported["uid"]}).object(t)
		want := map[string]any{
			"email": "ada@example.com", "uid": imported["uid"], "role": "member", "level": 0.0, "otp": false, "state": "pending",
			"data": nil, "referral_uid": nil, "created_at": now, "updated_at": now, "profile": profile, "profiles": []any{version}, "documents": []any{},
			"phones": []any{map[string]any{"country": "GB", "number": "442079460018", "validated_at": now}},
			"labels": []any{map[string]any{"key": "profile", "value": "verified", "scope": "private", "created_at": now, "updated_at": now, "description": nil}},
		}
		if !reflect.DeepEqual(found, want) {
			t.Errorf("got  %v\nwant %v", found, want)
		}
		var stored string
		if err := a.pool.QueryRow(t.Context(), "SELECT password_digest FROM users").Scan(&stored); err != nil || stored != digest {
			t.Errorf("stored %q, %v", stored, err)
		}
	})
}

func TestIncompleteProfileIsPartial(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(parameters{"city": "Łódź"})
	user := a.must("getUser", parameters{"uid": uid}).object(t)
	if profile := user["profile"].(map[string]any); profile["state"] != "partial" || profile["city"] != "Łódź" {
		t.Errorf("profile is %v", profile)
	}
	if label := user["labels"].([]any)[0].(map[string]any); label["key"] != "profile" || label["value"] != "partial" {
		t.Errorf("label is %v", label)
	}
}

func TestImportWithoutProfileSetsNoLabel(t *testing.T) {
	t.Parallel()
	a := start(t)
	user := a.must("getUser", parameters{"uid": a.user(nil)}).object(t)
	if user["profile"] != nil || len(user["labels"].([]any)) != 0 || len(user["phones"].([]any)) != 0 {
		t.Errorf("got %v", user)
	}
}

func TestEveryRuleOfAnImportIsReported(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		a.user(parameters{"email": "taken@example.com", "phone": "+442079460018"})
		a.call(f, "importUser", parameters{
			"email": "bad_email", "password_digest": "md5", "phone": "12", "first_name": "<b>", "last_name": "<i>", "dob": "2999-01-01",
			"city": "#", "country": "Atlantis", "postcode": "?", "address": "1\u202e2",
		}).refused(t, http.StatusUnprocessableEntity,
			"[Email is invalid]", "Password digest is invalid", "Number is invalid",
			`First name only allows letters, digits "-", "'", and space`, `Last name only allows letters, digits "-", "'", and space`,
			"Dob is invalid", `City only allows letters, digits "-", "'", and space`, "Country must have alpha2 or alpha3 format",
			`Postcode only allows letters, digits, "-" and space`, "Postcode is too short (minimum is 2 characters)",
			`Address only allows letters, digits "-", "'", and space`)
		a.call(f, "importUser", parameters{"email": "Taken@example.com", "password_digest": digest}).
			refused(t, http.StatusUnprocessableEntity, "User already exists by this email")
		a.call(f, "importUser", parameters{"email": "Taken@example.com", "password_digest": "md5"}).
			refused(t, http.StatusUnprocessableEntity, "User already exists by this email")
		a.call(f, "importUser", parameters{"email": "other@example.com", "password_digest": digest, "phone": "0044 (20) 7946-0018"}).
			refused(t, http.StatusUnprocessableEntity, "[Number has already been taken]")
	})
}

func TestImportThatFailsHalfWayLeavesNothing(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.user(parameters{"phone": "+442079460018"})
	before := a.rows()
	a.call(envelopeForm, "importUser", ada).refused(t, http.StatusUnprocessableEntity, "[Number has already been taken]")
	if after := a.rows(); after != before {
		t.Errorf("rows before %v, after %v", before, after)
	}
}

// rows counts users, phones, profiles and labels.
func (a *api) rows() (counts [4]int) {
	a.t.Helper()
	err := a.pool.QueryRow(a.t.Context(), `SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM phones),
		(SELECT count(*) FROM profiles), (SELECT count(*) FROM labels)`).Scan(&counts[0], &counts[1], &counts[2], &counts[3])
	if err != nil {
		a.t.Fatal(err)
	}
	return counts
}

func TestUserIsFoundByUIDByEmailInAnyCaseAndByPhoneInAnySpelling(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(parameters{"email": "Ärger@Example.com", "phone": "+442079460018"})
		a.user(nil)
		for _, key := range []parameters{
			{"uid": uid},
			{"email": "Ärger@Example.com"},
			{"email": " äRGER@eXAMPLE.COM "},
			{"phone_num": "442079460018"},
			{"phone_num": "+44 (20) 7946-0018"},
			{"phone_num": "00442079460018"},
		} {
			if found := a.call(f, "getUser", key); found.status != http.StatusCreated || found.object(t)["uid"] != uid {
				t.Errorf("%v found %d %s", key, found.status, found.body)
			}
		}
		for _, key := range []parameters{{"uid": "ID0000000000"}, {"uid": strings.ToLower(uid)}, {"email": "nobody@example.com"}, {"phone_num": "+442079460019"}, {"phone_num": "banana"}} {
			a.call(f, "getUser", key).refused(t, http.StatusNotFound, "Record is not found")
		}
	})
}

func TestNumberGoesToTheUserWhoValidatedIt(t *testing.T) {
	t.Parallel()
	a := start(t)
	claims := a.user(nil)
	proved := a.user(parameters{"phone": "+442079460018"})
	_, err := a.pool.Exec(t.Context(), `INSERT INTO phones (id, user_id, country, number, created_at, updated_at)
		SELECT 0, id, 'GB', '442079460018', now(), now() FROM users WHERE uid = $1`, claims)
	if err != nil {
		t.Fatal(err)
	}
	if found := a.must("getUser", parameters{"phone_num": "442079460018"}).object(t); found["uid"] != proved {
		t.Errorf("found %v, want %v", found["uid"], proved)
	}
}

func TestReferrerIsShownByUID(t *testing.T) {
	t.Parallel()
	a := start(t)
	referrer, referred := a.user(nil), a.user(nil)
	_, err := a.pool.Exec(t.Context(), `UPDATE users SET referral_id = (SELECT id FROM users WHERE uid = $1), data = '{"language":"fr"}' WHERE uid = $2`, referrer, referred)
	if err != nil {
		t.Fatal(err)
	}
	found := a.must("getUser", parameters{"uid": referred}).object(t)
	if found["referral_uid"] != referrer || found["data"] != `{"language":"fr"}` {
		t.Errorf("got %v", found)
	}
}

func TestProfileMetadataIsAnObject(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(parameters{"city": "London"})
	if _, err := a.pool.Exec(t.Context(), `UPDATE profiles SET metadata = '{"nationality": "british"}'`); err != nil {
		t.Fatal(err)
	}
	profile := a.must("getUser", parameters{"uid": uid}).object(t)["profile"].(map[string]any)
	if !reflect.DeepEqual(profile["metadata"], map[string]any{"nationality": "british"}) {
		t.Errorf("metadata is %v", profile["metadata"])
	}
}

func TestTimestampIsTheServersTime(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		got := a.call(f, "getTimestamp", nil)
		if want := float64(a.clock.Now().Unix()); got.status != http.StatusCreated || got.object(t)["timestamp"] != want {
			t.Errorf("%d %s, want %v", got.status, got.body, want)
		}
	})
}
