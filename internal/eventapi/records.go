package eventapi

import (
	"net/url"
	"time"

	"barong/internal/events"
	"barong/internal/identity"
)

// The records have their members in Barong's order. A member that is null is left out of a record, and is
// null in the user inside one.

type userRecord struct {
	UID         string  `json:"uid"`
	Email       string  `json:"email"`
	Role        string  `json:"role"`
	Level       int     `json:"level"`
	OTP         bool    `json:"otp"`
	State       string  `json:"state"`
	ReferralUID *string `json:"referral_uid,omitempty"`
	CreatedAt   string  `json:"created_at"`
	UpdatedAt   string  `json:"updated_at"`
}

type nestedUser struct {
	UID         string  `json:"uid"`
	Email       string  `json:"email"`
	Role        string  `json:"role"`
	Level       int     `json:"level"`
	OTP         bool    `json:"otp"`
	State       string  `json:"state"`
	ReferralUID *string `json:"referral_uid"`
	CreatedAt   string  `json:"created_at"`
	UpdatedAt   string  `json:"updated_at"`
}

type labelRecord struct {
	ID    int64      `json:"id"`
	Key   string     `json:"key"`
	Value string     `json:"value"`
	User  nestedUser `json:"user"`
}

type profileRecord struct {
	User      nestedUser `json:"user"`
	FirstName *string    `json:"first_name,omitempty"`
	LastName  *string    `json:"last_name,omitempty"`
	DOB       *string    `json:"dob,omitempty"`
	Address   *string    `json:"address,omitempty"`
	Postcode  *string    `json:"postcode,omitempty"`
	City      *string    `json:"city,omitempty"`
	Country   *string    `json:"country,omitempty"`
	Metadata  *string    `json:"metadata,omitempty"`
	CreatedAt string     `json:"created_at"`
	UpdatedAt string     `json:"updated_at"`
}

type documentRecord struct {
	User      nestedUser `json:"user"`
	Upload    string     `json:"upload"`
	DocType   string     `json:"doc_type"`
	DocNumber string     `json:"doc_number,omitempty"`
	DocExpire *string    `json:"doc_expire,omitempty"`
	Metadata  *string    `json:"metadata,omitempty"`
	CreatedAt string     `json:"created_at"`
	UpdatedAt string     `json:"updated_at"`
}

// userChanges and labelChanges are the old values of the members that changed.
type userChanges struct {
	Role  *string `json:"role,omitempty"`
	Level *int    `json:"level,omitempty"`
	OTP   *bool   `json:"otp,omitempty"`
	State *string `json:"state,omitempty"`
}

type labelChanges struct {
	Value *string `json:"value,omitempty"`
}

// userOf is the user as the event left it: the account is that of the event, and the user's time of update
// is at most the time of the write. E-mail and referral are those of now.
func userOf(event *events.Event, user *identity.User) userRecord {
	updated := user.UpdatedAt
	if event.At.Before(updated) {
		updated = event.At
	}
	if updated.Before(user.CreatedAt) {
		updated = user.CreatedAt
	}
	record := userRecord{
		UID: user.UID, Email: user.Email, Role: user.Role, Level: user.Level, OTP: user.OTP, State: user.State,
		ReferralUID: user.ReferralUID, CreatedAt: iso8601(user.CreatedAt), UpdatedAt: iso8601(updated),
	}
	if account := event.Account; account != nil {
		record.Role, record.Level, record.OTP, record.State = account.Role, account.Level, account.OTP, account.State
	}
	return record
}

func changesOfUser(event *events.Event) (changes userChanges) {
	c := event.Changes
	if c.Role != nil && c.Role.Old != c.Role.New {
		changes.Role = &c.Role.Old
	}
	if c.Level != nil && c.Level.Old != c.Level.New {
		changes.Level = &c.Level.Old
	}
	if c.OTP != nil && c.OTP.Old != c.OTP.New {
		changes.OTP = &c.OTP.Old
	}
	if c.State != nil && c.State.Old != c.State.New {
		changes.State = &c.State.Old
	}
	return changes
}

func labelOf(event *events.Event, user nestedUser) labelRecord {
	label := event.Label()
	return labelRecord{label.ID, label.Key, *label.New, user}
}

func changesOfLabel(event *events.Event) (changes labelChanges) {
	if label := event.Label(); *label.Old != *label.New {
		changes.Value = label.Old
	}
	return changes
}

func profileOf(p *identity.Profile, user nestedUser) profileRecord {
	record := profileRecord{
		User: user, FirstName: p.FirstName, LastName: p.LastName, DOB: dateOf(p.DOB), Address: p.Address, Postcode: p.Postcode,
		City: p.City, Country: p.Country, CreatedAt: iso8601(p.CreatedAt), UpdatedAt: iso8601(p.UpdatedAt),
	}
	if p.Metadata != nil {
		record.Metadata = new(string(p.Metadata))
	}
	return record
}

// documentOf is a document with the URL of its content, escaped as a parameter of a URL, as Barong does.
func documentOf(d *identity.Document, upload string, user nestedUser) documentRecord {
	return documentRecord{
		User: user, Upload: url.QueryEscape(upload), DocType: d.Type, DocNumber: d.Number, DocExpire: dateOf(d.Expire), Metadata: d.Metadata,
		CreatedAt: iso8601(d.CreatedAt), UpdatedAt: iso8601(d.UpdatedAt),
	}
}

func dateOf(date *time.Time) *string {
	if date == nil {
		return nil
	}
	return new(date.UTC().Format(time.DateOnly))
}
