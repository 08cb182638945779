package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"barong/clients/go/signing"
)

// composed is a request in the form that goes over the wire.
type composed struct {
	method, url string
	header      http.Header
	body        []byte
	chunked     bool // its length is not said beforehand
	form        form
}

func (r composed) String() string {
	return fmt.Sprintf("%s %s as %s, %v, with %.1000q", r.method, r.url, r.form, r.header, r.body)
}

// claimedBy is who signs a request made now, and what they claim.
type claimedBy func(now time.Time) (signing.Claims, *signing.Signer)

// compose writes a request in one of the forms, signed by one who may.
func (a *api) compose(t *rapid.T, f form, op operation, given parameters) composed {
	return a.composeBy(t, f, op, given, func(now time.Time) (signing.Claims, *signing.Signer) {
		return signing.NewClaims(now, time.Minute), backend().signer
	})
}

func (a *api) composeBy(t *rapid.T, f form, op operation, given parameters, by claimedBy) composed {
	r := composed{method: op.method, url: a.url + op.path, form: f, header: http.Header{"X-Request-Id": {"property"}}}
	claims, signer := by(a.clock.Now())
	if f == formForm {
		r.header.Set("Content-Type", "application/x-www-form-urlencoded")
		values := url.Values{}
		for name, value := range given {
			if value != nil { // a form has no null: it leaves the parameter out
				values.Set(name, textOf(value))
			}
		}
		r.body = []byte(values.Encode())
	} else {
		r.header.Set("Content-Type", "application/json")
		text, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		r.body = text
	}
	if f == envelopeForm {
		envelope, err := signing.Envelope(r.body, claims, signer)
		if err != nil {
			t.Fatal(err)
		}
		r.body = envelope
		return r
	}
	token, err := signing.Token(claims, signer)
	if err != nil {
		t.Fatal(err)
	}
	r.header.Set("Authorization", "Bearer "+token)
	return r
}

// textOf is a JSON value as a form has it: a string as it is, anything else as JSON.
func textOf(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// show is the parameters for people who look for a fault, and not all of a document.
func show(given parameters) string { return fmt.Sprintf("%.1000s", textOf(given)) }

// refusal is what an error says, in either of its two shapes.
type refusal struct {
	Error  any
	Type   string
	Detail string
}

// sentence is the whole error as one string.
func (x answer) sentence(t *rapid.T) string {
	var got refusal
	if err := json.Unmarshal(x.body, &got); err != nil {
		t.Fatalf("%s: %s", err, x.body)
	}
	if text, ok := got.Error.(string); ok {
		return text
	}
	return got.Detail
}

// The beginnings of the sentences that refuse a request which keeps the schema
// and is about no single record.
var rejections = map[string][]string{
	"importUser": {"User already exists by this email"},
	"signOTP": {
		notEnabled, wrongCode, usedCode, "JWT is invalid by the reason ",
	},
	"updateUser": {"user.doesnt_exist"}, "createProfile": {"user.doesnt_exist"}, "listPhones": {"user.doesnt_exist"},
	"createPhone": {"user.doesnt_exist", "management.phone."}, "deletePhone": {"user.doesnt_exist", "management.phone."},
	"createServiceAccount": {"User doesnt exist"}, "updateServiceAccount": {"User doesnt exist", "Service account doesnt exist"},
	"createAPIKey": {"user_doesnt_exist", "service_account_doesnt_exist", "uid_prefix_doesnt_exist", "key_holder_account.", "algorithm.", "scope."},
	"updateAPIKey": {"user_doesnt_exist", "service_account_doesnt_exist", "uid_prefix_doesnt_exist", "api_key_doesnt_exist", "scope.", "state."},
}

// isOfARecord says whether an answer is one that a request which keeps the schema
// may get: success, or the word of an operation about what is stored.
func (x answer) isOfARecord(t *rapid.T, op operation) bool {
	var got refusal
	switch x.status {
	case op.success, http.StatusTooManyRequests:
		return true
	case http.StatusNotFound:
		sentence := x.sentence(t)
		return sentence == "Record is not found" || sentence == "label doesnt exist"
	case http.StatusBadRequest:
		return strings.HasPrefix(x.sentence(t), "management.phone.")
	case http.StatusUnprocessableEntity:
		if err := json.Unmarshal(x.body, &got); err != nil {
			return false
		}
		if _, isList := got.Error.([]any); isList || got.Type == "urn:barong:error:invalid_record" {
			return true
		}
		return slices.ContainsFunc(rejections[op.id], func(beginning string) bool { return strings.HasPrefix(x.sentence(t), beginning) })
	default:
		return false
	}
}
