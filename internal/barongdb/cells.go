package barongdb

import (
	"database/sql"
	"strconv"
	"time"
)

// cells are the values of a row as texts, nil for NULL.
type cells []sql.RawBytes

func (c cells) text(i int) string { return string(c[i]) }

func (c cells) optional(i int) *string {
	if c[i] == nil {
		return nil
	}
	text := string(c[i])
	return &text
}

// integer returns 0 for NULL.
func (c cells) integer(i int) (int64, error) {
	if c[i] == nil {
		return 0, nil
	}
	return strconv.ParseInt(string(c[i]), 10, 64)
}

// boolean is false for NULL.
func (c cells) boolean(i int) bool {
	return len(c[i]) > 0 && c[i][0] != '0' && c[i][0] != 'f'
}

// moment returns a date, with or without a time, in UTC. ok is false for NULL and for a date that does not
// exist, such as 0000-00-00.
func (c cells) moment(i int) (at time.Time, ok bool) { return parseMoment(c[i]) }

// parseMoment reads 2006-01-02, 2006-01-02 15:04:05.999999 and 2006-01-02T15:04:05Z, in a fraction of the
// time that package time takes.
func parseMoment(text []byte) (at time.Time, ok bool) {
	if len(text) < 10 || text[4] != '-' || text[7] != '-' {
		return time.Time{}, false
	}
	year, month, day := digits(text[0:4]), digits(text[5:7]), digits(text[8:10])
	hour, minute, second, nanosecond := 0, 0, 0, 0
	if len(text) > 10 {
		if len(text) < 19 || text[13] != ':' || text[16] != ':' {
			return time.Time{}, false
		}
		hour, minute, second = digits(text[11:13]), digits(text[14:16]), digits(text[17:19])
		if rest := text[19:]; len(rest) > 1 && rest[0] == '.' {
			nanosecond = fraction(rest[1:])
		}
	}
	if year < 1 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0 {
		return time.Time{}, false
	}
	at = time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, time.UTC)
	return at, at.Day() == day && int(at.Month()) == month
}

// digits returns the number that ASCII digits write, and -1 for other characters.
func digits(text []byte) int {
	number := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1
		}
		number = number*10 + int(c-'0')
	}
	return number
}

// fraction returns the nanoseconds that the digits behind the point write. A time zone may follow.
func fraction(text []byte) int {
	nanoseconds, unit := 0, 100_000_000
	for _, c := range text {
		if c < '0' || c > '9' {
			break
		}
		nanoseconds += int(c-'0') * unit
		unit /= 10
	}
	return nanoseconds
}
