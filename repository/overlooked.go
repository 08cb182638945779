package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// distinctLabelKeys walks from key to key on an index of labels: one index lookup per distinct key,
// however many labels have it.
var distinctLabelKeys = withRecursive(cte{"distinct_keys (label)", unionAll(
	sq.Select("first.label").FromSelect(sq.Select(labelsTable.key+" AS label").From(labelsTable.name).OrderBy(labelsTable.key).Limit(1), "first"),
	sq.Select().Column(subselect(sq.Select("l."+labelsTable.key).From(aliased(labelsTable.name, "l")).
		Where("l."+labelsTable.key+" > distinct_keys.label").OrderBy("l."+labelsTable.key).Limit(1))).
		From("distinct_keys").Where("distinct_keys.label IS NOT NULL"),
)})

var selectOverlooked = compile(sq.Select("k.label").
	Column(sq.Alias(sq.Select("count(*)").From(aliased(labelsTable.name, "l")).
		Where("l."+labelsTable.key+" = k.label").Where("l."+labelsTable.scope+" = "+text(identity.ScopePrivate)), "users")).
	From("distinct_keys AS k").
	Where("k.label IS NOT NULL").Where("k.label <> ALL(?::text[])", arg("triggers")).
	Where(exists(sq.Select("1").FromSelect(sq.Select().Column(sq.Alias(unnested("triggers", "text"), "begins")), "trigger").
		Where("left(k.label, length(trigger.begins)) = trigger.begins"))).
	OrderBy("users DESC", "k.label").PrefixExpr(distinctLabelKeys))

// labelUsage is the number of users with a private label of a key.
type labelUsage struct {
	key   string
	users int64
}

func (u *labelUsage) targets() []any { return []any{&u.key, &u.users} }

// OverlookedLabel is a key of private labels that matches no trigger but begins with a trigger's
// key, and the number of users that have it.
type OverlookedLabel struct {
	identity.OverlookedTrigger
	Users int64
}

// OverlookedLabels finds the label keys that match no trigger only because the policy compares
// whole keys, most frequent first. It costs one index lookup per distinct label key, and counts the
// labels of the keys that it returns.
func (r *Repository) OverlookedLabels(ctx context.Context, policy identity.Policy) ([]OverlookedLabel, error) {
	triggers := policy.WholeTriggerKeys()
	if len(triggers) == 0 {
		return nil, nil
	}
	var overlooked []OverlookedLabel
	err := each(ctx, r, selectOverlooked, args{"triggers": triggers}, (*labelUsage).targets, func(found *labelUsage) error {
		// The other keys match a trigger with a *, and a key of public labels alone has no users.
		if trigger, ok := policy.Overlooked(found.key); ok && found.users > 0 {
			overlooked = append(overlooked, OverlookedLabel{trigger, found.users})
		}
		return nil
	})
	return overlooked, err
}
