package handlers

import (
	"context"
	"encoding/json"
	"time"

	openapitypes "github.com/oapi-codegen/runtime/types"

	"barong/generated"
	"barong/internal/identity"
)

// viewAll maps a slice. The result is never nil, so that JSON shows [].
func viewAll[noun, view any](nouns []noun, show func(noun) view) []view {
	views := make([]view, len(nouns))
	for i, n := range nouns {
		views[i] = show(n)
	}
	return views
}

// second is a time as in responses: UTC, whole seconds.
func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func viewLabel(l identity.Label) generated.Label {
	return generated.Label{
		Key: l.Key, Value: l.Value, Scope: generated.LabelScope(l.Scope), CreatedAt: second(l.CreatedAt), UpdatedAt: second(l.UpdatedAt),
		Description: l.Description,
	}
}

func viewPhone(p identity.Phone) generated.Phone {
	view := generated.Phone{Country: p.Country, Number: p.Number}
	if p.ValidatedAt != nil {
		at := second(*p.ValidatedAt)
		view.ValidatedAt = &at
	}
	return view
}

func viewProfile(p *identity.Profile) *generated.Profile {
	if p == nil {
		return nil
	}
	view := &generated.Profile{
		FirstName: p.FirstName, LastName: p.LastName, Address: p.Address, Postcode: p.Postcode, City: p.City, Country: p.Country,
		State: generated.ProfileState(p.State),
	}
	if p.DOB != nil {
		view.DOB = &openapitypes.Date{Time: *p.DOB}
	}
	view.Metadata = viewMetadata(p)
	return view
}

func viewProfileVersion(p identity.Profile) generated.ProfileVersion {
	view := generated.ProfileVersion{
		FirstName: p.FirstName, LastName: p.LastName, Address: p.Address, Postcode: p.Postcode, City: p.City, Country: p.Country,
		State: generated.ProfileVersionState(p.Review), Metadata: viewMetadata(&p),
		CreatedAt: second(p.CreatedAt), UpdatedAt: second(p.UpdatedAt),
	}
	if p.DOB != nil {
		view.DOB = &openapitypes.Date{Time: *p.DOB}
	}
	return view
}

// viewMetadata returns nil for metadata that is not an object, which no operation writes.
func viewMetadata(p *identity.Profile) *map[string]any {
	var metadata map[string]any
	if len(p.Metadata) == 0 || json.Unmarshal(p.Metadata, &metadata) != nil || metadata == nil {
		return nil
	}
	return &metadata
}

func viewUser(u identity.User) generated.User {
	return generated.User{
		Email: u.Email, UID: u.UID, Role: u.Role, Level: u.Level, OTP: u.OTP, State: u.State, ReferralUID: u.ReferralUID, Data: u.Data,
	}
}

func viewUserWithProfile(u identity.User) generated.UserWithProfileJSONResponse {
	return generated.UserWithProfileJSONResponse{
		Email: u.Email, UID: u.UID, Role: u.Role, Level: u.Level, OTP: u.OTP, State: u.State, ReferralUID: u.ReferralUID, Data: u.Data,
		CreatedAt: second(u.CreatedAt), UpdatedAt: second(u.UpdatedAt),
		Profile: viewProfile(u.CurrentProfile()), Profiles: viewAll(u.Profiles, viewProfileVersion),
	}
}

func viewUserWithFullInfo(u identity.User) generated.UserWithFullInfo {
	return generated.UserWithFullInfo{
		Email: u.Email, UID: u.UID, Role: u.Role, Level: u.Level, OTP: u.OTP, State: u.State, ReferralUID: u.ReferralUID, Data: u.Data,
		CreatedAt: second(u.CreatedAt), UpdatedAt: second(u.UpdatedAt),
		Profile: viewProfile(u.CurrentProfile()), Profiles: viewAll(u.Profiles, viewProfileVersion), Labels: viewAll(u.Labels, viewLabel), Phones: viewAll(u.Phones, viewPhone),
	}
}

// viewUserWithKYC signs a URL for each document, which may take a request to the store.
func (h *Handlers) viewUserWithKYC(ctx context.Context, u identity.User) (generated.UserWithKYC, error) {
	view := generated.UserWithKYC{
		Email: u.Email, UID: u.UID, Role: u.Role, Level: u.Level, OTP: u.OTP, State: u.State, ReferralUID: u.ReferralUID, Data: u.Data,
		CreatedAt: second(u.CreatedAt), UpdatedAt: second(u.UpdatedAt),
		Profile: viewProfile(u.CurrentProfile()), Profiles: viewAll(u.Profiles, viewProfileVersion), Labels: viewAll(u.Labels, viewLabel), Phones: viewAll(u.Phones, viewPhone),
		Documents: make([]generated.Document, len(u.Documents)),
	}
	for i, d := range u.Documents {
		url, err := h.Documents.URL(ctx, d.File)
		if err != nil {
			return view, err
		}
		view.Documents[i] = viewDocument(d, url)
	}
	return view, nil
}

func viewDocument(d identity.Document, url string) generated.Document {
	view := generated.Document{
		Upload: url, DocType: d.Type, DocNumber: d.Number, Metadata: d.Metadata, CreatedAt: second(d.CreatedAt), UpdatedAt: second(d.UpdatedAt),
	}
	if d.Expire != nil {
		view.DocExpire = &openapitypes.Date{Time: *d.Expire}
	}
	return view
}
