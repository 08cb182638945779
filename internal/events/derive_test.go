package events

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"barong/internal/journal"
)

var entry = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")

func row(t *testing.T, operation string, changes journal.Changes) *journal.Row {
	t.Helper()
	changed, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	uid := "ID0000000001"
	return &journal.Row{Seq: 7, UID: &uid, Record: journal.Record{Entry: entry, At: time.Unix(1, 0), Operation: operation}, Changed: changed}
}

// Guards which events each write causes, in which order, with which identifiers and with which account:
// receivers recognize a repetition by the identifier.
func TestEventsOfRows(t *testing.T) {
	t.Parallel()
	verified, rejected := "verified", "rejected"
	account := func(level int, state string) *journal.Account {
		return &journal.Account{Level: level, State: state, Role: "member"}
	}
	label := journal.LabelChange{ID: 3, Key: "email", Scope: "private", New: &verified}
	for name, test := range map[string]struct {
		operation string
		changes   journal.Changes
		types     []Type
		accounts  []*journal.Account
	}{
		"nothing changed": {"updateLabel", journal.Changes{}, nil, nil},
		"new user":        {"createUser", journal.Changes{Created: true, Account: account(0, "pending"), Fields: []string{"data"}}, []Type{UserCreated}, []*journal.Account{account(0, "pending")}},
		"imported user": {"importUser", journal.Changes{
			Created: true, Account: account(0, "pending"), Labels: []journal.LabelChange{label}, Profile: &journal.Profile{},
			Level: &journal.Change[int]{New: 1}, State: &journal.Change[string]{Old: "pending", New: "active"},
		}, []Type{UserCreated, UserUpdated, LabelCreated, ProfileCreated}, []*journal.Account{account(0, "pending"), account(1, "active"), account(1, "active"), account(1, "active")}},
		"changed label": {
			"updateLabel",
			journal.Changes{Account: account(1, "active"), Labels: []journal.LabelChange{{Key: "email", Old: &verified, New: &rejected}}},
			[]Type{LabelUpdated},
			[]*journal.Account{account(1, "active")},
		},
		"deleted label": {"deleteLabel", journal.Changes{
			Account: account(1, "active"), Labels: []journal.LabelChange{{Key: "email", Old: &verified}},
			Level: &journal.Change[int]{Old: 1}, State: &journal.Change[string]{Old: "active", New: "pending"},
		}, []Type{UserUpdated, LabelDeleted}, []*journal.Account{account(0, "pending"), account(0, "pending")}},
		"other data": {"updateUser", journal.Changes{Account: account(1, "active"), Fields: []string{"data"}}, []Type{UserUpdated}, []*journal.Account{account(1, "active")}},
		"document": {
			"createDocument",
			journal.Changes{Account: account(0, "pending"), Labels: []journal.LabelChange{label}, Document: &journal.File{}},
			[]Type{LabelCreated, DocumentCreated},
			[]*journal.Account{account(0, "pending"), account(0, "pending")},
		},
		"one-time code": {"signOTP", journal.Changes{}, []Type{OTPSigned}, []*journal.Account{nil}},
		"phone":         {"createPhone", journal.Changes{Phone: &journal.Phone{ID: 1}}, nil, nil},
		"batch":         {"users import", journal.Changes{Batch: &journal.Batch{}, Created: true}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := Of(row(t, test.operation, test.changes))
			if err != nil {
				t.Fatal(err)
			}
			var types []Type
			var accounts []*journal.Account
			for i, event := range found {
				types, accounts = append(types, event.Type), append(accounts, event.Account)
				if event.Index != i || event.Seq != 7 || event.ID != newID(entry, i) || event.UID != "ID0000000001" {
					t.Errorf("event %d is %+v", i, event)
				}
			}
			if !reflect.DeepEqual(types, test.types) || !reflect.DeepEqual(accounts, test.accounts) {
				t.Errorf("the events are %v with %+v", types, accounts)
			}
		})
	}
	if first := newID(entry, 0).String(); first != "c28ba66f-0f57-5795-8c57-ee25c06f6303" {
		t.Errorf("the identifier of the first event has changed to %s", first)
	}
}

// Guards that neither a service account's row nor one without a user has events.
func TestRowsWithoutUserHaveNoEvents(t *testing.T) {
	t.Parallel()
	r := row(t, "updateServiceAccount", journal.Changes{ServiceAccount: &journal.HeldChange{ID: "SI1"}})
	found, err := Of(r)
	r.UID = nil
	other, err2 := Of(r)
	if len(found)+len(other) != 0 || err != nil || err2 != nil {
		t.Errorf("%v %v %v %v", found, other, err, err2)
	}
}
