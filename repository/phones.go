package repository

import (
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/identity"
)

type phoneRow struct {
	UserID      int64
	Country     string
	Number      string
	ValidatedAt *time.Time
}

func selectPhones(where sq.Sqlizer) sq.SelectBuilder {
	return psql.Select("user_id", "country", "number", "validated_at").From("phones").Where(where).OrderBy("id")
}

func (row phoneRow) phone() identity.Phone {
	return identity.Phone{Country: row.Country, Number: row.Number, ValidatedAt: row.ValidatedAt}
}
