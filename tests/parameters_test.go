package tests

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
)

func TestEveryBrokenParameterIsReportedInOrder(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		for _, c := range []struct {
			operation string
			given     parameters
			want      string
		}{
			{"createUser", nil, "email is missing, email is empty, password is missing, password is empty"},
			{"createUser", parameters{"email": " \t ", "password": ""}, "email is empty, password is empty"},
			{"createUser", parameters{"email": "a\x00b@example.com", "password": "Tecohvi0"}, "email is invalid"},
			{"importUser", parameters{"dob": "1985-02-30", "phone": ""}, "email is missing, email is empty, password_digest is missing, password_digest is empty, phone is empty, dob is invalid"},
			{"importUser", parameters{"email": "a@b", "password_digest": digest, "dob": "10.12.1985"}, "dob is invalid"},
			{"listUsers", parameters{"extended": "maybe", "range": "born", "from": "now", "to": "1.5", "page": "x", "limit": "ten"}, "extended Non boolean extended value, range Invalid range, from is invalid, to is invalid, page Non integer page, limit Non integer limit"},
			{"listUsers", parameters{"page": 0, "limit": 0}, "page Non positive page, limit Invalid limit"},
			{"listUsers", parameters{"page": -1, "limit": 1001}, "page Non positive page, limit Invalid limit"},
			{"listUsers", parameters{"page": "99999999999999999999", "limit": ""}, "page Non integer page, limit is empty"},
			{"filterUsersByLabel", parameters{"value": " ", "scope": "", "extended": "2"}, "key is missing, key is empty, value is empty, scope is empty, extended Non boolean extended value"},
			{"getUser", nil, "uid, email, phone_num are missing, exactly one parameter must be provided"},
			{"getUser", parameters{"uid": "ID1", "email": "a@b"}, "uid, email are mutually exclusive"},
			{"getUser", parameters{"phone_num": "1", "email": "a@b", "uid": "ID1"}, "uid, email, phone_num are mutually exclusive"},
			{"getUser", parameters{"phone_num": "1", "email": "a@b"}, "email, phone_num are mutually exclusive"},
			{"getUser", parameters{"uid": " "}, "uid is empty"},
			{"getUser", parameters{"uid": " ", "email": "a@b"}, "uid is empty, uid, email are mutually exclusive"},
			{"createLabel", nil, "user_uid is missing, user_uid is empty, key is missing, key is empty, value is missing, value is empty"},
			{"updateLabel", parameters{"user_uid": "ID1", "key": "email", "value": "", "replace": "perhaps"}, "value is empty, replace is invalid"},
			{"deleteLabel", parameters{"key": "email"}, "user_uid is missing, user_uid is empty"},
			{"listLabels", nil, "user_uid is missing, user_uid is empty"},
			{"signOTP", parameters{"jwt": "[1]"}, "user_uid is missing, user_uid is empty, otp_code is missing, otp_code is empty, jwt is invalid"},
			{"createDocument", parameters{"doc_expire": "soon", "update_labels": "perhaps"}, "uid is missing, uid is empty, doc_type is missing, doc_type is empty, doc_number is missing, doc_number is empty, filename is missing, filename is empty, file_ext is missing, file_ext is empty, upload is missing, upload is empty, doc_expire management.documents.expire_not_a_date, update_labels management.documents.update_labels_invalid"},
		} {
			a.call(f, c.operation, c.given).refused(t, http.StatusUnprocessableEntity, c.want)
		}
	})
}

func TestJSONTypesThatAFormCannotSendAreRefused(t *testing.T) {
	t.Parallel()
	for _, f := range []form{envelopeForm, jsonForm} {
		a := start(t)
		for _, c := range []struct {
			operation string
			given     parameters
			want      string
		}{
			{"createUser", parameters{"email": nil, "password": nil}, "email is empty, password is empty"},
			{"createUser", parameters{"email": []string{"a@b"}, "password": parameters{"a": 1}}, "email is invalid, password is invalid"},
			{"listUsers", parameters{"page": 1.5, "limit": true}, "page Non integer page, limit Non integer limit"},
			{"listUsers", parameters{"page": json.Number("1e400"), "limit": []int{}}, "page Non integer page, limit Non integer limit"},
			{"listUsers", parameters{"extended": 2, "range": parameters{}, "from": json.Number("1e300")}, "extended Non boolean extended value, range Invalid range, from is invalid"},
			{"getUser", parameters{"uid": nil}, "uid, email, phone_num are missing, exactly one parameter must be provided"},
			{"signOTP", parameters{"user_uid": "ID1", "otp_code": 123456, "jwt": 5}, "jwt is invalid"},
		} {
			a.call(f, c.operation, c.given).refused(t, http.StatusUnprocessableEntity, c.want)
		}
	}
}

func TestScalarsAreCoercedInJSONAsInForms(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(parameters{"phone": "+442079460018"})
		a.label(uid, "12345", "67890")
		for _, given := range []parameters{
			{"page": "1", "limit": "10", "extended": "true"},
			{"page": 1, "limit": 10, "extended": true},
			{"page": " 1 ", "limit": "10", "extended": "1"},
			{"page": "1", "limit": "10", "extended": "YES"},
			{"page": "1", "limit": "10", "extended": 1, "unknown": "ignored"},
		} {
			got := a.call(f, "listUsers", given)
			if got.status != http.StatusCreated || got.header.Get("Per-Page") != "10" || len(got.list(t)[0]) != 14 {
				t.Errorf("%v: %d %s", given, got.status, got.body)
			}
		}
		if got := a.call(f, "filterUsersByLabel", parameters{"key": 12345, "value": 67890, "extended": "off"}); len(got.uids(t)) != 1 {
			t.Errorf("numbers are no strings: %d %s", got.status, got.body)
		}
		if got := a.call(f, "getUser", parameters{"phone_num": 442079460018}); got.status != http.StatusCreated {
			t.Errorf("a number is no phone number: %d %s", got.status, got.body)
		}
	})
	a := start(t)
	for _, page := range []string{"1.0", "1e0", "100e-2"} {
		if got := a.call(jsonForm, "listUsers", parameters{"page": json.Number(page)}); got.status != http.StatusCreated || got.header.Get("Page") != "1" {
			t.Errorf("page %s: %d %s", page, got.status, got.body)
		}
	}
}

// tenMiB is a document of the largest size there may be, in base64.
func tenMiB() string {
	return base64.StdEncoding.EncodeToString(png(10 << 20))
}

func TestThreeFormsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.must("importUser", ada).object(t)["uid"]
	a.label(uid.(string), "email", "verified")
	for operation, cases := range map[string][]parameters{
		"getTimestamp":       {nil},
		"getUser":            {{"uid": uid}, {"email": ada["email"]}, {"uid": "nobody"}, {"uid": "1", "email": "2"}},
		"listUsers":          {nil, {"extended": true, "limit": 5}, {"limit": "x"}},
		"listLabels":         {{"user_uid": uid}, {}},
		"filterUsersByLabel": {{"key": "email"}, {"key": "profile", "extended": 1}},
		"updateLabel":        {{"user_uid": uid, "key": "email", "value": "verified"}, {"user_uid": uid, "key": "email", "value": "!"}},
		"createLabel":        {{"user_uid": uid, "key": "email", "value": "verified"}},
		"createUser":         {{"email": "ADA@example.com", "password": "Password1"}},
		"importUser":         {ada, {"email": "x", "password_digest": "y", "city": "ümlaut & <tag> + 100%"}},
		"deleteLabel":        {{"user_uid": uid, "key": "nothing"}},
		"signOTP":            {{"user_uid": uid, "otp_code": "123456", "jwt": parameters{"payload": "a+b & c", "signatures": []int{}}}},
		"createDocument":     {{"uid": uid, "doc_type": "Passport", "doc_number": "1", "filename": "a.png", "file_ext": "png", "upload": tenMiB()}},
	} {
		for _, given := range cases {
			first := a.call(forms[0], operation, given)
			for _, f := range forms[1:] {
				got := a.call(f, operation, given)
				if got.status != first.status || !bytes.Equal(got.body, first.body) {
					t.Errorf("%s: %s gives %d %s, %s gives %d %s", operation, forms[0], first.status, first.body, f, got.status, got.body)
				}
			}
		}
	}
}

func TestBodiesThatDoNotParse(t *testing.T) {
	t.Parallel()
	a := start(t)
	token := bearer(t, signing.NewClaims(a.clock.Now(), time.Minute))
	for body, want := range map[string]string{
		`{"uid": "1"`:                          "Request body is not valid JSON, at byte 11.",
		`{"uid": }`:                            "Request body is not valid JSON, at byte 8.",
		`{"uid": "1"} {}`:                      "Request body has more after its first JSON value, which ends at byte 12.",
		`{"uid": "1", "uid": "2"}`:             "Request body has a member twice, at byte 13.",
		`{"x": {"a": 1, "a": 2}}`:              "Request body has a member twice, at byte 15.",
		`["uid"]`:                              "Request body is not a JSON object.",
		`"uid"`:                                "Request body is not a JSON object.",
		`null`:                                 "Request body is not a JSON object.",
		"{\"uid\": \"\xff\"}":                  "Request body is not valid JSON, at byte 9.",
		`{"payload": 5, "signatures": []}`:     "Couldn't parse JWT.",
		`{"payload": "e30", "signatures": 5}`:  "Couldn't parse JWT.",
		`{"payload": "!", "signatures": []}`:   "Couldn't parse JWT.",
		`{"payload": "W10", "signatures": []}`: "Couldn't parse JWT.",
		`{"payload": "eyJkYXRhIjo1fQ", "signatures": []}`: "Couldn't parse JWT.",
	} {
		a.send("getUser", "application/json", []byte(body), token).refused(t, http.StatusBadRequest, want)
	}
	for body, want := range map[string]string{
		"uid=%zz":     "Request body is not a valid form, in the parameter at byte 0.",
		"uid=1&uid=2": "Request body has a parameter twice, at byte 6.",
		"uid=%ff":     "Request body has text that is not UTF-8 in the parameter at byte 0.",
		"%ff=1":       "Request body has text that is not UTF-8 in the parameter at byte 0.",
	} {
		a.send("getUser", "application/x-www-form-urlencoded", []byte(body), token).refused(t, http.StatusBadRequest, want)
	}
}

func TestContentTypesInOddSpellings(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	token := bearer(t, signing.NewClaims(a.clock.Now(), time.Minute))
	asJSON, asForm := marshal(t, parameters{"uid": uid}), []byte(url.Values{"uid": {uid}}.Encode())
	for contentType, body := range map[string][]byte{
		"application/json; charset=utf-8":                       asJSON,
		"Application/JSON":                                      asJSON,
		"application/json;":                                     asJSON,
		"application/x-www-form-urlencoded; charset=ISO-8859-1": asForm,
		"APPLICATION/X-WWW-FORM-URLENCODED":                     asForm,
	} {
		if got := a.send("getUser", contentType, body, token); got.status != http.StatusCreated {
			t.Errorf("%s: %d %s", contentType, got.status, got.body)
		}
	}
	for _, contentType := range []string{"text/plain", "multipart/form-data; boundary=x", "application/jsonp", "application", ""} {
		a.send("getUser", contentType, asJSON, token).refused(t, http.StatusUnsupportedMediaType, "Content-Type must be application/json, application/jose+json or application/x-www-form-urlencoded.")
	}
	if got := a.send("getTimestamp", "", nil, token); got.status != http.StatusCreated {
		t.Errorf("no body at all: %d %s", got.status, got.body)
	}
	// A body whose length is not known beforehand needs a type, also where it turns out to be empty.
	chunked := func(_ context.Context, r *http.Request) error {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader("")), -1
		return nil
	}
	a.send("getTimestamp", "", nil, token, chunked).refused(t, http.StatusUnsupportedMediaType, "Content-Type must be application/json, application/jose+json or application/x-www-form-urlencoded.")
	for _, contentType := range []string{"application/json", "application/x-www-form-urlencoded"} {
		if got := a.send("getTimestamp", contentType, nil, token, chunked); got.status != http.StatusCreated {
			t.Errorf("an empty body in chunks, as %s: %d %s", contentType, got.status, got.body)
		}
	}
}
