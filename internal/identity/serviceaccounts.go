package identity

import (
	"slices"
	"strings"
	"time"

	"barong/internal/problem"
)

// ServiceAccountPrefix is the prefix of the uids that NewServiceAccountUID makes. No user's uid has
// it: ParseUIDPrefix rejects it.
const ServiceAccountPrefix = "SI"

// StateDisabled is the final state of a service account that was deleted. It applies whatever the
// state of the owner is.
const StateDisabled = "disabled"

// ServiceAccount is the account of a program. State and level of an owned account are the owner's
// unless it has its own.
type ServiceAccount struct {
	ID        int64
	UID       string
	Email     string // as given, trimmed
	Role      string
	OwnLevel  *int    // nil: the owner's
	OwnState  *string // nil: the owner's; with an owner it can only be StateDisabled
	Owner     *User   // without relations; nil without an owner
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Level is the account's own level, or the owner's.
func (a ServiceAccount) Level() int {
	switch {
	case a.OwnLevel != nil:
		return *a.OwnLevel
	case a.Owner != nil:
		return a.Owner.Level
	default:
		return 0
	}
}

// State is the account's own state, or the owner's.
func (a ServiceAccount) State() string {
	switch {
	case a.OwnState != nil:
		return *a.OwnState
	case a.Owner != nil:
		return a.Owner.State
	default:
		return StatePending
	}
}

// Errors about service accounts. The contract defines their messages.
var (
	ErrServiceAccountUnknown = rejected("uid", "service_account_unknown", "Service account doesnt exist")
	ErrOwnerUnknown          = rejected("owner_uid", "owner_unknown", "User doesnt exist")
)

// rejected returns an error of one violation, whose response has one message and no list.
func rejected(field, code, message string) *problem.Error {
	return &problem.Error{Kind: problem.Rejected, Violations: []problem.Violation{{Field: field, Code: code, Message: message}}}
}

// Violations of a service account, in the order of a response.
var (
	serviceRoleUnknown     = problem.Violation{Field: "service_account_role", Code: "role_unknown", Message: "Role doesnt_exist"}
	ServiceUserHasIt       = problem.Violation{Field: "", Code: "email_or_uid_taken", Message: "Email or uid not_uniq"}
	serviceEmailBlank      = problem.Violation{Field: "service_account_email", Code: "email_blank", Message: "Email can't be blank"}
	serviceEmailInvalid    = problem.Violation{Field: "service_account_email", Code: "email_invalid", Message: "Email is invalid"}
	ServiceEmailTaken      = problem.Violation{Field: "service_account_email", Code: "email_taken", Message: "Email has already been taken"}
	serviceUIDInvalid      = problem.Violation{Field: "service_account_uid", Code: "uid_invalid", Message: "Uid only allows 3 to 36 letters and digits"}
	ServiceUIDTaken        = problem.Violation{Field: "service_account_uid", Code: "uid_taken", Message: "Uid has already been taken"}
	serviceStateNotIn      = problem.Violation{Field: "service_account_state", Code: "state_unknown", Message: "State is not included in the list"}
	serviceAccountInOrder  = []problem.Violation{serviceRoleUnknown, ServiceUserHasIt, serviceEmailBlank, serviceEmailInvalid, ServiceEmailTaken, serviceUIDInvalid, ServiceUIDTaken, serviceStateNotIn}
	ownerlessAccountStates = []string{StatePending, StateActive, StateDisabled}
)

// SortServiceAccountViolations puts violations into the order of a response.
func SortServiceAccountViolations(violations []problem.Violation) {
	slices.SortStableFunc(violations, func(a, b problem.Violation) int {
		return slices.Index(serviceAccountInOrder, a) - slices.Index(serviceAccountInOrder, b)
	})
}

// ServiceAccountFields are the parameters of a new service account. An empty text and a nil Level
// are absent.
type ServiceAccountFields struct {
	UID, Email, Role, State string
	Level                   *int
}

// NewServiceAccount makes a service account, or returns the rules that it breaks, except those that
// depend on other accounts. Without an owner its state is pending and its level 0 unless they are
// given; with one a given state and a level 0 have no effect. A uid that is not given is made by
// newUID, and an e-mail that is not given is the owner's with the uid as its tag.
func (p Policy) NewServiceAccount(in ServiceAccountFields, owner *User, now time.Time, newUID func() string) (ServiceAccount, []problem.Violation) {
	account := ServiceAccount{UID: in.UID, Role: in.Role, Owner: owner, CreatedAt: now, UpdatedAt: now}
	var violations []problem.Violation
	if !p.HasRole(in.Role) {
		violations = append(violations, serviceRoleUnknown)
	}
	uidIsValid := true
	if in.UID == "" {
		account.UID = newUID()
	} else if uidIsValid = IsUID(in.UID); !uidIsValid {
		violations = append(violations, serviceUIDInvalid)
	}
	switch {
	case in.Email != "":
		email, broken := ParseEmail(in.Email)
		if account.Email = email; broken != nil {
			violations = append(violations, serviceEmailInvalid)
		}
	case owner == nil:
		violations = append(violations, serviceEmailBlank)
	case uidIsValid:
		email, broken := ParseEmail(TaggedEmail(owner.Email, account.UID))
		if account.Email = email; broken != nil { // the domain leaves no room for the tag
			violations = append(violations, serviceEmailInvalid)
		}
	}
	if owner == nil {
		level, state := 0, StatePending
		account.OwnLevel, account.OwnState = &level, &state
		if in.State != "" {
			state = in.State
		}
		if !p.isServiceAccountState(state) {
			violations = append(violations, serviceStateNotIn)
		}
	}
	if in.Level != nil && (owner == nil || *in.Level > 0) {
		account.OwnLevel = in.Level
	}
	SortServiceAccountViolations(violations)
	return account, violations
}

// isServiceAccountState reports whether an account without an owner may have the state.
func (p Policy) isServiceAccountState(state string) bool {
	return slices.Contains(ownerlessAccountStates, state) ||
		slices.ContainsFunc(p.StateTriggers, func(t Trigger) bool { return t.State == state })
}

// NewServiceAccountUID returns the public identifier of a new service account: the prefix and 10
// upper-case hexadecimal digits, as [NewUID] makes them.
func NewServiceAccountUID() string { return NewUID(ServiceAccountPrefix) }

// TaggedEmail returns an e-mail address with a tag at the end of its local part, as in
// ada+tag@example.com. The local part is cut before the tag where it would become too long; a
// quoted one keeps its quotes.
func TaggedEmail(email, tag string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return email
	}
	local, domain := email[:at], email[at:]
	tag = "+" + tag
	longest := min(maxEmailLocal, maxEmail-len(domain))
	if content, isQuoted := unquoted(local); isQuoted {
		for len(quoted(content+tag)) > longest && content != "" {
			content = withoutLastRune(content)
		}
		return quoted(content+tag) + domain
	}
	for len(local+tag) > longest && local != "" {
		local = withoutLastRune(local)
	}
	// A local part does not end in a dot, and an atom before the tag is not empty.
	return strings.TrimRight(local, ".") + tag + domain
}

func withoutLastRune(s string) string {
	runes := []rune(s)
	return string(runes[:len(runes)-1])
}
