package tests

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"barong/internal/config"
)

// dump is the rows of the journal and of the idempotency keys as text, bytes in hexadecimal digits.
func (a *api) dump() string {
	a.t.Helper()
	var all strings.Builder
	for _, table := range []string{"journal_inbox", "journal", "idempotency_keys"} {
		var rows string
		if err := a.pool.QueryRow(a.t.Context(), "SELECT coalesce(string_agg(each::text, E'\\n'), '') FROM "+table+" AS each").Scan(&rows); err != nil {
			a.t.Fatal(err)
		}
		all.WriteString(rows)
	}
	return all.String()
}

// Guards that neither the journal, nor the keys with their answers, nor the log has personal data or secrets
// of a run of all operations, also where the jti is enforced and payloads are kept.
func TestTheJournalHasNothingPersonal(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"", config.On} {
		a := startWithKeys(t, func(s *setup) { s.idempotency = mode })
		uid := a.must("createUser", parameters{"email": "zenobia.palmyra@example.org", "password": "Tr0ub4dor&3-Palmyra"}).object(t)["uid"].(string)
		imported := a.user(parameters{"email": "imported.person@example.org", "phones": []any{}})
		a.label(uid, "email", "verified")
		a.must("createLabel", parameters{"user_uid": uid, "key": "kyc", "value": "passed", "description": "Describes a check"})
		a.must("updateUser", parameters{"uid": uid, "data": `{"nickname":"Zenobietta"}`})
		a.must("createProfile", parameters{"uid": uid, "first_name": "Zenobia", "last_name": "Septimia", "address": "Columns Street 7", "dob": "1971-02-03", "state": "verified"})
		document := parametersOf(passport(uid, png(5000))).with("doc_number", "ZX9981177")
		document["filename"], document["update_labels"] = "zenobia-scan.png", false
		a.must("createDocument", document)
		a.must("createAttachment", parametersOf(letter(uid, png(5000))).with("filename", "zenobia-letter.png"))
		a.must("createPhone", parameters{"uid": uid, "number": "+442079460018"})
		a.must("deletePhone", parameters{"uid": uid, "number": "+442079460018"})
		robot := a.robot(parameters{"owner_uid": uid, "service_account_email": "zenobias.robot@example.org"})
		a.must("updateServiceAccount", parameters{"uid": robot, "owner_uid": imported})
		a.must("deleteServiceAccount", parameters{"uid": robot})
		active, secret := a.enrolled()
		created := a.must("createAPIKey", parameters{"uid": active, "algorithm": "HS256"}).object(t)
		a.must("updateAPIKey", parameters{"uid": active, "kid": created["kid"], "state": "inactive"})
		if got := a.sign(jsonForm, active, a.code(secret, 0), ""); got.status != http.StatusCreated {
			t.Fatalf("%s", got)
		}
		a.must("deleteLabel", parameters{"user_uid": uid, "key": "kyc"})
		for _, operation := range []string{"createUser", "importUser", "createProfile", "createDocument", "createAttachment", "createPhone", "deletePhone", "createAPIKey", "signOTP"} {
			if a.count("SELECT count(*) FROM journal_inbox WHERE record LIKE '%\""+operation+"\"%'") == 0 {
				t.Errorf("the journal has no %s", operation)
			}
		}
		dump := strings.ToLower(a.dump())
		log := strings.ToLower(a.log.String())
		for _, personal := range []string{
			"zenobia", "palmyra", "imported.person", "Septimia", "Columns Street", "1971-02-03", "ZX9981177", "442079460018", "Tr0ub4dor",
			"Zenobia", "Palmyra", string(secret), created["secret"].(string), digest,
		} {
			folded := strings.ToLower(personal)
			if strings.Contains(dump, folded) || strings.Contains(dump, hex.EncodeToString([]byte(personal))) {
				t.Errorf("%q: the journal or the keys have %q", mode, personal)
			}
			if strings.Contains(log, folded) {
				t.Errorf("%q: the log has %q", mode, personal)
			}
		}
	}
}
