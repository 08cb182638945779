package repository

import (
	"context"

	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// distinctLabelKeys goes from key to key on an index of labels: it takes a look into the
// index for each key that is there, however many labels have it.
const distinctLabelKeys = `WITH RECURSIVE keys (key) AS (
	(SELECT key FROM labels ORDER BY key LIMIT 1)
	UNION ALL
	SELECT (SELECT labels.key FROM labels WHERE labels.key > keys.key ORDER BY labels.key LIMIT 1) FROM keys WHERE keys.key IS NOT NULL
)`

var selectOverlooked = compile(psql.Select("keys.key").
	Column("(SELECT count(*) FROM labels WHERE labels.key = keys.key AND labels.scope = '"+identity.ScopePrivate+"') AS users").From("keys").
	Where("keys.key IS NOT NULL").Where("keys.key <> ALL(?::text[])", argument).
	Where("EXISTS (SELECT 1 FROM unnest(?::text[]) AS trigger (begins) WHERE left(keys.key, length(begins)) = begins)", argument).
	OrderBy("users DESC", "keys.key").Prefix(distinctLabelKeys))

// OverlookedLabel is a key of private labels that sets off no trigger but begins with
// one, and how many users have it.
type OverlookedLabel struct {
	identity.OverlookedTrigger
	Users int64
}

// OverlookedLabels finds label keys that a policy which compares whole keys overlooks,
// the one that most users have first.
// It costs a look into an index for each key that labels have, and counts the labels of
// those that it returns.
func (r *Repository) OverlookedLabels(ctx context.Context, policy identity.Policy) ([]OverlookedLabel, error) {
	triggers := policy.WholeTriggerKeys()
	if len(triggers) == 0 {
		return nil, nil
	}
	rows, err := r.db.Query(ctx, selectOverlooked, triggers, triggers)
	if err != nil {
		return nil, translate(err)
	}
	var overlooked []OverlookedLabel
	var key string
	var users int64
	_, err = pgx.ForEachRow(rows, []any{&key, &users}, func() error {
		// Others set off a trigger with a *, and keys of public labels alone have no users.
		if trigger, ok := policy.Overlooked(key); ok && users > 0 {
			overlooked = append(overlooked, OverlookedLabel{trigger, users})
		}
		return nil
	})
	return overlooked, translate(err)
}
