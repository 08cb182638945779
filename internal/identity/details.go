package identity

import (
	"fmt"
	"slices"
	"time"

	"barong/internal/problem"
)

// DroppedDetail is a part of an imported user that breaks a rule and is left out.
type DroppedDetail struct {
	Path string // of the member, such as phones.1
	problem.Violation
}

// WithoutInvalidDetails returns the import without the details that break a rule, and what they
// were: of two phones or labels of the same key, the one that was validated or changed last stays.
// It keeps an invalid uid, e-mail, password digest or state, without which there is no user.
func (p Policy) WithoutInvalidDetails(in Import, now time.Time) (Import, []DroppedDetail) {
	d := &details{policy: p, now: now}
	if in.Phone != nil {
		_, broken := p.ParsePhone(*in.Phone)
		if d.drop("phone", broken...) {
			in.Phone = nil
		}
	}
	in.Phones = d.phones(in.Phones)
	if in.Labels != nil {
		in.Labels = d.labels(in.Labels)
	}
	if only, isGiven := in.onlyProfile(); isGiven {
		d.profile(&only, "", "profile_")
		in.Profile, in.ProfileMetadata, in.ProfileReview = only.Fields, only.Metadata, only.Review
	}
	in.Profiles = d.profiles(in.Profiles)
	d.account(&in)
	return in, d.dropped
}

type details struct {
	policy  Policy
	now     time.Time
	dropped []DroppedDetail
}

// drop notes violations at a path, and reports whether there are any.
func (d *details) drop(path string, broken ...problem.Violation) bool {
	for _, violation := range broken {
		d.dropped = append(d.dropped, DroppedDetail{path, violation})
	}
	return len(broken) > 0
}

func (d *details) phones(given []Phone) []Phone {
	var kept []Phone
	at := map[string]int{} // of validated numbers in kept
	for i, phone := range given {
		path := fmt.Sprintf("phones.%d", i)
		parsed, broken := d.policy.ParsePhone(phone.Number)
		if d.drop(path, broken...) {
			continue
		}
		if phone.ValidatedAt != nil {
			if other, isTwice := at[parsed.Number]; isTwice {
				d.drop(path, PhoneTaken)
				if kept[other].ValidatedAt.Before(*phone.ValidatedAt) {
					kept[other] = phone
				}
				continue
			}
			at[parsed.Number] = len(kept)
		}
		kept = append(kept, phone)
	}
	return kept
}

func (d *details) labels(given []Label) []Label {
	kept := []Label{}
	at := map[[2]string]int{}
	for i, label := range given {
		path := fmt.Sprintf("labels.%d", i)
		normal, broken := NewLabel(label.Key, label.Value)
		if label.Scope != "" && label.Scope != ScopePrivate && label.Scope != ScopePublic {
			broken = append(broken, scopeInvalid)
		}
		if d.drop(path, broken...) {
			continue
		}
		if label.Description != nil && !isStorableText(*label.Description, maxDescription) {
			d.drop(path+".description", descriptionInvalid)
			label.Description = nil
		}
		scope := label.Scope
		if scope == "" {
			scope = ScopePrivate
		}
		name := [2]string{normal.Key, scope}
		if other, isTwice := at[name]; isTwice {
			d.drop(path, LabelKeyTaken)
			if kept[other].UpdatedAt.Before(label.UpdatedAt) {
				kept[other] = label
			}
			continue
		}
		at[name] = len(kept)
		kept = append(kept, label)
	}
	return kept
}

// profiles leaves out the oldest profiles of too many.
func (d *details) profiles(given []ImportedProfile) []ImportedProfile {
	kept := slices.Clone(given)
	for i := range kept {
		path := fmt.Sprintf("profiles.%d.", i)
		d.profile(&kept[i], path, path)
	}
	if extra := len(kept) - MaxProfiles; extra > 0 {
		d.drop("profiles", TooManyProfiles)
		kept = kept[extra:]
	}
	return kept
}

// profile leaves out fields of a profile. Their paths begin with path, that of metadata and review
// with extraPath.
func (d *details) profile(p *ImportedProfile, path, extraPath string) {
	f := &p.Fields
	for _, field := range []struct {
		name  string
		value **string
		alone ProfileFields
	}{
		{"first_name", &f.FirstName, ProfileFields{FirstName: f.FirstName}},
		{"last_name", &f.LastName, ProfileFields{LastName: f.LastName}},
		{"dob", &f.DOB, ProfileFields{DOB: f.DOB}},
		{"city", &f.City, ProfileFields{City: f.City}},
		{"country", &f.Country, ProfileFields{Country: f.Country}},
		{"postcode", &f.Postcode, ProfileFields{Postcode: f.Postcode}},
		{"address", &f.Address, ProfileFields{Address: f.Address}},
	} {
		if _, broken := NewProfile(field.alone, d.now); d.drop(path+field.name, broken...) {
			*field.value = nil
		}
	}
	if p.Metadata != nil && !isMetadata(p.Metadata) {
		d.drop(extraPath+"metadata", profileMetadataInvalid)
		p.Metadata = nil
	}
	if p.Review != nil && !isReview(*p.Review) {
		d.drop(extraPath+"state", reviewUnknown)
		p.Review = nil
	}
}

func (d *details) account(in *Import) {
	if in.Role != "" && !roleText.MatchString(in.Role) {
		d.drop("role", roleInvalid)
		in.Role = ""
	}
	if in.Data != nil && !isStorableText(*in.Data, maxData) {
		d.drop("data", dataInvalid)
		in.Data = nil
	}
	if in.CreatedAt.After(d.now.Add(clockSkew)) {
		d.drop("created_at", createdInFuture)
		in.CreatedAt = time.Time{}
	}
	if in.UpdatedAt.After(d.now.Add(clockSkew)) {
		d.drop("updated_at", updatedInFuture)
		in.UpdatedAt = time.Time{}
	}
}
