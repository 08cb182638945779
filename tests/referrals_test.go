package tests

import (
	"net/http"
	"testing"
)

func TestReferrerIsStoredAndShownEverywhere(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		referrer := a.user(nil)
		for operation, given := range map[string]parameters{
			"createUser": {"email": "created@example.com", "password": "Tecohvi0", "referral_uid": referrer},
			"importUser": {"email": "imported@example.com", "password_digest": digest, "first_name": "Ada", "referral_uid": referrer},
		} {
			got := a.call(f, operation, given)
			if got.status != http.StatusCreated {
				t.Fatalf("%s: %s", operation, got)
			}
			uid := got.object(t)["uid"].(string)
			views := map[string]map[string]any{
				operation:        got.object(t),
				"getUser":        a.call(f, "getUser", parameters{"uid": uid}).object(t),
				"createDocument": a.call(f, "createDocument", passport(uid, png(10))).object(t),
				"listUsers":      a.call(f, "listUsers", parameters{"uid": uid}).list(t)[0],
				"extended":       a.call(f, "listUsers", parameters{"uid": uid, "extended": true}).list(t)[0],
				"by label":       a.call(f, "filterUsersByLabel", parameters{"key": "document"}).list(t)[0],
			}
			for name, view := range views {
				if view["referral_uid"] != referrer {
					t.Errorf("%s, shown by %s: referral_uid is %v, want %s", operation, name, view["referral_uid"], referrer)
				}
			}
			a.must("deleteLabel", parameters{"user_uid": uid, "key": "document"})
		}
		for _, absent := range []parameters{{}, {"referral_uid": nil}} {
			absent["email"], absent["password_digest"] = unique("user")+"@example.com", digest
			if got := a.call(f, "importUser", absent).object(t); got["referral_uid"] != nil {
				t.Errorf("%v: referral_uid is %v", absent, got["referral_uid"])
			}
		}
	})
}

func TestReferrerWhoIsNobodyIsReportedLast(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		taken := a.must("importUser", ada).object(t)
		before := a.rows()
		for _, c := range []struct {
			operation string
			given     parameters
			want      []string
		}{
			{"createUser", parameters{"email": "a@b", "password": "Tecohvi0", "referral_uid": "ID0000000000"}, []string{"[Referral uid is not found]"}},
			{"createUser", parameters{"email": "a@b", "password": "Tecohvi0", "referral_uid": "' OR true --"}, []string{"[Referral uid is not found]"}},
			{"createUser", parameters{"email": "bad_email", "password": "Password1", "referral_uid": "nobody"}, []string{"[Email is invalid", "Password is too weak", "Referral uid is not found]"}},
			{"createUser", parameters{"email": "a@b", "password": "Tecohvi0", "referral_uid": " "}, []string{"referral_uid is empty"}},
			{"importUser", parameters{"email": "a@b", "password_digest": digest, "referral_uid": "nobody"}, []string{"[Referral uid is not found]"}},
			{"importUser", parameters{"email": "a@b", "password_digest": "x", "phone": "1", "city": "#", "referral_uid": "nobody"}, []string{
				"[Password digest is invalid", "Number is invalid", `City only allows letters, digits "-", "'", and space`, "Referral uid is not found]",
			}},
			{"importUser", parameters{"email": taken["email"], "password_digest": digest, "referral_uid": "nobody"}, []string{"User already exists by this email"}},
		} {
			a.call(f, c.operation, c.given).refused(t, http.StatusUnprocessableEntity, c.want...)
		}
		if after := a.rows(); after != before {
			t.Errorf("rows were %v, are %v", before, after)
		}
	})
}
