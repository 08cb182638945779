package repository

import (
	"context"
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

// InsertPhone stores a number of a user. A validated number that another user
// has validated is identity.PhoneTaken.
func (r *Repository) InsertPhone(ctx context.Context, userID int64, p identity.Phone, now time.Time) error {
	return r.exec(ctx, psql.Insert("phones").
		Columns("user_id", "country", "number", "validated_at", "created_at", "updated_at").
		Values(userID, p.Country, p.Number, p.ValidatedAt, now, now))
}
