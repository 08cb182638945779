package repository

import (
	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// labels selects from labels under an alias those of the filter.
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

// otherLabels selects further labels of the filter of the user of a label l.
func (s listShape) otherLabels() sq.SelectBuilder {
	return s.labels("o", "1").Where("o." + labelsTable.userID + " = l." + labelsTable.userID)
}

// keysOfLabelled selects the users of a list by a label.
func (s listShape) keysOfLabelled() sq.SelectBuilder {
	user := "l." + labelsTable.userID
	if !s.ranged {
		keys := s.labels("l", user+" AS owner").Where(user+" > ?", afterUser)
		if !s.scope { // with a scope no user matches twice; without, the two are neighbours
			keys = keys.Distinct()
		}
		return s.ordered(keys, "l", labelsTable.userID)
	}
	at := "l." + s.column
	keys := s.afterTime(s.labels("l", user+" AS owner", at+" AS at"), "l", labelsTable.userID)
	if !s.scope {
		// A user's place is that of the earlier of the two labels.
		keys = keys.Where(notExists(s.otherLabels().Where("o."+labelsTable.scope+" <> l."+labelsTable.scope).
			Where("o."+s.column+" >= ?", rangeFrom).
			Where("(o." + s.column + ", o." + labelsTable.scope + ") < (" + at + ", l." + labelsTable.scope + ")")))
	}
	return s.ordered(keys, "l", labelsTable.userID)
}

// pageOfLabelled selects a page of a list by a label: keys from an index, rows after.
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

// countLabelled selects how many users a list by a label has, from an index alone
// where that is possible.
func (s listShape) countLabelled() sq.SelectBuilder {
	switch {
	case s.scope:
		return s.within(s.labels("l", "count(*)"), "l")
	case !s.ranged:
		return sq.Select("count(*)").FromSelect(s.labels("l", "l."+labelsTable.userID).GroupBy("l."+labelsTable.userID), "matching")
	default:
		// Users with two matches count by the private one.
		private := text(identity.ScopePrivate)
		return s.within(s.labels("l", "count(*)"), "l").Where(sq.Or{
			sq.Expr("l." + labelsTable.scope + " = " + private),
			notExists(s.within(s.otherLabels().Where("o."+labelsTable.scope+" = "+private), "o")),
		})
	}
}
