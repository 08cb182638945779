package tests

import (
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"
)

func TestPhoneLivesThroughCreateListAndDelete(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(parameters{"phone": "+442079460018"})
		first := map[string]any{"country": "GB", "number": "442079460018", "validated_at": a.clock.Now().Format(time.RFC3339)}
		a.clock.Advance(time.Minute)
		second := map[string]any{"country": "DE", "number": "4915100000001", "validated_at": a.clock.Now().Format(time.RFC3339)}

		got := a.call(f, "createPhone", parameters{"uid": uid, "number": "+49 (151) 0000-0001"})
		if got.status != http.StatusCreated || !reflect.DeepEqual(got.object(t), second) {
			t.Fatalf("create: %d %s", got.status, got.body)
		}
		got = a.call(f, "listPhones", parameters{"uid": uid})
		if got.status != http.StatusCreated || !reflect.DeepEqual(got.list(t), []map[string]any{first, second}) {
			t.Errorf("list: %d %s", got.status, got.body)
		}
		if found := a.must("getUser", parameters{"phone_num": "4915100000001"}).object(t); found["uid"] != uid || len(found["labels"].([]any)) != 0 {
			t.Errorf("found %v", found)
		}
		got = a.call(f, "deletePhone", parameters{"uid": uid, "number": "0044 20 7946 0018"})
		if got.status != http.StatusCreated || !reflect.DeepEqual(got.object(t), first) {
			t.Errorf("delete: %d %s", got.status, got.body)
		}
		a.call(f, "deletePhone", parameters{"uid": uid, "number": "442079460018"}).refused(t, 422, "management.phone.doesnt_exists")
		a.must("deletePhone", parameters{"uid": uid, "number": "4915100000001"})
		if got = a.call(f, "listPhones", parameters{"uid": uid}); string(got.body) != "[]\n" {
			t.Errorf("after delete: %d %s", got.status, got.body)
		}
	})
}

func TestPhoneOperationsRefuse(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		owner := a.user(parameters{"phone": "+442079460018"})
		uid := a.user(nil)
		a.phone(uid, "4915100000001", 1)
		for _, c := range []struct {
			operation string
			given     parameters
			status    int
			want      string
		}{
			{"createPhone", parameters{"uid": uid}, 422, "number is missing, number is empty"},
			{"listPhones", parameters{}, 422, "uid is missing, uid is empty"},
			{"createPhone", parameters{"uid": "ID0000000000", "number": "12"}, 422, "user.doesnt_exist"},
			{"createPhone", parameters{"uid": "ID0000000000", "number": "+442079460018"}, 422, "user.doesnt_exist"},
			{"createPhone", parameters{"uid": "ID0000000000", "number": "+442079460019"}, 422, "user.doesnt_exist"},
			{"listPhones", parameters{"uid": "ID0000000000"}, 422, "user.doesnt_exist"},
			{"deletePhone", parameters{"uid": "ID0000000000", "number": "12"}, 422, "user.doesnt_exist"},
			{"deletePhone", parameters{"uid": "ID0000000000", "number": "+442079460018"}, 422, "user.doesnt_exist"},
			{"createPhone", parameters{"uid": uid, "number": "12"}, 400, "management.phone.invalid_num"},
			{"createPhone", parameters{"uid": uid, "number": "(020) 7946-0018"}, 400, "management.phone.invalid_num"},
			{"createPhone", parameters{"uid": uid, "number": "00 44 20 7946 0018"}, 400, "management.phone.number_exist"},
			{"createPhone", parameters{"uid": owner, "number": "442079460018"}, 400, "management.phone.number_exist"},
			{"createPhone", parameters{"uid": uid, "number": "+49 151 00000001"}, 400, "management.phone.exists"},
			{"deletePhone", parameters{"uid": uid, "number": "+442079460018"}, 422, "management.phone.doesnt_exists"},
			{"deletePhone", parameters{"uid": uid, "number": "banana"}, 422, "management.phone.doesnt_exists"},
		} {
			a.call(f, c.operation, c.given).refused(t, c.status, c.want)
		}
	})
}

// phone inserts unvalidated rows with a number.
func (a *api) phone(uid, number string, rows int) {
	a.t.Helper()
	_, err := a.pool.Exec(a.t.Context(), `INSERT INTO phones (user_id, country, number, created_at, updated_at)
		SELECT id, 'GB', $2, now(), now() FROM users, generate_series(1, $3) WHERE uid = $1`, uid, number, rows)
	if err != nil {
		a.t.Fatal(err)
	}
}

func TestPhonesOfAUserAreLimited(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		_, err := a.pool.Exec(t.Context(), `INSERT INTO phones (user_id, country, number, created_at, updated_at)
			SELECT id, 'GB', 4915100000000 + n, now(), now() FROM users, generate_series(1, 99) AS n WHERE uid = $1`, uid)
		if err != nil {
			t.Fatal(err)
		}
		a.must("createPhone", parameters{"uid": uid, "number": "+442079460018"})
		a.call(f, "createPhone", parameters{"uid": uid, "number": "+442079460019"}).refused(t, 400, "management.phone.too_many")
		a.call(f, "createPhone", parameters{"uid": uid, "number": "+4915100000001"}).refused(t, 400, "management.phone.exists")
	})
}

// Rows that came from Barong may be doubles, and need not be in E.164.
func TestPhoneIsDeletedAsItIsStored(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	for _, stored := range []string{"4402079460018", "02079460018", "0012"} {
		a.phone(uid, stored, 2)
		if got := a.must("deletePhone", parameters{"uid": uid, "number": stored}).object(t); got["number"] != stored {
			t.Errorf("%s: deleted %v", stored, got)
		}
	}
	a.phone(uid, "442079460018", 2)
	a.must("createPhone", parameters{"uid": uid, "number": "+4915100000001"})
	a.phone(uid, "4402079460018", 1)
	if _, err := a.pool.Exec(t.Context(), `UPDATE phones SET validated_at = '2020-01-01T00:00:00Z' WHERE id = (SELECT max(id) FROM phones WHERE number = '442079460018')`); err != nil {
		t.Fatal(err)
	}
	// E.164 comes before the digits as written; the validated row is shown.
	if got := a.must("deletePhone", parameters{"uid": uid, "number": "+44 (0) 20 7946 0018"}).object(t); got["number"] != "442079460018" || got["validated_at"] != "2020-01-01T00:00:00Z" {
		t.Errorf("deleted %v", got)
	}
	left := a.must("listPhones", parameters{"uid": uid}).list(t)
	if len(left) != 2 || left[0]["number"] != "4915100000001" || left[1]["number"] != "4402079460018" {
		t.Errorf("left %v", left)
	}
}

func TestOneOfManyUsersGetsTheNumber(t *testing.T) {
	t.Parallel()
	a := start(t)
	uids := make([]string, clients)
	for i := range uids {
		uids[i] = a.user(nil)
	}
	for round, uidOf := range []func(i int) string{
		func(i int) string { return uids[i] },
		func(int) string { return uids[0] },
	} {
		number := fmt.Sprintf("+44207946%04d", round)
		answers := concurrently(func(i int) answer {
			return a.call(forms[i%3], "createPhone", parameters{"uid": uidOf(i), "number": number})
		})
		if won, lost := count(answers, http.StatusCreated), count(answers, http.StatusBadRequest); won != 1 || won+lost != clients {
			t.Errorf("%d won, %d lost: %v", won, lost, answers)
		}
		for _, x := range answers {
			if x.status != http.StatusCreated {
				x.refused(t, http.StatusBadRequest, "management.phone.number_exist")
			}
		}
	}
}

// A number goes back and forth between users: no request fails for another reason than the number.
func TestNumberIsGivenUpAndTakenAtTheSameTime(t *testing.T) {
	t.Parallel()
	a := start(t)
	uids := []string{a.user(nil), a.user(nil), a.user(nil)}
	answers := concurrently(func(i int) answer {
		given := parameters{"uid": uids[i%3], "number": "+442079460018"}
		if i%2 == 0 {
			return a.call(envelopeForm, "createPhone", given)
		}
		return a.call(envelopeForm, "deletePhone", given)
	})
	if n := count(answers, 201) + count(answers, 400) + count(answers, 422); n != clients {
		t.Errorf("%d of %d: %v", n, clients, answers)
	}
	var rows int
	if err := a.pool.QueryRow(t.Context(), "SELECT count(*) FROM phones").Scan(&rows); err != nil || rows > 1 {
		t.Errorf("%d rows, %v", rows, err)
	}
}
