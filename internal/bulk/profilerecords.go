package bulk

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/identity"
)

// profileRecord is one of several profiles of a user.
type profileRecord struct {
	FirstName text           `json:"first_name,omitzero"`
	LastName  text           `json:"last_name,omitzero"`
	DOB       text           `json:"dob,omitzero"`
	Address   text           `json:"address,omitzero"`
	Postcode  text           `json:"postcode,omitzero"`
	City      text           `json:"city,omitzero"`
	Country   text           `json:"country,omitzero"`
	State     text           `json:"state,omitzero"`
	Metadata  jsontext.Value `json:"metadata,omitzero"`
	CreatedAt text           `json:"created_at,omitzero"`
	UpdatedAt text           `json:"updated_at,omitzero"`
}

// importedProfiles converts the profiles of a row to the input of the import rules. moment parses a
// time.
func (r *record) importedProfiles(moment func(name string, t text) time.Time) (profiles []identity.ImportedProfile) {
	for _, p := range r.Profiles {
		profiles = append(profiles, identity.ImportedProfile{
			Fields: identity.ProfileFields{
				FirstName: p.FirstName.given(), LastName: p.LastName.given(), DOB: p.DOB.given(), Address: p.Address.given(),
				Postcode: p.Postcode.given(), City: p.City.given(), Country: p.Country.given(),
			},
			Metadata: notNull(p.Metadata), Review: p.State.given(),
			CreatedAt: moment("Created at", p.CreatedAt), UpdatedAt: moment("Updated at", p.UpdatedAt),
		})
	}
	return profiles
}

// notNull returns nil for a JSON null.
func notNull(value jsontext.Value) jsontext.Value {
	if len(value) > 0 && value.Kind() == 'n' {
		return nil
	}
	return value
}

// setProfiles stores profiles, oldest first: the only one in members of its own, as users of Barong
// 2.3 have it.
func (r *record) setProfiles(profiles []profileRecord) {
	if len(profiles) != 1 {
		r.Profiles = profiles
		return
	}
	p := profiles[0]
	r.FirstName, r.LastName, r.DOB, r.Address, r.Postcode, r.City, r.Country = p.FirstName, p.LastName, p.DOB, p.Address, p.Postcode, p.City, p.Country
	r.ProfileMetadata, r.ProfileCreated, r.ProfileUpdated, r.ProfileState = p.Metadata, p.CreatedAt, p.UpdatedAt, p.State
}

// addProfiles adds the profiles of a user. The state drafted, which is the default, is left out,
// unless the only profile has nothing else to show.
func (r *record) addProfiles(u identity.User) {
	var profiles []profileRecord
	for _, p := range u.Profiles {
		each := profileRecord{
			FirstName: textOf(p.FirstName), LastName: textOf(p.LastName), Address: textOf(p.Address), Postcode: textOf(p.Postcode),
			City: textOf(p.City), Country: textOf(p.Country), Metadata: p.Metadata,
			CreatedAt: written(p.CreatedAt, u.CreatedAt), UpdatedAt: written(p.UpdatedAt, u.UpdatedAt),
		}
		if p.DOB != nil {
			each.DOB = text(p.DOB.Format(time.DateOnly))
		}
		if p.Review != identity.ProfileDrafted || each.isEmpty() {
			each.State = text(p.Review)
		}
		profiles = append(profiles, each)
	}
	r.setProfiles(profiles)
}

// isEmpty reports whether a profile has neither a field nor metadata.
func (p profileRecord) isEmpty() bool {
	return p.FirstName == "" && p.LastName == "" && p.DOB == "" && p.Address == "" && p.Postcode == "" && p.City == "" && p.Country == "" && p.Metadata == nil
}
