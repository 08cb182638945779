package tests

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"barong/client"
	"barong/generated"
)

// inEachSigning runs a test once for each way in which package client signs, on
// a server where labels want one signature or two. route is the way of its requests.
func inEachSigning(t *testing.T, route func(*api) http.RoundTripper, test func(t *testing.T, a *api, caller *generated.ClientWithResponses)) {
	for name, signing := range map[string]func() *client.Signing{
		"one signer":  func() *client.Signing { return client.Envelope(backend().signer) },
		"two signers": func() *client.Signing { return client.Envelope(backend().signer, audit().signer) },
		"Bearer":      func() *client.Signing { return client.Bearer(backend().signer) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, func(s *setup) {
				if name == "two signers" {
					s.keychain = keychainFile("audit")
				}
			})
			test(t, a, a.caller(signing(), route(a)))
		})
	}
}

// held is a direct route, where each answer is held against openapi.yaml.
func held(a *api) http.RoundTripper { return validating{a.t} }

// caller is a client of the server.
func (a *api) caller(signing *client.Signing, route http.RoundTripper) *generated.ClientWithResponses {
	a.t.Helper()
	signing.Clock = a.clock.Now
	caller, err := client.New(a.root, signing, generated.WithHTTPClient(&http.Client{Transport: route}))
	if err != nil {
		a.t.Fatal(err)
	}
	return caller
}

func TestThePackageClientCallsEveryOperation(t *testing.T) {
	t.Parallel()
	inEachSigning(t, held, callEveryOperation)
}

func callEveryOperation(t *testing.T, a *api, caller *generated.ClientWithResponses) {
	ctx := t.Context()
	now, err := caller.GetTimestampWithResponse(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if now.JSON201.Timestamp != a.clock.Now().Unix() {
		t.Errorf("the time is %d", now.JSON201.Timestamp)
	}

	created, err := caller.CreateUserWithResponse(ctx, generated.CreateUserParameters{Email: "eve@example.com", Password: "Tecohvi0"})
	if err != nil {
		t.Fatal(err)
	}
	if user := created.JSON201; user.Email != "eve@example.com" || user.State != "pending" || user.Profile != nil || user.Data != nil {
		t.Errorf("created was %+v", user)
	}
	imported, err := caller.ImportUserWithResponse(ctx, generated.ImportUserParameters{Email: "ada@example.com", PasswordDigest: digest, FirstName: new("Ada")})
	if err != nil {
		t.Fatal(err)
	}
	if profile := imported.JSON201.Profile; profile == nil || *profile.FirstName != "Ada" || profile.LastName != nil || profile.State != generated.ProfileStatePartial {
		t.Errorf("imported was %+v", imported.JSON201)
	}
	uid := imported.JSON201.UID

	label, err := caller.CreateLabelWithResponse(ctx, generated.CreateLabelParameters{UserUID: uid, Key: "email", Value: "verified"})
	if err != nil {
		t.Fatal(err)
	}
	if got := label.JSON201; got.Key != "email" || got.Value != "verified" || got.Scope != generated.LabelScopePrivate {
		t.Errorf("the label is %+v", got)
	}
	updated, err := caller.UpdateLabelWithResponse(ctx, generated.UpdateLabelParameters{UserUID: uid, Key: "plan", Value: "gold"})
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := caller.DeleteLabelWithResponse(ctx, generated.DeleteLabelParameters{UserUID: uid, Key: "plan"})
	if err != nil {
		t.Fatal(err)
	}
	if *deleted.JSON201 != *updated.JSON200 {
		t.Errorf("deleted was %+v, updated %+v", deleted.JSON201, updated.JSON200)
	}
	labels, err := caller.ListLabelsWithResponse(ctx, generated.ListLabelsParameters{UserUID: uid})
	if err != nil {
		t.Fatal(err)
	}
	if got := *labels.JSON201; len(got) != 2 || got[1] != *label.JSON201 {
		t.Errorf("the labels are %+v", got)
	}

	passport := png(100)
	document, err := caller.CreateDocumentWithResponse(ctx, generated.CreateDocumentParameters{
		UID: uid, DocType: "Passport", DocNumber: "AB123123", Filename: "passport.png", FileExt: "png", Upload: base64.StdEncoding.EncodeToString(passport),
	})
	if err != nil {
		t.Fatal(err)
	}
	if document.JSON201.UID != uid {
		t.Errorf("the document is of %+v", document.JSON201)
	}
	got, err := caller.GetUserWithResponse(ctx, generated.GetUserParameters{UID: &uid})
	if err != nil {
		t.Fatal(err)
	}
	user := got.JSON201
	if user.Level != 1 || user.State != "active" || len(user.Labels) != 3 || len(user.Documents) != 1 {
		t.Fatalf("the user is %+v", user)
	}
	file, err := http.Get(user.Documents[0].Upload)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Body.Close()
	if content, err := io.ReadAll(file.Body); err != nil || !bytes.Equal(content, passport) {
		t.Errorf("the document's URL has %q (%v)", content, err)
	}
}

func TestThePackageClientReadsPages(t *testing.T) {
	t.Parallel()
	inEachSigning(t, held, readPages)
}

func readPages(t *testing.T, a *api, caller *generated.ClientWithResponses) {
	uids := make([]string, 3)
	for i := range uids {
		user, err := caller.ImportUserWithResponse(t.Context(), generated.ImportUserParameters{Email: unique("listed") + "@example.com", PasswordDigest: digest, City: new("London")})
		if err != nil {
			t.Fatal(err)
		}
		uids[i] = user.JSON201.UID
	}
	list, err := caller.ListUsersWithResponse(t.Context(), generated.ListUsersParameters{Page: new(int64(2)), Limit: new(int64(2))})
	if err != nil {
		t.Fatal(err)
	}
	if short := (*list.JSON201)[0]; len(*list.JSON201) != 1 || short.UID != uids[2] || short.CreatedAt != nil || short.Labels != nil {
		t.Errorf("the page is %+v", *list.JSON201)
	}
	if page := list.Headers201; page.Total != 3 || page.Page != 2 || page.PerPage != 2 || page.Link == nil {
		t.Errorf("the page is described by %+v", page)
	}
	filtered, err := caller.FilterUsersByLabelWithResponse(t.Context(), generated.FilterUsersByLabelParameters{Key: "profile", Value: new("partial"), Extended: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	if full := (*filtered.JSON201)[0]; full.UID != uids[0] || *full.Profile.City != "London" || (*full.Labels)[0].Value != "partial" {
		t.Errorf("the user is %+v", full)
	}
	if page := filtered.Headers201; page.Total != 3 || page.Page != 1 || page.PerPage != 100 || page.Link != nil {
		t.Errorf("the page is described by %+v", page)
	}
}

func TestThePackageClientHasRequestsSigned(t *testing.T) {
	t.Parallel()
	inEachSigning(t, held, signOneTimeCodes)
}

func signOneTimeCodes(t *testing.T, a *api, caller *generated.ClientWithResponses) {
	user, err := caller.ImportUserWithResponse(t.Context(), generated.ImportUserParameters{Email: "ada@example.com", PasswordDigest: digest})
	if err != nil {
		t.Fatal(err)
	}
	uid := user.JSON201.UID
	if _, err := caller.CreateLabelWithResponse(t.Context(), generated.CreateLabelParameters{UserUID: uid, Key: "email", Value: "verified"}); err != nil {
		t.Fatal(err)
	}
	secret := a.enroll(uid)
	attested, err := caller.SignOTPWithResponse(t.Context(), generated.SignOTPParameters{UserUID: uid, OTPCode: a.code(secret, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if signatures := attested.JSON201.Signatures; len(signatures) != 1 || *signatures[0].Header.Kid != "barong" {
		t.Errorf("the attestation is %+v", attested.JSON201)
	}
	jws, _ := toSign(t, map[string]any{"sub": uid})
	signed, err := caller.SignOTPWithResponse(t.Context(), generated.SignOTPParameters{UserUID: uid, OTPCode: a.code(secret, 30*time.Second), JWT: json.RawMessage(jws)})
	if err != nil {
		t.Fatal(err)
	}
	var given generated.SignedEnvelope
	if err := json.Unmarshal([]byte(jws), &given); err != nil {
		t.Fatal(err)
	}
	if signatures := signed.JSON201.Signatures; signed.JSON201.Payload != given.Payload || len(signatures) != 2 || *signatures[0].Header.Kid != "applogic" || *signatures[1].Header.Kid != "barong" {
		t.Errorf("signed was %+v", signed.JSON201)
	}
}

func TestThePackageClientReturnsRefusalsAsErrors(t *testing.T) {
	t.Parallel()
	inEachSigning(t, held, readRefusals)
}

func readRefusals(t *testing.T, a *api, caller *generated.ClientWithResponses) {
	ctx := t.Context()
	_, unknown := caller.GetUserWithResponse(ctx, generated.GetUserParameters{UID: new("ID0000000000")})
	_, weak := caller.CreateUserWithResponse(ctx, generated.CreateUserParameters{Email: "bad_email", Password: "Password1"})
	_, missing := caller.ListLabelsWithResponse(ctx, generated.ListLabelsParameters{})
	_, wrongKey := a.caller(client.Envelope(impostor().signer), held(a)).GetTimestampWithResponse(ctx, nil)
	_, wrongToken := a.caller(client.Bearer(impostor().signer), held(a)).ListUsersWithResponse(ctx, generated.ListUsersParameters{})
	for name, want := range map[string]struct {
		err       error
		status    int
		sentences []string
	}{
		"no such user":        {unknown, http.StatusNotFound, []string{"Record is not found"}},
		"the rules of a user": {weak, http.StatusUnprocessableEntity, []string{"Email is invalid", "Password is too weak"}},
		"an empty parameter":  {missing, http.StatusUnprocessableEntity, []string{"user_uid is empty"}},
		"the key of a forger": {wrongKey, http.StatusUnauthorized, []string{"Failed to verify JWT."}},
		"a token of a forger": {wrongToken, http.StatusUnauthorized, []string{"Failed to verify JWT."}},
	} {
		refused, ok := errors.AsType[*client.Error](want.err)
		if !ok {
			t.Errorf("%s: the error is %v", name, want.err)
			continue
		}
		if refused.Status != want.status || !reflect.DeepEqual(refused.Sentences, want.sentences) || !bytes.Contains([]byte(a.log.String()), []byte(refused.RequestID)) || refused.RequestID == "" {
			t.Errorf("%s: the error is %#v", name, refused)
		}
	}
}
