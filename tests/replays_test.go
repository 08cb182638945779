package tests

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"barong/clients/go/signing"
)

// repeatable is a write, with another one of the same operation, and a change of the database after which the
// write itself would be refused or have another result.
type repeatable struct {
	operation    string
	given, other parameters
	meanwhile    string // SQL that leaves the first answer as it is; "": none
}

// Guards that a repetition of each operation gets the answer of the first request, whatever has changed
// since, and that a key belongs to one request.
func TestEachOperationGivesTheFirstAnswerAgain(t *testing.T) {
	t.Parallel()
	a := startWithKeys(t)
	uid, robot := a.activeUser(), a.robot(parameters{"service_account_email": unique("robot") + "@example.com"})
	kid := a.key(enrolledActive(a))
	holder := enrolledActive(a)
	document := passport(uid, png(5000))
	drafted := parameters{"uid": uid, "first_name": "Ada", "state": "drafted"}
	for _, step := range []repeatable{
		{"updateUser", parameters{"uid": uid, "role": "admin"}, parameters{"uid": uid, "role": "member"}, ""},
		{"createProfile", drafted, parametersOf(drafted).with("first_name", "Eve"), ""},
		{"createDocument", document, parametersOf(document).with("doc_number", "OTHER7"), ""},
		{"createAttachment", letter(uid, png(5000)), letter(uid, png(5001)), ""},
		{"createAttachment", parametersOf(letter(uid, png(5000))).with("uid", nil), parametersOf(letter(uid, png(5001))).with("uid", nil), ""},
		{"createPhone", parameters{"uid": uid, "number": "+442079460018"}, parameters{"uid": uid, "number": "+442079460019"}, "DELETE FROM phones"},
		{"createPhone", parameters{"uid": uid, "number": "+442079460018"}, parameters{"uid": uid, "number": "+442079460019"}, "UPDATE phones SET validated_at = NULL"},
		{"deletePhone", parameters{"uid": uid, "number": "+442079460018"}, parameters{"uid": uid, "number": "+442079460019"}, ""},
		{"createServiceAccount", parameters{"service_account_role": "service_account", "owner_uid": uid}, parameters{"service_account_role": "service_account", "service_account_email": "other@example.com"}, ""},
		{"updateServiceAccount", parameters{"uid": robot, "owner_uid": uid}, parameters{"uid": robot, "owner_uid": holder}, ""},
		{"deleteServiceAccount", parameters{"uid": robot}, parameters{"uid": "SI0000000000"}, ""},
		{"createAPIKey", parameters{"uid": holder, "algorithm": "HS256", "scopes": "trade"}, parameters{"uid": holder, "algorithm": "HS256"}, ""},
	} {
		a.repeats(step)
	}
	var of string
	if err := a.pool.QueryRow(t.Context(), "SELECT uid FROM users WHERE id = (SELECT user_id FROM api_keys WHERE kid = $1)", kid).Scan(&of); err != nil {
		t.Fatal(err)
	}
	a.repeats(repeatable{"updateAPIKey", parameters{"uid": of, "kid": kid, "state": "inactive"}, parameters{"uid": of, "kid": kid, "state": "active"}, "UPDATE users SET state = 'banned' WHERE uid = '" + of + "'"})
	for table, want := range map[string]int{"profiles": 1, "documents": 1, "attachments": 2, "service_accounts": 2, "api_keys": 2} {
		if n := a.count("SELECT count(*) FROM " + table); n != want {
			t.Errorf("there are %d %s", n, table)
		}
	}
	if files := a.fileNames(); len(files) != 3 {
		t.Errorf("the store has %d files", len(files))
	}
}

// repeats sends a write and repeats it: unchanged, after a change of the database, with another Accept, and
// with other parameters.
func (a *api) repeats(step repeatable) {
	a.t.Helper()
	key := unique(step.operation)
	first := a.keyed(step.operation, key, step.given)
	if first.status >= 300 {
		a.t.Fatalf("%s: %s", step.operation, first)
	}
	a.keyed(step.operation, key, step.given).replays(a.t, first)
	if step.meanwhile != "" {
		if _, err := a.pool.Exec(a.t.Context(), step.meanwhile); err != nil {
			a.t.Fatal(err)
		}
		a.keyed(step.operation, key, step.given).replays(a.t, first)
	}
	a.keyed(step.operation, key, step.given, "application/problem+json").replays(a.t, first)
	a.keyed(step.operation, key, step.other).refused(a.t, http.StatusUnprocessableEntity, "Idempotency key was used for another request")
}

// enrolledActive is an active user with otp, who may have API keys.
func enrolledActive(a *api) string {
	uid, _ := a.enrolled()
	return uid
}

// Guards that a response that is read anew shows what has changed since, and no error.
func TestAnswersThatAreReadAnewShowTheUserAsStored(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	given := passport(uid, png(5000))
	if first := a.keyed("createDocument", "d", given); first.status != http.StatusCreated {
		t.Fatalf("%s", first)
	}
	a.must("updateUser", parameters{"uid": uid, "role": "admin"})
	again := a.keyed("createDocument", "d", given)
	if again.status != http.StatusCreated || again.object(t)["role"] != "admin" || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%s", again)
	}
}

// Guards that of many concurrent requests with one key one file is left.
func TestOneDocumentIsUploadedOnce(t *testing.T) {
	t.Parallel()
	a := start(t)
	b := start(t, func(s *setup) { s.pool = a.pool })
	b.clock = a.clock
	uid := a.user(nil)
	given := passport(uid, png(5000))
	answers := make([]answer, 20)
	var waiting sync.WaitGroup
	for i := range answers {
		waiting.Go(func() { answers[i] = a.keyed("createDocument", "once", given) })
	}
	waiting.Wait()
	for _, got := range answers {
		if got.status != http.StatusCreated || fmt.Sprint(got) != fmt.Sprint(answers[0]) {
			t.Errorf("%s", got)
		}
	}
	if got := b.keyed("createDocument", "once", given); got.status != http.StatusCreated || got.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("at another server: %s", got)
	}
	if n := a.count("SELECT count(*) FROM documents"); n != 1 || len(a.fileNames()) != 1 || len(b.fileNames()) != 0 {
		t.Errorf("%d documents, %d files, %d at the other server", n, len(a.fileNames()), len(b.fileNames()))
	}
}

// Guards that a repeated /otp/sign gets no second signature, and that its spent key refuses another code
// without using that up, wherever the secrets are.
func TestASpentKeyGetsNoSignature(t *testing.T) {
	t.Parallel()
	for where, begin := range map[string]func(testing.TB) *api{
		"Postgres": func(t testing.TB) *api { return start(t) },
		"Vault":    func(t testing.TB) *api { a, _ := startWithVault(t); return a },
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			a := begin(t)
			uid, secret := a.enrolled()
			given := parameters{"user_uid": uid, "otp_code": a.code(secret, 0)}
			if got := a.keyed("signOTP", "s", given); got.status != http.StatusCreated {
				t.Fatalf("%s", got)
			}
			for range 2 {
				a.keyed("signOTP", "s", given).refused(t, http.StatusUnprocessableEntity, usedCode)
			}
			next := parameters{"user_uid": uid, "otp_code": a.code(secret, 30*time.Second)}
			a.keyed("signOTP", "s", next).refused(t, http.StatusUnprocessableEntity, "Idempotency key was used for another request")
			if got := a.keyed("signOTP", "other", next); got.status != http.StatusCreated {
				t.Errorf("the refused code was used up: %s", got)
			}
		})
	}
}

// Guards that a repeated jti of an envelope is noticed by each operation that writes without an account
// status.
func TestRepetitionsOfEachOperationAreObserved(t *testing.T) {
	t.Parallel()
	a := startWithKeys(t)
	uid, robot := a.activeUser(), a.robot(parameters{"service_account_email": unique("robot") + "@example.com"})
	for _, step := range []repeatable{
		{operation: "updateUser", given: parameters{"uid": uid, "role": "admin"}},
		{operation: "createAttachment", given: letter(uid, png(5000))},
		{operation: "createServiceAccount", given: parameters{"service_account_role": "service_account", "owner_uid": uid}},
		{operation: "updateServiceAccount", given: parameters{"uid": robot, "owner_uid": uid}},
		{operation: "createAPIKey", given: parameters{"uid": enrolledActive(a), "algorithm": "HS256"}},
	} {
		envelope, err := signing.Envelope(marshal(t, step.given), signing.NewClaims(a.clock.Now(), 30*time.Second), backend().signer)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 2 {
			if got := a.send(step.operation, "application/json", envelope, ""); got.status != http.StatusCreated {
				t.Errorf("%s: %s", step.operation, got)
			}
			if seen := strings.Count(a.log.String(), "operation="+step.operation+" entry="); seen != n {
				t.Errorf("%s: %d repetitions of %d are logged", step.operation, seen, n)
			}
		}
	}
}

// Guards that a repetition whose answer was erased is told that the request was executed.
func TestRepetitionsWhoseAnswerWasErased(t *testing.T) {
	t.Parallel()
	a := startWithKeys(t)
	uid := a.activeUser()
	requests := map[string]parameters{
		"createLabel": {"user_uid": uid, "key": "plan", "value": "gold"},
		"createPhone": {"uid": uid, "number": "+442079460018"},
		"createUser":  {"email": unique("erased") + "@example.com", "password": "Tr0ub4dor&3-horse"},
	}
	for operation, given := range requests {
		if first := a.keyed(operation, operation, given); first.status != http.StatusCreated {
			t.Fatal(operation, first)
		}
	}
	if _, err := a.pool.Exec(t.Context(), "UPDATE idempotency_keys SET answer = NULL"); err != nil {
		t.Fatal(err)
	}
	for operation, given := range requests {
		a.keyed(operation, operation, given).refused(t, http.StatusConflict, "The request was already executed")
	}
}
