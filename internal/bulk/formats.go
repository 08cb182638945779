package bulk

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Format is the file format of rows.
type Format string

// The formats.
const (
	NDJSON Format = "ndjson" // a JSON object on each line
	CSV    Format = "csv"    // RFC 4180, with a header
)

// FormatOf returns the format for a file's extension, with or without .gz.
func FormatOf(name string) (Format, bool) {
	switch strings.ToLower(path.Ext(strings.TrimSuffix(name, ".gz"))) {
	case ".ndjson", ".jsonl":
		return NDJSON, true
	case ".csv":
		return CSV, true
	}
	return "", false
}

// columns are the members of a record, in order. CSV contains the text of members that are JSON.
var columns = []string{
	"uid", "email", "password_digest", "role", "state", "level", "otp", "otp_secret", "referral_uid", "data", "created_at", "updated_at",
	"phone", "phones", "first_name", "last_name", "dob", "address", "postcode", "city", "country", "profile_metadata", "profile_created_at", "profile_updated_at", "profile_state",
	"profiles", "labels",
}

// annotations are the additional members of the file of rejected rows.
var annotations = []string{"line", "errors"}

// parse reads a row. header is nil in NDJSON. The second result is a message where the row cannot
// be parsed.
func parse(row []byte, header *layout) (record, string) {
	var r record
	if header == nil {
		if err := json.Unmarshal(row, &r, json.RejectUnknownMembers(true)); err != nil {
			return r, unreadable(err)
		}
		return r, ""
	}
	if !utf8.Valid(row) {
		return r, "Row is not UTF-8"
	}
	fields, err := header.parse(row)
	if err != nil {
		return r, "Row is not CSV: its quotes do not match"
	}
	if len(fields) != len(header.columns) {
		return r, fmt.Sprintf("Row has %d fields and the header %d", len(fields), len(header.columns))
	}
	for i, name := range header.columns {
		if err := r.set(name, fields[i]); err != nil {
			return r, name + " is invalid" + quoted(name, fields[i])
		}
	}
	return r, ""
}

// set sets a member to the value of a column.
func (r *record) set(name, value string) error {
	if strings.TrimSpace(value) == "" {
		return nil
	}
	switch name {
	case "otp":
		return r.OTP.set(value)
	case "level":
		return json.Unmarshal([]byte(strings.TrimSpace(value)), &r.Level)
	case "data":
		r.Data = (*text)(&value)
	case "phones":
		return json.Unmarshal([]byte(value), &r.Phones, json.RejectUnknownMembers(true))
	case "labels":
		return json.Unmarshal([]byte(value), &r.Labels, json.RejectUnknownMembers(true))
	case "profiles":
		return json.Unmarshal([]byte(value), &r.Profiles, json.RejectUnknownMembers(true))
	case "profile_metadata":
		r.ProfileMetadata = jsontext.Value(value)
	default:
		if field := texts[name]; field != nil {
			*field(r) = text(value)
		}
	}
	return nil
}

// texts are the members that are plain texts.
var texts = map[string]func(*record) *text{
	"uid":             func(r *record) *text { return &r.UID },
	"email":           func(r *record) *text { return &r.Email },
	"password_digest": func(r *record) *text { return &r.PasswordDigest },
	"role":            func(r *record) *text { return &r.Role },
	"state":           func(r *record) *text { return &r.State },
	"otp_secret":      func(r *record) *text { return &r.OTPSecret },
	"referral_uid":    func(r *record) *text { return &r.ReferralUID },
	"created_at":      func(r *record) *text { return &r.CreatedAt },
	"updated_at":      func(r *record) *text { return &r.UpdatedAt },
	"phone":           func(r *record) *text { return &r.Phone },
	"first_name":      func(r *record) *text { return &r.FirstName },
	"last_name":       func(r *record) *text { return &r.LastName },
	"dob":             func(r *record) *text { return &r.DOB },
	"address":         func(r *record) *text { return &r.Address },
	"postcode":        func(r *record) *text { return &r.Postcode },
	"city":            func(r *record) *text { return &r.City },
	"country":         func(r *record) *text { return &r.Country },

	"profile_created_at": func(r *record) *text { return &r.ProfileCreated },
	"profile_updated_at": func(r *record) *text { return &r.ProfileUpdated },
	"profile_state":      func(r *record) *text { return &r.ProfileState },
}

// fields returns the record as a row of CSV, in the order of columns.
func (r *record) fields() ([]string, error) {
	fields := make([]string, len(columns))
	for i, name := range columns {
		var value any
		switch name {
		case "otp":
			if r.OTP {
				fields[i] = "true"
			}
			continue
		case "level": // an export has none
			continue
		case "data":
			if r.Data != nil {
				fields[i] = string(*r.Data)
			}
			continue
		case "profile_metadata":
			fields[i] = string(r.ProfileMetadata)
			continue
		case "phones":
			if r.Phones == nil {
				continue
			}
			value = r.Phones
		case "profiles":
			if r.Profiles == nil {
				continue
			}
			value = r.Profiles
		case "labels":
			if r.Labels == nil {
				continue
			}
			value = r.Labels
		default:
			fields[i] = string(*texts[name](r))
			continue
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		fields[i] = string(encoded)
	}
	return fields, nil
}
