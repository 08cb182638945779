package identity

import "time"

// Roles and states that the server assigns. The database may contain others: state_triggers of
// barong.yml can name any state.
const (
	RoleMember   = "member"
	StatePending = "pending"
	StateActive  = "active"
)

// User is an account. Profiles, Labels, Phones and Documents are set only when they were requested.
type User struct {
	ID             int64
	UID            string
	Email          string // as given, trimmed
	PasswordDigest string
	Role           string
	Level          int
	OTP            bool
	State          string
	ReferralUID    *string // of the user who invited this one
	Data           *string
	CreatedAt      time.Time
	UpdatedAt      time.Time

	Profiles []Profile // oldest first
	Labels   []Label
	Phones   []Phone

	Documents []Document
}

// OTPAccount is what determines whether one-time codes of a user are accepted.
type OTPAccount struct {
	UID   string
	State string
	OTP   bool
}

// OTPFailures are the wrong one-time codes of a user since the last right one.
type OTPFailures struct {
	InARow int
	Locked time.Duration // for how long codes are rejected; 0 without a lock
}
