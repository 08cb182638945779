package tests

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/handlers"
)

// The requests and the types of openware/pkg's Go client, mngapi, which the components of OpenDAX 3 use:
// an envelope of one signature as application/json, good for an hour, in a map whose members are
// sorted. It takes 200 and 201 for a success, and decodes into these types.
type (
	mngapiUser struct {
		Email       string `json:"email"`
		UID         string `json:"uid"`
		Role        string `json:"role"`
		Level       uint64 `json:"level"`
		OTP         bool   `json:"otp"`
		State       string `json:"state"`
		ReferralUID string `json:"referral_uid"`
		Data        string `json:"data"`
	}
	mngapiServiceAccount struct {
		Email     string     `json:"email"`
		UID       string     `json:"uid"`
		Role      string     `json:"role"`
		Level     uint64     `json:"level"`
		State     string     `json:"state"`
		User      mngapiUser `json:"user"`
		CreatedAt string     `json:"created_at"`
		UpdatedAt string     `json:"updated_at"`
	}
	mngapiAPIKey struct {
		KID       string   `json:"kid"`
		Algorithm string   `json:"algorithm"`
		Scope     []string `json:"scope"`
		State     string   `json:"state"`
		Secret    string   `json:"secret"`
		CreatedAt string   `json:"created_at"`
		UpdatedAt string   `json:"updated_at"`
	}
	mngapiAttachment struct {
		ID  uint64 `json:"id"`
		UID string `json:"user_uid"`
	}
	mngapiError struct {
		StatusCode int      `json:"code"`
		Error      string   `json:"error,omitempty"`
		Errors     []string `json:"errors,omitempty"`
	}
)

// The parameters: an owner who is absent is an empty text.
type (
	mngapiCreateServiceAccount struct {
		OwnerUID string `json:"owner_uid"`
		Role     string `json:"service_account_role"`
		UID      string `json:"service_account_uid,omitempty"`
		Email    string `json:"service_account_email,omitempty"`
		State    string `json:"service_account_state,omitempty"`
		Level    int    `json:"service_account_level,omitempty"`
	}
	mngapiCreateAPIKey struct {
		Algorithm string `json:"algorithm"`
		UID       string `json:"uid,omitempty"`
		Scopes    string `json:"scopes,omitempty"`
	}
	mngapiCreateAttachment struct {
		UID      string `json:"uid,omitempty"`
		FileName string `json:"filename,omitempty"`
		FileExt  string `json:"file_ext,omitempty"`
		Upload   string `json:"upload,omitempty"`
	}
)

// mngapi sends a request as that client does, and decodes the response into result or into an error.
func (a *api) mngapi(path string, body, result any) *mngapiError {
	a.t.Helper()
	var data map[string]any
	if err := json.Unmarshal(marshal(a.t, body), &data); err != nil {
		a.t.Fatal(err)
	}
	now := a.clock.Now()
	claims := map[string]any{"data": data, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "iss": "backend", "jti": unique("jti")}
	payload := base64.RawURLEncoding.EncodeToString(marshal(a.t, claims))
	signature, err := backend().signer.Sign(payload, "JWT")
	if err != nil {
		a.t.Fatal(err)
	}
	envelope := marshal(a.t, map[string]any{"payload": payload, "signatures": []signing.Signature{signature}})
	got := a.raw(http.MethodPost, a.root+handlers.BasePath+"/"+path, "application/json", string(envelope), func(r *http.Request) {
		r.Header.Set("Accept", "application/json")
	})
	if got.status != http.StatusOK && got.status != http.StatusCreated {
		failure := &mngapiError{StatusCode: got.status}
		_ = json.Unmarshal(got.body, failure) // the client ignores what it cannot decode
		failure.StatusCode = got.status
		return failure
	}
	if err := json.Unmarshal(got.body, result); err != nil {
		a.t.Errorf("%s: the client cannot decode %s: %v", path, got, err)
	}
	return nil
}

func (a *api) mngapiMust(path string, body, result any) {
	a.t.Helper()
	if failure := a.mngapi(path, body, result); failure != nil {
		a.t.Fatalf("%s: %+v", path, *failure)
	}
}

func TestClientOfOpenDAXManagesServiceAccounts(t *testing.T) {
	t.Parallel()
	a := start(t)
	owner := a.activeUser()
	var owned, alone, got mngapiServiceAccount
	a.mngapiMust("service_accounts/create", mngapiCreateServiceAccount{OwnerUID: owner, Role: "service_account"}, &owned)
	if owned.User.UID != owner || owned.State != "active" || owned.Level != 1 || !strings.HasPrefix(owned.UID, "SI") || !strings.Contains(owned.Email, "+"+owned.UID+"@") {
		t.Errorf("%+v", owned)
	}
	// The client always sends owner_uid.
	a.mngapiMust("service_accounts/create", mngapiCreateServiceAccount{Role: "maker", UID: "SIMAKER1", Email: "maker@example.com", State: "active", Level: 3}, &alone)
	if alone.UID != "SIMAKER1" || alone.User.UID != "" || alone.State != "active" || alone.Level != 3 || alone.Role != "maker" {
		t.Errorf("%+v", alone)
	}
	for _, by := range []map[string]any{{"uid": owned.UID}, {"email": owned.Email}} {
		if a.mngapiMust("service_accounts/get", by, &got); got != owned {
			t.Errorf("by %v: %+v, not %+v", by, got, owned)
		}
	}
	list := func(given map[string]any) (uids []string) {
		var accounts []mngapiServiceAccount
		a.mngapiMust("service_accounts/list", given, &accounts)
		for _, account := range accounts {
			uids = append(uids, account.UID)
		}
		return uids
	}
	if uids := list(map[string]any{"owner_uid": owner, "page": 1, "limit": 100}); len(uids) != 1 || uids[0] != owned.UID {
		t.Errorf("of the owner: %v", uids)
	}
	if uids := list(map[string]any{}); len(uids) != 2 {
		t.Errorf("all: %v", uids)
	}
	a.mngapiMust("service_accounts/update", map[string]any{"uid": alone.UID, "owner_uid": owner}, &got)
	if got.User.UID != owner || got.Level != 1 || got.State != "active" {
		t.Errorf("with an owner: %+v", got)
	}
	for range 2 {
		a.mngapiMust("service_accounts/delete", map[string]any{"uid": owned.UID}, &got)
		if got.UID != owned.UID || got.State != "disabled" || got.User.UID != owner {
			t.Errorf("deleted: %+v", got)
		}
	}
	for path, c := range map[string]struct {
		body   any
		status int
		want   string
	}{
		"service_accounts/create": {mngapiCreateServiceAccount{OwnerUID: "ID123456789", Role: "service_account"}, 422, "User doesnt exist"},
		"service_accounts/get":    {map[string]any{"uid": "SI123456789"}, 404, "Record is not found"},
		"service_accounts/update": {map[string]any{"uid": "SI123456789"}, 422, "Service account doesnt exist"},
		"service_accounts/delete": {map[string]any{"uid": "SI123456789"}, 404, "Record is not found"},
	} {
		if failure := a.mngapi(path, c.body, &got); failure == nil || failure.StatusCode != c.status || failure.Error != c.want {
			t.Errorf("%s: %+v, not %d %s", path, failure, c.status, c.want)
		}
	}
}

func TestClientOfOpenDAXManagesAPIKeys(t *testing.T) {
	t.Parallel()
	a := startWithKeys(t)
	owner := a.activeUser()
	for _, holder := range []string{owner, a.robot(parameters{"owner_uid": owner})} {
		var key, got mngapiAPIKey
		a.mngapiMust("api_keys", mngapiCreateAPIKey{Algorithm: "HS256", UID: holder, Scopes: "trade,history"}, &key)
		if len(key.KID) != 16 || len(key.Secret) != 32 || key.State != "active" || strings.Join(key.Scope, ",") != "trade,history" || key.Algorithm != "HS256" {
			t.Errorf("%+v", key)
		}
		for _, state := range []string{"disabled", "inactive", "active"} {
			a.mngapiMust("api_keys/update", map[string]any{"uid": holder, "kid": key.KID, "state": state}, &got)
			if got.KID != key.KID || got.State != state || strings.Join(got.Scope, ",") != "trade,history" {
				t.Errorf("%+v", got)
			}
		}
		for name, c := range map[string]struct {
			path  string
			body  any
			error string
			rules []string
		}{
			"algorithm": {"api_keys", mngapiCreateAPIKey{Algorithm: "RS256", UID: holder}, "algorithm.inclusion", []string{"algorithm.inclusion"}},
			"state":     {"api_keys/update", map[string]any{"uid": holder, "kid": key.KID, "state": "sleeping"}, "state.inclusion", []string{"state.inclusion"}},
			"kid":       {"api_keys/update", map[string]any{"uid": holder, "kid": "61d025b8573501c2", "state": "inactive"}, "api_key_doesnt_exist", nil},
			"nobody":    {"api_keys", mngapiCreateAPIKey{Algorithm: "HS256", UID: "SI0000000000"}, "service_account_doesnt_exist", nil},
		} {
			failure := a.mngapi(c.path, c.body, &got)
			if failure == nil || failure.StatusCode != http.StatusUnprocessableEntity || failure.Error != c.error || strings.Join(failure.Errors, "|") != strings.Join(c.rules, "|") {
				t.Errorf("%s: %+v, not %s %v", name, failure, c.error, c.rules)
			}
		}
	}
}

func TestClientOfOpenDAXStoresAttachments(t *testing.T) {
	t.Parallel()
	a := start(t)
	owner := a.user(nil)
	for _, uid := range []string{owner, ""} {
		var attachment mngapiAttachment
		a.mngapiMust("attachments", mngapiCreateAttachment{
			UID: uid, FileName: "letter.png", FileExt: ".png", Upload: base64.StdEncoding.EncodeToString(png(100)),
		}, &attachment)
		if attachment.ID == 0 || attachment.UID != uid {
			t.Errorf("%+v", attachment)
		}
	}
}
