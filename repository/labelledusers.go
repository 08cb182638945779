package repository

import (
	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// labels selects the labels, under an alias, that match the filter.
func (s listShape) labels(alias string, columns ...string) sq.SelectBuilder {
	selected := sq.Select(columns...).From(aliased(labelsTable.name, alias)).Where(alias+"."+labelsTable.key+" = ?", filterKey)
	if s.value {
		selected = selected.Where(alias+"."+labelsTable.value+" = ?", filterValue)
	}
	if s.scope {
		selected = selected.Where(alias+"."+labelsTable.scope+" = ?", filterScope)
	}
	return selected
}

// otherLabels selects matching labels of the user who has the label l.
func (s listShape) otherLabels() sq.SelectBuilder {
	return s.labels("o", "1").Where("o." + labelsTable.userID + " = l." + labelsTable.userID)
}

// keysOfLabelled selects the users of a list by label.
func (s listShape) keysOfLabelled() sq.SelectBuilder {
	user := "l." + labelsTable.userID
	if !s.ranged {
		keys := s.labels("l", user+" AS owner").Where(user+" > ?", afterUser)
		if !s.scope { // with a scope no user matches twice; without one, the two rows are adjacent
			keys = keys.Distinct()
		}
		return s.ordered(keys, "l", labelsTable.userID)
	}
	at := "l." + s.column
	keys := s.afterTime(s.labels("l", user+" AS owner", at+" AS at"), "l", labelsTable.userID)
	if !s.scope {
		// A user's position is that of the earlier of two matching labels.
		keys = keys.Where(notExists(s.otherLabels().Where("o."+labelsTable.scope+" <> l."+labelsTable.scope).
			Where("o."+s.column+" >= ?", rangeFrom).
			Where("(o." + s.column + ", o." + labelsTable.scope + ") < (" + at + ", l." + labelsTable.scope + ")")))
	}
	return s.ordered(keys, "l", labelsTable.userID)
}

// pageOfLabelled selects a page of a list by label: keys from an index, then the rows.
func (s listShape) pageOfLabelled() sq.SelectBuilder {
	page := selectUsers()
	if s.ranged {
		page = page.Column("page.at")
	}
	// LIMIT 1 keeps the planner from a join that reads all users of a smaller table.
	row := sq.Select(fromUsers()...).From(usersTable.name).Where(usersTable.id + " = page.owner").Limit(1)
	page = s.withTotal(page).FromSelect(s.keysOfLabelled().Limit(maxPageSize), "page").JoinClause(lateral(row, "u"))
	if s.ranged {
		page = page.OrderBy("page.at")
	}
	return page.OrderBy("page.owner")
}

// countLabelled selects the number of users of a list by label, from an index alone where possible.
func (s listShape) countLabelled() sq.SelectBuilder {
	switch {
	case s.scope:
		return s.within(s.labels("l", "count(*)"), "l")
	case !s.ranged:
		return sq.Select("count(*)").FromSelect(s.labels("l", "l."+labelsTable.userID).GroupBy("l."+labelsTable.userID), "matching")
	default:
		// A user with two matching labels is counted by the private one.
		private := text(identity.ScopePrivate)
		return s.within(s.labels("l", "count(*)"), "l").Where(sq.Or{
			sq.Expr("l." + labelsTable.scope + " = " + private),
			notExists(s.within(s.otherLabels().Where("o."+labelsTable.scope+" = "+private), "o")),
		})
	}
}
