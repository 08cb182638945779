package identity

import (
	"slices"
	"time"

	"barong/internal/problem"
)

// Reviews of a profile: how far its verification has come.
const (
	ProfileDrafted   = "drafted"
	ProfileSubmitted = "submitted"
	ProfileVerified  = "verified"
	ProfileRejected  = "rejected"
)

// ProfileLabel is the key of the private label that follows the review of the newest profile.
const ProfileLabel = "profile"

// MaxProfiles limits the profiles of a user, because every response with the user contains all of
// them.
const MaxProfiles = 100

// Violations of a new profile that depend on the earlier ones of the user.
var (
	ProfileOpen     = problem.Violation{Field: "state", Code: "state_exists", Message: "State already exists"}
	TooManyProfiles = problem.Violation{Code: "profiles_too_many", Message: "Profiles are too many (maximum is 100)"}
)

var reviewUnknown = problem.Violation{Field: "state", Code: "state_unknown", Message: "State is not included in the list"}

// IsOpenReview reports whether a review awaits a decision. Of the profiles of a user only the
// newest may be open, so that another open one is rejected until it is decided.
func IsOpenReview(review string) bool { return review == ProfileDrafted || review == ProfileSubmitted }

func isReview(review string) bool {
	return IsOpenReview(review) || review == ProfileVerified || review == ProfileRejected
}

// NewProfileVersion makes a profile to add to those of a user, even without any field. A nil
// metadata is none, a nil review is drafted. now is the time of the request. Violations of the
// fields come in the order of [NewProfile], then those of metadata and review. The caller sets the
// number.
func NewProfileVersion(f ProfileFields, metadata, review *string, now time.Time) (Profile, []problem.Violation) {
	p, violations := NewProfile(f, now)
	if p == nil {
		p = &Profile{State: ProfilePartial}
	}
	p.Review, p.CreatedAt, p.UpdatedAt = ProfileDrafted, now, now
	if metadata != nil {
		p.Metadata = []byte(*metadata)
		if len(p.Metadata) > maxProfileMetadata || !isMetadata(p.Metadata) {
			violations = append(violations, metadataInvalid)
		}
	}
	if review != nil {
		p.Review = *review
		if !isReview(*review) {
			violations = append(violations, reviewUnknown)
		}
	}
	return *p, violations
}

// CurrentProfile returns the newest verified profile or, without one, the newest; nil for a user
// without profiles.
func (u *User) CurrentProfile() *Profile {
	for i := range slices.Backward(u.Profiles) {
		if u.Profiles[i].Review == ProfileVerified {
			return &u.Profiles[i]
		}
	}
	if last := len(u.Profiles) - 1; last >= 0 {
		return &u.Profiles[last]
	}
	return nil
}

// LatestProfile describes the newest profile of a user. The zero value is that of a user without
// profiles.
type LatestProfile struct {
	Number int // of the profiles up to it
	Open   bool
}

// Check returns the violations of a profile with this review that is added after the latest one.
func (l LatestProfile) Check(review string) (violations []problem.Violation) {
	if l.Open && IsOpenReview(review) {
		violations = append(violations, ProfileOpen)
	}
	if l.Number >= MaxProfiles {
		violations = append(violations, TooManyProfiles)
	}
	return violations
}
