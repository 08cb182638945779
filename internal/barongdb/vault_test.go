package barongdb_test

import (
	"strings"
	"testing"

	"barong/internal/barongdb"
	"barong/internal/barongdb/barongtest"
)

func TestVaultIsAskedInBatches(t *testing.T) {
	d := barongtest.MariaDB(t, barongtest.V26)
	d.Bulk(t, severalPages)
	read(t, open(t, d), 0)
	// Five columns of four pages.
	if requests, items := d.Transit.Requests.Load(), d.Transit.Items.Load(); requests != 20 || items != 5*severalPages {
		t.Errorf("%d requests with %d values", requests, items)
	}
}

func TestFailuresOfVaultAreExplained(t *testing.T) {
	d := barongtest.MariaDB(t, barongtest.V26)
	d.Bulk(t, 10)
	good := options(d)
	for want, change := range map[string]func(v *barongdb.Vault){
		"with 403: 1 error occurred:":                          func(v *barongdb.Vault) { v.Token = func() (string, error) { return "wrong-token", nil } },
		"with 400: encryption key not found":                   func(v *barongdb.Vault) { v.AppName = "other" },
		"Vault did not answer POST /v1/transit/decrypt/barong": func(v *barongdb.Vault) { v.Address = "http://127.0.0.1:1" },
	} {
		vault := *good.Vault
		change(&vault)
		fails(t, d, barongdb.Options{Vault: &vault}, want)
	}
	d.Transit.Sealed.Store(true)
	fails(t, d, good, "with 503: Vault is sealed")
	d.Transit.Sealed.Store(false)
	fails(t, d, barongdb.Options{}, "set VAULT_ADDR, VAULT_TOKEN and VAULT_APP_NAME")
}

// fails reads users and expects an error.
func fails(t *testing.T, d *barongtest.Database, options barongdb.Options, want string) {
	t.Helper()
	db, err := barongdb.Open(t.Context(), d.URL, options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, err = range db.Users(t.Context(), 0) {
		if err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "token") || strings.Contains(err.Error(), "vault:v1") {
		t.Errorf("%v does not say %q", err, want)
	}
}

func TestValuesThatVaultCannotDecryptAreLeftOut(t *testing.T) {
	d := barongtest.MariaDB(t, barongtest.V26)
	d.Bulk(t, 10)
	foreign := d.Transit.Encrypt("another_key", "Eve")
	d.Exec(t, "UPDATE profiles SET first_name_encrypted = ? WHERE user_id = 3", foreign)
	d.Exec(t, "UPDATE profiles SET dob_encrypted = 'vault:v1:%' WHERE user_id = 4")
	d.Exec(t, "UPDATE phones SET number_encrypted = ? WHERE user_id = 5", foreign)
	for _, u := range read(t, open(t, d), 0) {
		switch u.ID {
		case 3:
			lacks(t, u, u.Profile.FirstName == nil && u.Profile.LastName != nil, "profile.first_name")
		case 4:
			lacks(t, u, u.Profile.DOB == nil, "profile.dob")
		case 5:
			lacks(t, u, len(u.Phones) == 0, "a phone is left out")
		default:
			if u.Notes != nil || u.Profile.FirstName == nil || len(u.Phones) != 1 {
				t.Errorf("%+v", u)
			}
		}
	}
}

func lacks(t *testing.T, u barongdb.User, lacking bool, note string) {
	t.Helper()
	if !lacking || len(u.Notes) != 1 || !strings.Contains(u.Notes[0], note) {
		t.Errorf("%+v", u)
	}
}

func TestWrongKeysAreNotTakenForDamagedRows(t *testing.T) {
	d := barongtest.MariaDB(t, barongtest.V26)
	d.Bulk(t, 10)
	d.Exec(t, "UPDATE phones SET number_encrypted = ?", d.Transit.Encrypt("another_key", "4915110000001"))
	fails(t, d, options(d), "none of 10 values of phones.number can be decrypted")
}

// The message is what ActiveSupport writes for the number 49151123456.
func TestColumnsOfRailsAreRead(t *testing.T) {
	const base, message = "0123456789abcdef-secret-key-base-of-a-test", "202040.MWiRvcwpJ0fHbdg4rjqh+tKW/g65--TYO5aDlUGKqM9axO--oyQ7spy9yh7fI75jN2RLkQ=="
	d := barongtest.MariaDB(t, barongtest.V26)
	d.Bulk(t, 3)
	d.Exec(t, "UPDATE phones SET number_encrypted = ?", message)
	fails(t, d, options(d), "set SECRET_KEY_BASE")
	with := options(d)
	with.SecretKeyBase = "another base"
	fails(t, d, with, "none of 3 values of phones.number can be decrypted")
	with.SecretKeyBase = base
	db, err := barongdb.Open(t.Context(), d.URL, with)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, u := range read(t, db, 0) {
		if len(u.Phones) != 1 || u.Phones[0].Number != "49151123456" || *u.Profile.FirstName != "Ada" {
			t.Errorf("%+v", u)
		}
	}
}
