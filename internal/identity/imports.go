package identity

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"barong/internal/problem"
)

// Import is a user's data in another system. The operation /users/import provides the first part, a
// file for `barong import` provides all fields.
type Import struct {
	Email          string
	PasswordDigest string
	Phone          *string // in any spelling; treated as validated now
	Profile        ProfileFields
	ProfileReview  *string // nil: drafted, and the label of the profile says whether it is complete

	UID             string // "" for a new one
	Role            string // "" for member
	State           string // "" for the state that the labels give
	OTP             bool
	ReferralUID     *string
	Data            *string // up to 64 KiB
	ProfileMetadata []byte  // JSON, up to 64 KiB
	// The times of the profile, and of each phone: a zero one means the user's.
	ProfileCreatedAt, ProfileUpdatedAt time.Time
	// Profiles are all profiles of the user, oldest first, in place of the members above that
	// describe the only one.
	Profiles []ImportedProfile

	Phones    []Phone // numbers in any spelling
	Labels    []Label // nil: the label that the profile gives, as in the operation; a zero time means the user's CreatedAt
	CreatedAt time.Time
	UpdatedAt time.Time // zero: CreatedAt; a zero CreatedAt means now
}

// Violations of an imported user that depend on other users.
var (
	UIDTaken        = problem.Violation{Field: "uid", Code: "uid_taken", Message: "Uid has already been taken"}
	ReferralUnknown = problem.Violation{Field: "referral_uid", Code: "referral_uid_unknown", Message: "Referral uid is not found"}
)

var (
	uidInvalid             = problem.Violation{Field: "uid", Code: "uid_invalid", Message: "Uid only allows 3 to 36 letters and digits"}
	roleInvalid            = problem.Violation{Field: "role", Code: "role_invalid", Message: "Role is invalid"}
	dataInvalid            = problem.Violation{Field: "data", Code: "data_invalid", Message: "Data is invalid"}
	scopeInvalid           = problem.Violation{Field: "scope", Code: "scope_invalid", Message: "Scope is invalid"}
	profileMetadataInvalid = problem.Violation{Field: "profile_metadata", Code: "profile_metadata_invalid", Message: "Profile metadata is not a JSON object"}
	descriptionInvalid     = problem.Violation{Field: "description", Code: "description_invalid", Message: "Description is invalid"}
	createdInFuture        = problem.Violation{Field: "created_at", Code: "created_at_in_future", Message: "Created at is in the future"}
	updatedInFuture        = problem.Violation{Field: "updated_at", Code: "updated_at_in_future", Message: "Updated at is in the future"}
)

var (
	uidText  = regexp.MustCompile(`^[A-Za-z0-9]{3,36}$`)
	roleText = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
)

// IsUID reports whether s is a valid uid: 3 to 36 ASCII letters and digits.
func IsUID(s string) bool { return uidText.MatchString(s) }

// maxData limits the free text of a user, in bytes, to the size of Barong's column.
const maxData = 64 << 10

// maxDescription limits the description of a label, in bytes: Barong's column has 255 characters of up to
// four bytes.
const maxDescription = 4 * 255

// clockSkew is how far the clock of another system may be ahead.
const clockSkew = time.Hour

// ImportedUser makes the user of an import, or returns all rules that it breaks. The level is
// always the one that the labels give. A given state is stored as it is, whatever the labels are,
// until a label changes. ImportedUser does not check rules that depend on other users: whether an
// e-mail, a uid or a number is taken.
func (p Policy) ImportedUser(in Import, now time.Time) (User, []problem.Violation) {
	email, violations := ParseEmail(in.Email)
	violations = append(violations, CheckPasswordDigest(in.PasswordDigest)...)
	user := User{
		UID: in.UID, Email: email, PasswordDigest: in.PasswordDigest, Role: in.Role, State: in.State, OTP: in.OTP,
		ReferralUID: in.ReferralUID, Data: in.Data, CreatedAt: in.CreatedAt, UpdatedAt: in.UpdatedAt,
	}
	if user.Role == "" {
		user.Role = RoleMember
	}
	user.CreatedAt = firstTime(user.CreatedAt, now)
	user.UpdatedAt = firstTime(user.UpdatedAt, user.CreatedAt)

	phones := in.Phones
	if in.Phone != nil {
		phones = append([]Phone{{Number: *in.Phone, ValidatedAt: &now}}, phones...)
	}
	broken := user.importPhones(p, phones)
	violations = append(violations, broken...)

	broken = user.importProfiles(in, now)
	violations = append(violations, broken...)
	violations = append(violations, p.checkImport(in, now)...)
	violations = append(violations, user.importLabels(in)...)

	// Like every new account, one without labels is pending, whatever the policy requires.
	state := StatePending
	if len(user.Labels) > 0 {
		user.Level, state = p.Level(user.Labels), p.State(user.Labels)
	}
	if user.State == "" {
		user.State = state
	}
	return user, violations
}

func (u *User) importPhones(policy Policy, given []Phone) (violations []problem.Violation) {
	for _, phone := range given {
		parsed, broken := policy.ParsePhone(phone.Number)
		violations = append(violations, broken...)
		parsed.ValidatedAt = phone.ValidatedAt
		parsed.CreatedAt, parsed.UpdatedAt = firstTime(phone.CreatedAt, u.CreatedAt), firstTime(phone.UpdatedAt, u.UpdatedAt)
		if phone.ValidatedAt != nil && slices.ContainsFunc(u.Phones, func(p Phone) bool { return p.ValidatedAt != nil && p.Number == parsed.Number }) {
			violations = append(violations, PhoneTaken)
		}
		u.Phones = append(u.Phones, parsed)
	}
	return violations
}

// importLabels stores the given labels or, without any, the label that the profile gives.
func (u *User) importLabels(in Import) (violations []problem.Violation) {
	if in.Labels == nil {
		if value := in.profileLabel(u.Profiles); value != "" {
			u.Labels = []Label{{Key: ProfileLabel, Value: value, Scope: ScopePrivate, CreatedAt: u.CreatedAt, UpdatedAt: u.CreatedAt}}
		}
		return nil
	}
	for _, each := range in.Labels {
		label, broken := NewLabel(each.Key, each.Value)
		violations = append(violations, broken...)
		switch each.Scope {
		case "", ScopePrivate:
		case ScopePublic:
			label.Scope = ScopePublic
		default:
			violations = append(violations, scopeInvalid)
		}
		if broken == nil && slices.ContainsFunc(u.Labels, func(l Label) bool { return l.Key == label.Key && l.Scope == label.Scope }) {
			violations = append(violations, LabelKeyTaken)
		}
		if each.Description != nil && !isStorableText(*each.Description, maxDescription) {
			violations = append(violations, descriptionInvalid)
		}
		label.Description = each.Description
		label.CreatedAt = firstTime(each.CreatedAt, u.CreatedAt)
		label.UpdatedAt = firstTime(each.UpdatedAt, label.CreatedAt)
		u.Labels = append(u.Labels, label)
	}
	return violations
}

// checkImport applies the rules for fields that only files have.
func (p Policy) checkImport(in Import, now time.Time) (violations []problem.Violation) {
	check := func(ok bool, violation problem.Violation) {
		if !ok {
			violations = append(violations, violation)
		}
	}
	check(in.UID == "" || IsUID(in.UID), uidInvalid)
	check(in.Role == "" || roleText.MatchString(in.Role), roleInvalid)
	if in.State != "" && !slices.Contains(p.states(), in.State) {
		violations = append(violations, problem.Violation{
			Field: "state", Code: "state_unknown", Message: "State must be one of " + strings.Join(p.states(), ", "),
		})
	}
	check(in.Data == nil || isStorableText(*in.Data, maxData), dataInvalid)
	check(!in.CreatedAt.After(now.Add(clockSkew)), createdInFuture)
	check(!in.UpdatedAt.After(now.Add(clockSkew)), updatedInFuture)
	return violations
}

// isStorableText reports whether Postgres stores a text of at most size bytes: it contains neither
// NUL nor invalid UTF-8.
func isStorableText(s string, size int) bool {
	return len(s) <= size && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// firstTime returns the first of two times that is set.
func firstTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

// states returns all states that the policy can give.
func (p Policy) states() []string {
	states := []string{StatePending, StateActive}
	for _, trigger := range p.StateTriggers {
		states = append(states, trigger.State)
	}
	return states
}
