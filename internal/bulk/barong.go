package bulk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/barongdb"
	"barong/internal/identity"
	"barong/repository"
)

// duplicateLabel is the note on labels of a user that differ in case or white space only.
const duplicateLabel = "A label whose key differs from another one's in case or white space only is left out: the one that changed last is kept"

// blankState stands for a blank state, with which nobody can log in to Barong: it is rejected. A blank
// member of a row would be the state that labels give.
const blankState = "(blank)"

// recordOfBarong converts a user of Barong to a record, and names what the record leaves out.
func recordOfBarong(u *barongdb.User) (r record, notes []string) {
	r = record{
		UID: text(u.UID), Email: text(u.Email), PasswordDigest: text(u.PasswordDigest), Role: text(u.Role), State: text(u.State),
		Level: &u.Level, OTP: flag(u.OTP), Data: (*text)(u.Data), ReferralUID: textOf(u.ReferralUID),
		CreatedAt: written(u.CreatedAt, time.Time{}), UpdatedAt: written(u.UpdatedAt, u.CreatedAt),
	}
	if r.State.trimmed() == "" {
		r.State = blankState
	}
	for _, p := range u.Phones {
		phone := phoneRecord{Number: text(p.Number), CreatedAt: written(p.CreatedAt, u.CreatedAt), UpdatedAt: written(p.UpdatedAt, u.UpdatedAt)}
		if p.ValidatedAt != nil {
			phone.ValidatedAt = written(*p.ValidatedAt, time.Time{})
		}
		r.Phones = append(r.Phones, phone)
	}
	r.setProfiles(profilesOfBarong(u))
	r.Labels = make([]labelRecord, 0, len(u.Labels)) // not nil: without labels in the row, the import would add that of the profile
	for _, l := range newestLabels(u.Labels) {
		label := labelRecord{
			Key: text(l.Key), Value: text(l.Value), Description: (*text)(l.Description),
			CreatedAt: written(l.CreatedAt, u.CreatedAt), UpdatedAt: written(l.UpdatedAt, l.CreatedAt),
		}
		if l.Scope != identity.ScopePrivate {
			label.Scope = text(l.Scope)
		}
		r.Labels = append(r.Labels, label)
	}
	notes = u.Notes
	if len(r.Labels) < len(u.Labels) {
		notes = append(slices.Clip(notes), duplicateLabel)
	}
	return r, notes
}

// profilesOfBarong returns the profiles of a user, without drafts that have no content: Barong's own
// imports leave these behind.
func profilesOfBarong(u *barongdb.User) (profiles []profileRecord) {
	all := u.Earlier
	if u.Profile != nil {
		all = append(slices.Clip(all), *u.Profile)
	}
	for _, p := range all {
		each := profileRecord{
			FirstName: textOf(p.FirstName), LastName: textOf(p.LastName), Address: textOf(p.Address), Postcode: textOf(p.Postcode),
			City: textOf(p.City), Country: textOf(p.Country), Metadata: metadataOf(p.Metadata),
			CreatedAt: written(p.CreatedAt, u.CreatedAt), UpdatedAt: written(p.UpdatedAt, u.UpdatedAt),
		}
		if p.DOB != nil {
			each.DOB = text(p.DOB.Format(time.DateOnly))
		}
		if p.State != identity.ProfileDrafted {
			each.State = text(p.State)
		}
		if !each.isEmpty() || each.State != "" {
			profiles = append(profiles, each)
		}
	}
	return profiles
}

// newestLabels returns one label for each normalised key and scope: the one that changed last.
func newestLabels(labels []barongdb.Label) []barongdb.Label {
	type name struct{ key, scope string }
	at := make(map[name]int, len(labels))
	kept := make([]barongdb.Label, 0, len(labels))
	for _, label := range labels {
		name := name{identity.NormalizeLabel(label.Key), label.Scope}
		other, isTwice := at[name]
		switch {
		case !isTwice:
			at[name] = len(kept)
			kept = append(kept, label)
		case !label.UpdatedAt.Before(kept[other].UpdatedAt):
			kept[other] = label
		}
	}
	return kept
}

func textOf(s *string) text {
	if s == nil {
		return ""
	}
	return text(*s)
}

// metadataOf returns metadata as JSON. A text that is not JSON becomes a JSON string, which the
// import rejects with a sentence.
func metadataOf(s *string) jsontext.Value {
	if s == nil || len(bytes.TrimSpace([]byte(*s))) == 0 {
		return nil
	}
	value := jsontext.Value(bytes.TrimSpace([]byte(*s)))
	if value.IsValid() {
		return value
	}
	quoted, err := jsontext.AppendQuote(nil, bytes.ToValidUTF8(value, []byte("\ufffd")))
	if err != nil {
		return nil
	}
	return quoted
}

// marshal returns the record as a row of NDJSON, without a line break.
func (r *record) marshal() ([]byte, error) {
	return json.Marshal(r, jsontext.AllowInvalidUTF8(true))
}

// WriteRows writes the users of a database as the rows that a File reads. It calls report after
// each user with the notes on it.
func WriteRows(ctx context.Context, from Database, to io.Writer, report func(uid string, notes []string)) (users int64, err error) {
	rows, err := from.open(ctx, repository.ImportRun{})
	if err != nil {
		return 0, err
	}
	defer rows.close()
	for {
		next, err := rows.next()
		if errors.Is(err, io.EOF) {
			return users, nil
		}
		if err != nil {
			return users, err
		}
		r, notes := recordOfBarong(next.barong)
		raw, err := r.marshal()
		if err != nil {
			return users, err
		}
		if _, err := to.Write(append(raw, '\n')); err != nil {
			return users, err
		}
		users++
		report(next.barong.UID, notes)
	}
}
