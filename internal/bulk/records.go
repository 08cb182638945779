package bulk

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/identity"
	"barong/internal/otp"
)

// record is a row. Its members, in this order, are those of an NDJSON row and the columns of CSV. A
// blank member counts as absent.
type record struct {
	UID             text            `json:"uid,omitzero"`
	Email           text            `json:"email,omitzero"`
	PasswordDigest  text            `json:"password_digest,omitzero"`
	Role            text            `json:"role,omitzero"`
	State           text            `json:"state,omitzero"`
	Level           *int            `json:"level,omitzero"` // of another system; levels here follow from the labels
	OTP             flag            `json:"otp,omitzero"`
	OTPSecret       text            `json:"otp_secret,omitzero"`
	ReferralUID     text            `json:"referral_uid,omitzero"`
	Data            *text           `json:"data,omitzero"`
	CreatedAt       text            `json:"created_at,omitzero"`
	UpdatedAt       text            `json:"updated_at,omitzero"`
	Phone           text            `json:"phone,omitzero"`
	Phones          []phoneRecord   `json:"phones,omitzero"`
	FirstName       text            `json:"first_name,omitzero"`
	LastName        text            `json:"last_name,omitzero"`
	DOB             text            `json:"dob,omitzero"`
	Address         text            `json:"address,omitzero"`
	Postcode        text            `json:"postcode,omitzero"`
	City            text            `json:"city,omitzero"`
	Country         text            `json:"country,omitzero"`
	ProfileMetadata jsontext.Value  `json:"profile_metadata,omitzero"`
	ProfileCreated  text            `json:"profile_created_at,omitzero"`
	ProfileUpdated  text            `json:"profile_updated_at,omitzero"`
	ProfileState    text            `json:"profile_state,omitzero"`
	Profiles        []profileRecord `json:"profiles,omitzero"`
	Labels          []labelRecord   `json:"labels,omitzero"`

	// Members that the file of rejected rows adds; an import ignores them.
	Line   jsontext.Value `json:"line,omitzero"`
	Errors jsontext.Value `json:"errors,omitzero"`
}

type phoneRecord struct {
	Number      text `json:"number"`
	ValidatedAt text `json:"validated_at,omitzero"`
	CreatedAt   text `json:"created_at,omitzero"`
	UpdatedAt   text `json:"updated_at,omitzero"`
}

type labelRecord struct {
	Key         text  `json:"key"`
	Value       text  `json:"value"`
	Scope       text  `json:"scope,omitzero"`
	Description *text `json:"description,omitzero"`
	CreatedAt   text  `json:"created_at,omitzero"`
	UpdatedAt   text  `json:"updated_at,omitzero"`
}

// text is a JSON string, or a number or boolean that is read as its text, as in the operations.
type text string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *text) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if kind := d.PeekKind(); kind == '{' || kind == '[' {
		return errors.New("not a text")
	}
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	*t = ""
	if token.Kind() != 'n' {
		*t = text(token.String())
	}
	return nil
}

// flag is a boolean in any spelling that the operations accept.
type flag bool

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *flag) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var spelled text
	if err := spelled.UnmarshalJSONFrom(d); err != nil {
		return err
	}
	return f.set(string(spelled))
}

func (f *flag) set(spelled string) error {
	switch strings.ToLower(strings.TrimSpace(spelled)) {
	case "true", "t", "1", "yes", "y", "on":
		*f = true
	case "false", "f", "0", "no", "n", "off", "":
		*f = false
	default:
		return errors.New("not a boolean")
	}
	return nil
}

// given returns nil for a blank text.
func (t text) given() *string {
	if strings.TrimSpace(string(t)) == "" {
		return nil
	}
	s := string(t)
	return &s
}

// trimmed is for names and codes, in which surrounding white space has no meaning.
func (t text) trimmed() string { return strings.TrimSpace(string(t)) }

// time parses RFC 3339; it returns the zero time for a blank text. The database stores
// microseconds.
func (t text) time() (time.Time, error) {
	if t.trimmed() == "" {
		return time.Time{}, nil
	}
	read, err := time.Parse(time.RFC3339, t.trimmed())
	return read.UTC().Truncate(time.Microsecond), err
}

// written formats a time for export; "" where it equals the default.
func written(t, otherwise time.Time) text {
	if t.Equal(otherwise) {
		return ""
	}
	return text(t.UTC().Format(time.RFC3339Nano))
}

// imports converts a row to the input of the import rules. Times that cannot be parsed are left out
// and reported as messages.
func (r *record) imports() (in identity.Import, sentences []string) {
	moment := func(name string, t text) time.Time {
		read, err := t.time()
		if err != nil {
			sentences = append(sentences, name+" is invalid"+quoted("created_at", string(t)))
		}
		return read
	}
	in = identity.Import{
		Email: string(r.Email), PasswordDigest: string(r.PasswordDigest), Phone: r.Phone.given(),
		Profile: identity.ProfileFields{
			FirstName: r.FirstName.given(), LastName: r.LastName.given(), DOB: r.DOB.given(), Address: r.Address.given(),
			Postcode: r.Postcode.given(), City: r.City.given(), Country: r.Country.given(),
		},
		UID: r.UID.trimmed(), Role: r.Role.trimmed(), State: r.State.trimmed(), OTP: bool(r.OTP),
		ProfileReview: r.ProfileState.given(), ReferralUID: r.ReferralUID.given(), Data: (*string)(r.Data), ProfileMetadata: r.ProfileMetadata,
		CreatedAt: moment("Created at", r.CreatedAt), UpdatedAt: moment("Updated at", r.UpdatedAt),
		ProfileCreatedAt: moment("Profile created at", r.ProfileCreated), ProfileUpdatedAt: moment("Profile updated at", r.ProfileUpdated),
	}
	if len(r.ProfileMetadata) > 0 && r.ProfileMetadata.Kind() == 'n' {
		in.ProfileMetadata = nil
	}
	in.Profiles = r.importedProfiles(moment)
	for _, p := range r.Phones {
		phone := identity.Phone{
			Number: string(p.Number), CreatedAt: moment("Created at", p.CreatedAt), UpdatedAt: moment("Updated at", p.UpdatedAt),
		}
		if at := moment("Validated at", p.ValidatedAt); !at.IsZero() {
			phone.ValidatedAt = &at
		}
		in.Phones = append(in.Phones, phone)
	}
	if r.Labels != nil {
		in.Labels = make([]identity.Label, len(r.Labels))
		for i, l := range r.Labels {
			in.Labels[i] = identity.Label{
				Key: string(l.Key), Value: string(l.Value), Scope: l.Scope.trimmed(), Description: (*string)(l.Description),
				CreatedAt: moment("Created at", l.CreatedAt), UpdatedAt: moment("Updated at", l.UpdatedAt),
			}
		}
	}
	in.OTP = in.OTP || r.OTPSecret.trimmed() != ""
	return in, sentences
}

// secret returns the secret of one-time codes, "" without one, or a message why it is invalid.
func (r *record) secret() (secret otp.Secret, sentence string) {
	if r.OTPSecret.trimmed() == "" {
		return "", ""
	}
	secret, err := otp.ParseSecret(string(r.OTPSecret))
	if err != nil {
		return secret, "Otp secret is invalid: " + err.Error()
	}
	return secret, ""
}

// recordOf converts a user to a record for export.
func recordOf(u identity.User, secret otp.Secret) record {
	r := record{
		UID: text(u.UID), Email: text(u.Email), PasswordDigest: text(u.PasswordDigest), Role: text(u.Role), State: text(u.State),
		OTP: flag(u.OTP), OTPSecret: text(secret), Data: (*text)(u.Data),
		CreatedAt: written(u.CreatedAt, time.Time{}), UpdatedAt: written(u.UpdatedAt, u.CreatedAt),
	}
	if u.ReferralUID != nil {
		r.ReferralUID = text(*u.ReferralUID)
	}
	for _, p := range u.Phones {
		phone := phoneRecord{Number: text(p.Number), CreatedAt: written(p.CreatedAt, u.CreatedAt), UpdatedAt: written(p.UpdatedAt, u.UpdatedAt)}
		if p.ValidatedAt != nil {
			phone.ValidatedAt = written(*p.ValidatedAt, time.Time{})
		}
		r.Phones = append(r.Phones, phone)
	}
	r.addProfiles(u)
	// Set even when empty: without labels in the row, the import would add the label of the
	// profile.
	if len(u.Labels) > 0 || len(u.Profiles) > 0 {
		r.Labels = make([]labelRecord, len(u.Labels))
	}
	for i, l := range u.Labels {
		r.Labels[i] = labelRecord{
			Key: text(l.Key), Value: text(l.Value), Description: (*text)(l.Description), CreatedAt: written(l.CreatedAt, u.CreatedAt), UpdatedAt: written(l.UpdatedAt, l.CreatedAt),
		}
		if l.Scope != identity.ScopePrivate {
			r.Labels[i].Scope = text(l.Scope)
		}
	}
	return r
}

// unreadable returns a message why a row of JSON is not a record.
func unreadable(err error) string {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Sprintf("%s is given twice", syntax.JSONPointer.LastToken())
	case errors.As(err, &semantic) && errors.Is(err, json.ErrUnknownName):
		return fmt.Sprintf("%s is unknown", semantic.JSONPointer.LastToken())
	case errors.As(err, &semantic) && semantic.JSONPointer != "" && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, &syntax):
		return strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", ".") + " is invalid"
	default:
		return "Row is not a JSON object"
	}
}
