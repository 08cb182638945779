package barongsql

import (
	"strconv"
	"time"

	"barong/internal/identity"
	"barong/repository"
)

// The states of a profile in Barong 2.3.
const (
	profilePartial   = "0"
	profileCompleted = "1"
)

const null = "NULL"

func (d Dialect) text(s *string) string {
	if s == nil {
		return null
	}
	return d.quote(*s)
}

func (d Dialect) time(t time.Time) string { return "'" + t.UTC().Format(d.timeFormat) + "'" }

func (d Dialect) optionalTime(t *time.Time) string {
	if t == nil {
		return null
	}
	return d.time(*t)
}

func date(t *time.Time) string {
	if t == nil {
		return null
	}
	return "'" + t.UTC().Format(time.DateOnly) + "'"
}

func boolean(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}

func number[N int | int64](n N) string { return strconv.FormatInt(int64(n), 10) }

func (d Dialect) userRow(u *repository.StoredUser) []string {
	return []string{
		number(u.ID), d.quote(u.UID), d.quote(u.Email), d.quote(u.PasswordDigest), d.quote(u.Role), d.text(u.Data), number(u.Level),
		boolean(u.OTP), d.quote(u.State), d.text(u.ReferralUID), d.time(u.CreatedAt), d.time(u.UpdatedAt),
	}
}

func (d Dialect) labelRow(owner int64, l identity.Label) []string {
	return []string{number(owner), d.quote(l.Key), d.quote(l.Value), d.quote(l.Scope), d.time(l.CreatedAt), d.time(l.UpdatedAt)}
}

func (d Dialect) phoneRow(owner int64, p identity.Phone) []string {
	return []string{number(owner), d.quote(p.Country), d.quote(p.Number), d.optionalTime(p.ValidatedAt), d.time(p.CreatedAt), d.time(p.UpdatedAt)}
}

func (d Dialect) profileRow(owner int64, p *identity.Profile) []string {
	state := profilePartial
	if p.State == identity.ProfileCompleted {
		state = profileCompleted
	}
	metadata := null
	if p.Metadata != nil {
		metadata = d.quote(string(p.Metadata))
	}
	return []string{
		number(owner), d.text(p.FirstName), d.text(p.LastName), date(p.DOB), d.text(p.Address), d.text(p.Postcode), d.text(p.City), d.text(p.Country),
		state, metadata, d.time(p.CreatedAt), d.time(p.UpdatedAt),
	}
}

// documentRows returns the rows of a user's documents. Documents with one name and one second of
// creation are numbered, so that Barong gets each of them once.
func (d Dialect) documentRows(owner int64, list []identity.Document) [][]string {
	type name struct {
		upload  string
		created int64
	}
	seen := map[name]int{}
	rows := make([][]string, len(list))
	for i, document := range list {
		same := name{uploadName(document), document.CreatedAt.Unix()}
		seen[same]++
		rows[i] = []string{
			number(owner), d.quote(same.upload), number(seen[same]), d.quote(document.Type), d.quote(document.Number), date(document.Expire),
			d.text(document.Metadata), d.time(document.CreatedAt), d.time(document.UpdatedAt), d.quote(document.Object),
		}
	}
	return rows
}

// uploadName returns the name of a document's file in Barong, which makes a path of it: the name
// that callers gave, unless it cannot be the last part of a path.
func uploadName(document identity.Document) string {
	if isFileName(document.Filename) {
		return document.Filename
	}
	return document.DownloadName()
}
