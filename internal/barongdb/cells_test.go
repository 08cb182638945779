package barongdb

import (
	"testing"
	"time"
)

func TestMomentsOfBothDatabasesAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2019-03-01":                  time.Date(2019, 3, 1, 0, 0, 0, 0, time.UTC),
		"2020-02-29 23:59:59":         time.Date(2020, 2, 29, 23, 59, 59, 0, time.UTC),
		"2020-02-29 23:59:59.5":       time.Date(2020, 2, 29, 23, 59, 59, 500_000_000, time.UTC),
		"2020-02-29 23:59:59.000001":  time.Date(2020, 2, 29, 23, 59, 59, 1000, time.UTC),
		"2020-02-29T23:59:59Z":        time.Date(2020, 2, 29, 23, 59, 59, 0, time.UTC),
		"2020-02-29T23:59:59.123456Z": time.Date(2020, 2, 29, 23, 59, 59, 123_456_000, time.UTC),
		"0001-01-01 00:00:00":         {},
		"9999-12-31":                  time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		if got, ok := parseMoment([]byte(text)); !ok || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: %s %t", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "0000-00-00", "0000-00-00 00:00:00", "2019-00-00", "2019-02-00 00:00:00", "2019-02-30", "2019-13-01", "infinity", "-infinity",
		"2019-03-01 1", "2019-03-01 aa:00:00", "12019-03-01", "2019/03/01", "-0044-03-15T00:00:00Z",
	} {
		if got, ok := parseMoment([]byte(text)); ok {
			t.Errorf("%q is %s", text, got)
		}
	}
}
