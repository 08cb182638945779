package tests

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	sdk "barong/clients/go"
	sdkapi "barong/clients/go/api"
)

// inEachSigning runs a test once for each way in which the Go client signs, on
// a server where labels want one signature or two. route is the way of its requests.
func inEachSigning(t *testing.T, route func(*api) http.RoundTripper, test func(t *testing.T, a *api, caller *sdk.Client)) {
	for name, signing := range map[string]func() *sdk.Signing{
		"one signer":  func() *sdk.Signing { return sdk.Envelope(backend().signer) },
		"two signers": func() *sdk.Signing { return sdk.Envelope(backend().signer, audit().signer) },
		"Bearer":      func() *sdk.Signing { return sdk.Bearer(backend().signer) },
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
func (a *api) caller(signing *sdk.Signing, route http.RoundTripper) *sdk.Client {
	a.t.Helper()
	signing.Clock = a.clock.Now
	caller, err := sdk.New(a.root, signing, sdk.WithHTTPClient(&http.Client{Transport: route}))
	if err != nil {
		a.t.Fatal(err)
	}
	return caller
}

func TestTheGoClientCallsEveryOperation(t *testing.T) {
	t.Parallel()
	inEachSigning(t, held, callEveryOperation)
}

func callEveryOperation(t *testing.T, a *api, caller *sdk.Client) {
	ctx := t.Context()
	now, err := caller.GetTimestampWithResponse(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if now.JSON201.Timestamp != a.clock.Now().Unix() {
		t.Errorf("the time is %d", now.JSON201.Timestamp)
	}

	created, err := caller.CreateUserWithResponse(ctx, sdkapi.CreateUserParameters{Email: "eve@example.com", Password: "Tecohvi0"})
	if err != nil {
		t.Fatal(err)
	}
	if user := created.JSON201; user.Email != "eve@example.com" || user.State != "pending" || user.Profile != nil || user.Data != nil {
		t.Errorf("created was %+v", user)
	}
	imported, err := caller.ImportUserWithResponse(ctx, sdkapi.ImportUserParameters{Email: "ada@example.com", PasswordDigest: digest, FirstName: new("Ada")})
	if err != nil {
		t.Fatal(err)
	}
	if profile := imported.JSON201.Profile; profile == nil || *profile.FirstName != "Ada" || profile.LastName != nil || profile.State != sdkapi.ProfileStatePartial {
		t.Errorf("imported was %+v", imported.JSON201)
	}
	uid := imported.JSON201.UID

	label, err := caller.CreateLabelWithResponse(ctx, sdkapi.CreateLabelParameters{UserUID: uid, Key: "email", Value: "verified"})
	if err != nil {
		t.Fatal(err)
	}
	if got := label.JSON201; got.Key != "email" || got.Value != "verified" || got.Scope != sdkapi.LabelScopePrivate {
		t.Errorf("the label is %+v", got)
	}
	updated, err := caller.UpdateLabelWithResponse(ctx, sdkapi.UpdateLabelParameters{UserUID: uid, Key: "plan", Value: "gold"})
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := caller.DeleteLabelWithResponse(ctx, sdkapi.DeleteLabelParameters{UserUID: uid, Key: "plan"})
	if err != nil {
		t.Fatal(err)
	}
	if *deleted.JSON201 != *updated.JSON200 {
		t.Errorf("deleted was %+v, updated %+v", deleted.JSON201, updated.JSON200)
	}
	labels, err := caller.ListLabelsWithResponse(ctx, sdkapi.ListLabelsParameters{UserUID: uid})
	if err != nil {
		t.Fatal(err)
	}
	if got := *labels.JSON201; len(got) != 2 || got[1] != *label.JSON201 {
		t.Errorf("the labels are %+v", got)
	}

	passport := png(100)
	document, err := caller.CreateDocumentWithResponse(ctx, sdkapi.CreateDocumentParameters{
		UID: uid, DocType: "Passport", DocNumber: "AB123123", Filename: "passport.png", FileExt: "png", Upload: base64.StdEncoding.EncodeToString(passport),
	})
	if err != nil {
		t.Fatal(err)
	}
	if document.JSON201.UID != uid {
		t.Errorf("the document is of %+v", document.JSON201)
	}
	got, err := caller.GetUserWithResponse(ctx, sdkapi.GetUserParameters{UID: &uid})
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

func TestTheGoClientReadsPages(t *testing.T) {
	t.Parallel()
	inEachSigning(t, held, readPages)
}

func readPages(t *testing.T, a *api, caller *sdk.Client) {
	uids := make([]string, 3)
	for i := range uids {
		user, err := caller.ImportUserWithResponse(t.Context(), sdkapi.ImportUserParameters{Email: unique("listed") + "@example.com", PasswordDigest: digest, City: new("London")})
		if err != nil {
			t.Fatal(err)
		}
		uids[i] = user.JSON201.UID
	}
	list, err := caller.ListUsersWithResponse(t.Context(), sdkapi.ListUsersParameters{Page: new(int64(2)), Limit: new(int64(2))})
	if err != nil {
		t.Fatal(err)
	}
	if short := (*list.JSON201)[0]; len(*list.JSON201) != 1 || short.UID != uids[2] || short.CreatedAt != nil || short.Labels != nil {
		t.Errorf("the page is %+v", *list.JSON201)
	}
	if page, err := sdk.PageOf(list.HTTPResponse); err != nil || page != (sdk.Page{Number: 2, PerPage: 2, Total: 3}) {
		t.Errorf("the page is described by %+v (%v)", page, err)
	}
	filtered, err := caller.FilterUsersByLabelWithResponse(t.Context(), sdkapi.FilterUsersByLabelParameters{Key: "profile", Value: new("partial"), Extended: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	if full := (*filtered.JSON201)[0]; full.UID != uids[0] || *full.Profile.City != "London" || (*full.Labels)[0].Value != "partial" {
		t.Errorf("the user is %+v", full)
	}
	if page, err := sdk.PageOf(filtered.HTTPResponse); err != nil || page != (sdk.Page{Number: 1, PerPage: 100, Total: 3}) {
		t.Errorf("the page is described by %+v (%v)", page, err)
	}
	for name, all := range map[string]iter.Seq2[sdkapi.ListedUser, error]{
		"listUsers":          caller.ListAllUsers(t.Context(), sdkapi.ListUsersParameters{Limit: new(int64(2))}),
		"filterUsersByLabel": caller.FilterAllUsersByLabel(t.Context(), sdkapi.FilterUsersByLabelParameters{Key: "profile", Value: new("partial"), Limit: new(int64(2))}),
	} {
		var got []string
		for user, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, user.UID)
		}
		if !slices.Equal(got, uids) {
			t.Errorf("the pages of %s have %v, want %v", name, got, uids)
		}
	}
}

func TestTheGoClientHasRequestsSigned(t *testing.T) {
	t.Parallel()
	inEachSigning(t, held, signOneTimeCodes)
}

func signOneTimeCodes(t *testing.T, a *api, caller *sdk.Client) {
	user, err := caller.ImportUserWithResponse(t.Context(), sdkapi.ImportUserParameters{Email: "ada@example.com", PasswordDigest: digest})
	if err != nil {
		t.Fatal(err)
	}
	uid := user.JSON201.UID
	if _, err := caller.CreateLabelWithResponse(t.Context(), sdkapi.CreateLabelParameters{UserUID: uid, Key: "email", Value: "verified"}); err != nil {
		t.Fatal(err)
	}
	secret := a.enroll(uid)
	attested, err := caller.SignOTPWithResponse(t.Context(), sdkapi.SignOTPParameters{UserUID: uid, OTPCode: a.code(secret, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if signatures := attested.JSON201.Signatures; len(signatures) != 1 || *signatures[0].Header.Kid != "barong" {
		t.Errorf("the attestation is %+v", attested.JSON201)
	}
	jws, _ := toSign(t, map[string]any{"sub": uid})
	signed, err := caller.SignOTPWithResponse(t.Context(), sdkapi.SignOTPParameters{UserUID: uid, OTPCode: a.code(secret, 30*time.Second), JWT: json.RawMessage(jws)})
	if err != nil {
		t.Fatal(err)
	}
	var given sdkapi.SignedEnvelope
	if err := json.Unmarshal([]byte(jws), &given); err != nil {
		t.Fatal(err)
	}
	if signatures := signed.JSON201.Signatures; signed.JSON201.Payload != given.Payload || len(signatures) != 2 || *signatures[0].Header.Kid != "applogic" || *signatures[1].Header.Kid != "barong" {
		t.Errorf("signed was %+v", signed.JSON201)
	}
}

func TestTheGoClientReturnsRefusalsAsErrors(t *testing.T) {
	t.Parallel()
	inEachSigning(t, held, readRefusals)
}

func readRefusals(t *testing.T, a *api, caller *sdk.Client) {
	ctx := t.Context()
	_, unknown := caller.GetUserWithResponse(ctx, sdkapi.GetUserParameters{UID: new("ID0000000000")})
	_, weak := caller.CreateUserWithResponse(ctx, sdkapi.CreateUserParameters{Email: "bad_email", Password: "Password1"})
	_, missing := caller.ListLabelsWithResponse(ctx, sdkapi.ListLabelsParameters{})
	_, wrongKey := a.caller(sdk.Envelope(impostor().signer), held(a)).GetTimestampWithResponse(ctx, nil)
	_, wrongToken := a.caller(sdk.Bearer(impostor().signer), held(a)).ListUsersWithResponse(ctx, sdkapi.ListUsersParameters{})
	for name, want := range map[string]struct {
		err      error
		status   int
		code     string
		messages []string
	}{
		"no such user":        {unknown, http.StatusNotFound, "not_found", []string{"Record is not found"}},
		"the rules of a user": {weak, http.StatusUnprocessableEntity, "invalid_record", []string{"Email is invalid", "Password is too weak"}},
		"an empty parameter":  {missing, http.StatusUnprocessableEntity, "invalid_parameters", []string{"user_uid is empty"}},
		"the key of a forger": {wrongKey, http.StatusUnauthorized, "unauthenticated", []string{"Failed to verify JWT."}},
		"a token of a forger": {wrongToken, http.StatusUnauthorized, "unauthenticated", []string{"Failed to verify JWT."}},
	} {
		failure, ok := errors.AsType[*sdk.Error](want.err)
		if !ok {
			t.Errorf("%s: the error is %v", name, want.err)
			continue
		}
		if failure.Status != want.status || failure.Code != want.code || !reflect.DeepEqual(failure.Messages, want.messages) || !bytes.Contains([]byte(a.log.String()), []byte(failure.RequestID)) || failure.RequestID == "" {
			t.Errorf("%s: the error is %#v", name, failure)
		}
	}
}
