package handlers

import (
	"net/http/httptest"
	"testing"
	"time"

	"barong/generated"
	"barong/internal/identity"
	"barong/repository"
)

// usualUser has a profile, a phone and three labels.
func usualUser() identity.User {
	ada, now := "Ada", time.Date(2026, 11, 22, 7, 11, 35, 0, time.UTC)
	user := identity.User{
		UID: "ID873B5CE1D2", Email: "ada@example.com", Role: "member", Level: 2, State: "active", CreatedAt: now, UpdatedAt: now,
		Profiles: []identity.Profile{{FirstName: &ada, LastName: &ada, DOB: &now, Address: &ada, Postcode: &ada, City: &ada, Country: &ada, State: "completed", Review: "drafted", Number: 1, CreatedAt: now, UpdatedAt: now}},
		Phones:   []identity.Phone{{Country: "DE", Number: "4915100000001", ValidatedAt: &now}},
	}
	for _, key := range []string{"email", "phone", "profile"} {
		user.Labels = append(user.Labels, identity.Label{Key: key, Value: "verified", Scope: "private", CreatedAt: now, UpdatedAt: now})
	}
	return user
}

// BenchmarkUser encodes the response of /users/get.
func BenchmarkUser(b *testing.B) {
	user := usualUser()
	b.ReportAllocs()
	for b.Loop() {
		view, err := (&Handlers{}).viewUserWithKYC(b.Context(), user)
		if err != nil {
			b.Fatal(err)
		}
		if err := generated.GetUser201JSONResponse(view).VisitGetUserResponse(httptest.NewRecorder()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPage encodes a page of 100 users, short and extended.
func BenchmarkPage(b *testing.B) {
	users := make([]identity.User, 100)
	for i := range users {
		users[i] = usualUser()
	}
	for name, views := range map[string]func() any{
		"short":    func() any { return viewAll(users, viewUser) },
		"extended": func() any { return viewAll(users, viewUserWithFullInfo) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page := listPage{rows: views(), page: repository.Page{Number: 1, Size: 100}, total: 1_000_000, path: "/users/list"}
				if err := page.write(httptest.NewRecorder()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
