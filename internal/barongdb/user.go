// Package barongdb reads the users and documents of a Barong installation from its database:
// MySQL, MariaDB or PostgreSQL, with the tables of Barong 2.0 to 2.6.
package barongdb

import "time"

// User is an account of Barong with what belongs to it. Times are UTC.
type User struct {
	ID             int64
	UID            string
	Email          string
	PasswordDigest string
	Role           string
	State          string
	Level          int
	OTP            bool
	Data           *string
	ReferralUID    *string // uid of the user who invited this one
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Phones         []Phone   // in the order of their ids
	Labels         []Label   // in the order of their ids; one for each key and scope
	Profile        *Profile  // the newest
	Earlier        []Profile // the others, oldest first; only those of Barong 2.4 and later
	// Notes name in one sentence each what Barong stores and this value leaves out or changes: older
	// profiles, duplicate labels, numbers that another user has validated later. They contain no personal data.
	Notes []string
}

// Phone is a number of a user.
type Phone struct {
	Number      string     // as Barong stores it, usually the E.164 digits
	ValidatedAt *time.Time // nil for a number that is not validated, or that another user has validated later
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Label is a label of a user.
type Label struct {
	Key         string
	Value       string
	Scope       string
	Description *string // Barong 2.4 and later
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Profile is a profile of a user.
type Profile struct {
	FirstName *string
	LastName  *string
	DOB       *time.Time // a date: midnight UTC
	Address   *string
	Postcode  *string
	City      *string
	Country   *string
	Metadata  *string // as Barong stores it; usually a JSON object
	State     string  // of its verification: drafted, submitted, verified or rejected; "" in Barong before 2.4
	CreatedAt time.Time
	UpdatedAt time.Time
}
