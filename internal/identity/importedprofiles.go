package identity

import (
	"time"

	"barong/internal/problem"
)

// ImportedProfile is one of the profiles of an imported user.
type ImportedProfile struct {
	Fields    ProfileFields
	Metadata  []byte  // JSON, up to 64 KiB; nil for none
	Review    *string // nil: drafted
	CreatedAt time.Time
	UpdatedAt time.Time // a zero time means the user's
}

var profileGivenTwice = problem.Violation{
	Field: "profiles", Code: "profiles_and_profile", Message: "Profiles cannot be given with the fields of a profile",
}

// onlyProfile returns the members of an import that describe the only profile, and whether one of
// them is given. Times alone make no profile.
func (in *Import) onlyProfile() (p ImportedProfile, isGiven bool) {
	p = ImportedProfile{
		Fields: in.Profile, Metadata: in.ProfileMetadata, Review: in.ProfileReview, CreatedAt: in.ProfileCreatedAt, UpdatedAt: in.ProfileUpdatedAt,
	}
	f := &in.Profile
	for _, field := range []*string{f.FirstName, f.LastName, f.DOB, f.Address, f.Postcode, f.City, f.Country} {
		isGiven = isGiven || given(field) != nil
	}
	return p, isGiven || p.Metadata != nil || p.Review != nil
}

// importProfiles numbers and stores the profiles of an import, or returns the rules that they break.
func (u *User) importProfiles(in Import, now time.Time) (violations []problem.Violation) {
	all := in.Profiles
	if only, isGiven := in.onlyProfile(); isGiven {
		if len(all) > 0 {
			violations = append(violations, profileGivenTwice)
		}
		all = []ImportedProfile{only}
	}
	if len(all) > MaxProfiles {
		violations = append(violations, TooManyProfiles)
	}
	for i, each := range all {
		profile, broken := each.check(now)
		violations = append(violations, broken...)
		profile.Number = i + 1
		profile.CreatedAt, profile.UpdatedAt = firstTime(each.CreatedAt, u.CreatedAt), firstTime(each.UpdatedAt, u.UpdatedAt)
		u.Profiles = append(u.Profiles, profile)
	}
	return violations
}

func (p ImportedProfile) check(now time.Time) (Profile, []problem.Violation) {
	profile, violations := NewProfile(p.Fields, now)
	if profile == nil {
		profile = &Profile{State: ProfilePartial}
	}
	profile.Metadata, profile.Review = p.Metadata, ProfileDrafted
	if p.Review != nil {
		profile.Review = *p.Review
		if !isReview(*p.Review) {
			violations = append(violations, reviewUnknown)
		}
	}
	if p.Metadata != nil && !isMetadata(p.Metadata) {
		violations = append(violations, profileMetadataInvalid)
	}
	return *profile, violations
}

// profileLabel returns the value of the private label that the newest profile gives: its review
// where one is given, else whether it is complete. It is "" without a profile.
func (in *Import) profileLabel(profiles []Profile) string {
	if len(profiles) == 0 {
		return ""
	}
	newest := &profiles[len(profiles)-1]
	if in.ProfileReview != nil || len(in.Profiles) > 0 && in.Profiles[len(in.Profiles)-1].Review != nil {
		return newest.Review
	}
	return newest.LabelValue()
}
