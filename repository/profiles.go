package repository

import (
	"encoding/json"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/identity"
)

type profileRow struct {
	UserID    int64
	FirstName *string
	LastName  *string
	DOB       *time.Time
	Address   *string
	Postcode  *string
	City      *string
	Country   *string
	State     string
	Metadata  json.RawMessage
}

func selectProfiles(where sq.Sqlizer) sq.SelectBuilder {
	return psql.Select("user_id", "first_name", "last_name", "dob", "address", "postcode", "city", "country", "state", "metadata").
		From("profiles").Where(where)
}

func (row profileRow) profile() *identity.Profile {
	return &identity.Profile{
		FirstName: row.FirstName, LastName: row.LastName, DOB: row.DOB, Address: row.Address, Postcode: row.Postcode,
		City: row.City, Country: row.Country, State: row.State, Metadata: row.Metadata,
	}
}
