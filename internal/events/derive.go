package events

import (
	"fmt"

	"barong/internal/journal"
)

// operationOTPSign is the operation whose rows are events though they change nothing.
const operationOTPSign = "signOTP"

// Of returns the events of a row, in the order in which they are delivered: the user, labels, profile,
// document. A row of a bulk import, of a service account, or of a write that changed nothing has none. The
// order and the number of the events of a row never change: their identifiers follow from them.
func Of(row *journal.Row) ([]Event, error) {
	changes, err := row.Changes()
	if err != nil {
		return nil, fmt.Errorf("row %d of the journal: %w", row.Seq, err)
	}
	if row.UID == nil || changes.Batch != nil {
		return nil, nil
	}
	d := derivation{row: row, account: changes.Account}
	if changes.Created {
		d.add(UserCreated, journal.Changes{Created: true})
	}
	d.account = after(changes)
	if moved := (journal.Changes{Level: changes.Level, State: changes.State, Role: changes.Role, OTP: changes.OTP}); moves(moved) || len(changes.Fields) > 0 && !changes.Created {
		if !changes.Created {
			moved.Fields = changes.Fields
		}
		d.add(UserUpdated, moved)
	}
	for _, label := range changes.Labels {
		d.add(labelEvent(label), journal.Changes{Labels: []journal.LabelChange{label}})
	}
	if changes.Profile != nil {
		d.add(ProfileCreated, journal.Changes{Profile: changes.Profile})
	}
	if changes.Document != nil {
		d.add(DocumentCreated, journal.Changes{Document: changes.Document})
	}
	if row.Record.Operation == operationOTPSign {
		d.add(OTPSigned, journal.Changes{})
	}
	return d.events, nil
}

// derivation collects the events of a row.
type derivation struct {
	row     *journal.Row
	account *journal.Account
	events  []Event
}

func (d *derivation) add(t Type, changes journal.Changes) {
	index := len(d.events)
	d.events = append(d.events, Event{
		ID: newID(d.row.Record.Entry, index), Seq: d.row.Seq, Index: index, Type: t, UID: *d.row.UID,
		Entry: d.row.Record.Entry, At: d.row.Record.At, Account: d.account, Changes: changes,
	})
}

func labelEvent(label journal.LabelChange) Type {
	switch {
	case label.Old == nil:
		return LabelCreated
	case label.New == nil:
		return LabelDeleted
	default:
		return LabelUpdated
	}
}

// moves reports whether level, state, role or OTP changed.
func moves(c journal.Changes) bool {
	return changed(c.Level) || changed(c.State) || changed(c.Role) || changed(c.OTP)
}

func changed[T comparable](c *journal.Change[T]) bool { return c != nil && c.Old != c.New }

// after returns the account after a write, or nil if the row does not have the one before.
func after(c journal.Changes) *journal.Account {
	if c.Account == nil {
		return nil
	}
	account := *c.Account
	fold(&account.Level, c.Level)
	fold(&account.State, c.State)
	fold(&account.Role, c.Role)
	fold(&account.OTP, c.OTP)
	return &account
}

func fold[T any](value *T, c *journal.Change[T]) {
	if c != nil {
		*value = c.New
	}
}
