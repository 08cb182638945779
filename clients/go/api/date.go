package api

import (
	"encoding/json"
	"fmt"
	"time"
)

// Date is a day without a time; in JSON it is YYYY-MM-DD.
type Date struct{ time.Time }

// NewDate returns the date of a day.
func NewDate(year int, month time.Month, day int) Date {
	return Date{time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}
}

// String returns the date as YYYY-MM-DD.
func (d Date) String() string { return d.Format(time.DateOnly) }

// MarshalJSON writes the date as YYYY-MM-DD.
func (d Date) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON parses YYYY-MM-DD.
func (d *Date) UnmarshalJSON(text []byte) error {
	var value string
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	day, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return fmt.Errorf("a date must be YYYY-MM-DD: %w", err)
	}
	d.Time = day
	return nil
}
