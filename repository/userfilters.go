package repository

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	sq "github.com/Masterminds/squirrel"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"barong/internal/identity"
)

// UserFilter selects users that match all fields that are set. An empty text and a nil Level match
// any user. An e-mail is compared by its mailbox key, a UID as given and in capitals, the other
// texts ignoring case and superfluous white space. Where the locale of the database knows ASCII
// only, as C does, letters beyond ASCII match as given, in lower case, in upper case and with
// capital initials.
type UserFilter struct {
	UID, Email, Role, FirstName, LastName, Country, State string
	Level                                                 *int32
}

// userFilter is a UserFilter in the form that serves as a cache key: filters with the same meaning
// are equal.
type userFilter struct {
	uid, email, mailbox, role, firstName, lastName, country, state string
	level                                                          int32
	hasLevel                                                       bool
}

func (f UserFilter) comparable() userFilter {
	text := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	filter := userFilter{
		uid: text(f.UID), role: text(f.Role), firstName: text(f.FirstName), lastName: text(f.LastName), country: text(f.Country), state: text(f.State),
	}
	if f.Email != "" {
		filter.email, filter.mailbox = identity.FoldEmail(f.Email), identity.MailboxKey(f.Email)
	}
	if f.Level != nil {
		filter.level, filter.hasLevel = *f.Level, true
	}
	return filter
}

// textFilter is a text of a filter and its column, which has an index on lower().
type textFilter struct {
	name   arg
	column string // of users u or profiles p
	of     func(userFilter) string
}

// stateText is the argument name of the state in textFilters.
const stateText = arg("state")

// Arguments of the other parts of a filter.
const (
	filterUID   = arg("uid")
	filterLevel = arg("level")
	levelText   = arg("level text")
)

var textFilters = [...]textFilter{
	{arg("role"), "u." + usersTable.role, func(f userFilter) string { return f.role }},
	{stateText, "u." + usersTable.state, func(f userFilter) string { return f.state }},
	{arg("first name"), "p." + profilesTable.firstName, func(f userFilter) string { return f.firstName }},
	{arg("last name"), "p." + profilesTable.lastName, func(f userFilter) string { return f.lastName }},
	{arg("country"), "p." + profilesTable.country, func(f userFilter) string { return f.country }},
}

// The spellings in which a text beyond ASCII is searched for: lower() leaves such letters unchanged
// in a database whose locale is C.
const (
	inSmall    = arg(" in small letters")
	inCapitals = arg(" in capitals")
	asTitle    = arg(" with capital initials")
)

// filterShape is everything that determines the SQL of a condition: which fields are set, and
// whether a text contains more than ASCII.
type filterShape struct {
	uid, email, level, beyondASCII bool
	texts                          [len(textFilters)]bool
}

func (f userFilter) shape() filterShape {
	shape := filterShape{uid: f.uid != "", email: f.email != "", level: f.hasLevel}
	for i, t := range textFilters {
		shape.texts[i] = t.of(f) != ""
		shape.beyondASCII = shape.beyondASCII || strings.ContainsFunc(t.of(f), func(r rune) bool { return r >= utf8.RuneSelf })
	}
	return shape
}

// ofUsers and ofProfiles say which of the two tables the condition reads.
func (shape filterShape) ofUsers() bool {
	for i, given := range shape.texts {
		if given && strings.HasPrefix(textFilters[i].column, "u.") {
			return true
		}
	}
	return shape.uid || shape.email || shape.level
}

func (shape filterShape) ofProfiles() bool {
	for i, given := range shape.texts {
		if given && strings.HasPrefix(textFilters[i].column, "p.") {
			return true
		}
	}
	return false
}

// condition is true for the users u, with their profiles p, that match the filter.
func (shape filterShape) condition() sq.And {
	var all sq.And
	if shape.uid {
		all = append(all, sq.Expr(oneOf("u."+usersTable.uid, "?::text", "upper(?::text)"), filterUID, filterUID))
	}
	if shape.email {
		all = append(all, sq.Expr("("+oneOf("u."+usersTable.emailFolded, "?::text", "?::text")+" OR u."+usersTable.emailKey+" = ?)", foldedEmail, mailboxKey, mailboxKey))
	}
	together := false // level and state
	for i, t := range textFilters {
		switch {
		case !shape.texts[i]:
		case t.name == stateText && shape.level: // as one expression, which has an index
			together = true
			all = append(all, shape.equals("u."+usersTable.level+"::text || ' ' || lower(u."+usersTable.state+")", "?::text || ' ' || lower(?::text)", t.name, levelText))
		default:
			all = append(all, shape.equals("lower("+t.column+")", "lower(?::text)", t.name))
		}
	}
	if shape.level && !together {
		all = append(all, sq.Expr("u."+usersTable.level+" = ?", filterLevel))
	}
	return all
}

// equals is true where an indexed expression equals the value, or one of several spellings of it.
// before are the arguments in the value that precede the text.
func (shape filterShape) equals(expression, value string, name arg, before ...any) sq.Sqlizer {
	if !shape.beyondASCII {
		return sq.Expr(expression+" = "+value, append(before, name)...)
	}
	var args []any
	spellings := []arg{name, name + inSmall, name + inCapitals, name + asTitle}
	for _, spelling := range spellings {
		args = append(append(args, before...), spelling)
	}
	return sq.Expr(oneOf(expression, slices.Repeat([]string{value}, len(spellings))...), args...)
}

// addArgs adds the arguments of the condition of the filter's shape.
func (f userFilter) addArgs(given args, shape filterShape) {
	if shape == (filterShape{}) {
		return
	}
	given[filterUID], given[foldedEmail], given[mailboxKey] = f.uid, f.email, f.mailbox
	given[filterLevel], given[levelText] = f.level, strconv.Itoa(int(f.level))
	for i, t := range textFilters {
		if !shape.texts[i] {
			continue
		}
		text := t.of(f)
		given[t.name] = text
		if shape.beyondASCII {
			given[t.name+inSmall], given[t.name+inCapitals] = strings.ToLower(text), strings.ToUpper(text)
			given[t.name+asTitle] = cases.Title(language.Und).String(text)
		}
	}
}
