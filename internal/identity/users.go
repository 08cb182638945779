package identity

import "time"

// Roles and states that the server itself gives. Others may stand in the
// database: state_triggers of barong.yml name states freely.
const (
	RoleMember   = "member"
	StatePending = "pending"
	StateActive  = "active"
)

// User is an account. Profile, Labels, Phones and Documents are there when they
// were asked for; a user without a profile has none (nil).
type User struct {
	ID             int64
	UID            string
	Email          string // as it was given, trimmed
	PasswordDigest string
	Role           string
	Level          int
	OTP            bool
	State          string
	ReferralUID    *string // of the user who invited this one
	Data           *string
	CreatedAt      time.Time
	UpdatedAt      time.Time

	Profile *Profile
	Labels  []Label
	Phones  []Phone

	Documents []Document
}

// OTPAccount is what decides whether one-time codes of a user count.
type OTPAccount struct {
	UID   string
	State string
	OTP   bool
}

// OTPFailures are the wrong one-time codes of a user since the last right one.
type OTPFailures struct {
	InARow int
	Locked time.Duration // for how long codes do not count; 0 where no lock stands
}
