package server

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"barong/generated"
	"barong/internal/jsonobject"
)

// operationsByID returns the operations of openapi.yaml by their operationId.
func operationsByID(t testing.TB) map[string]*operation {
	t.Helper()
	document, err := generated.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	byPath, err := operationsOf(document)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]*operation{}
	for _, op := range byPath {
		byID[op.id] = op
	}
	return byID
}

// canonicalJSON returns the body that the generated code reads.
func canonicalJSON(op *operation, given jsonobject.Members) ([]byte, error) {
	values, err := op.canonical(given, false)
	if err != nil {
		return nil, err
	}
	return encodeObject(values)
}

func TestOperationsAreReadFromTheSpecification(t *testing.T) {
	t.Parallel()
	operations := operationsByID(t)
	if len(operations) != 25 {
		t.Errorf("there are %d operations", len(operations))
	}
	filter := operations["filterUsersByLabel"]
	var order []string
	for _, p := range filter.parameters {
		order = append(order, p.name)
	}
	if want := []string{"key", "value", "scope", "extended", "range", "from", "to", "page", "limit"}; !slices.Equal(order, want) {
		t.Errorf("order of declaration is %v", order)
	}
	if filter.scope != "read_users" {
		t.Errorf("scope is %s", filter.scope)
	}
}

// Only an operation that changes nothing may fail for lack of memory after it ran.
func TestOperationsThatChangeSomethingAreTold(t *testing.T) {
	t.Parallel()
	var reading []string
	for id, op := range operationsByID(t) {
		if op.onlyReads() {
			reading = append(reading, id)
		}
	}
	slices.Sort(reading)
	if want := []string{"filterUsersByLabel", "getServiceAccount", "getTimestamp", "getUser", "listLabels", "listPhones", "listServiceAccounts", "listUsers"}; !slices.Equal(reading, want) {
		t.Errorf("only reading are %v", reading)
	}
}

func TestSpecificationThatTheGateCannotEnforceIsRefused(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*openapi3.Operation){
		"no scope": func(op *openapi3.Operation) { delete(op.Extensions, "x-scope") },
		"no body":  func(op *openapi3.Operation) { op.RequestBody = nil },
		"no JSON":  func(op *openapi3.Operation) { delete(op.RequestBody.Value.Content, mediaJSON) },
		"no x-order": func(op *openapi3.Operation) {
			op.RequestBody.Value.Content[mediaJSON].Schema.Value.Properties["email"].Value.Extensions = nil
		},
	} {
		document, err := generated.GetSpec()
		if err != nil {
			t.Fatal(err)
		}
		damage(document.Paths.Find("/users").Post)
		if _, err := operationsOf(document); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestCanonicalBodyHasDefaultsAndNothingElse(t *testing.T) {
	t.Parallel()
	op := operationsByID(t)["listUsers"]
	given, err := parseJSON(t.Context(), []byte(`{"limit": "7", "extended": "on", "from": null, "to": 1e9, "page": 2.0, "unknown": {"a": 1}}`), op.knows)
	if err != nil {
		t.Fatal(err)
	}
	body, err := canonicalJSON(op, given)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"extended":true,"limit":7,"page":2,"range":"created","to":1000000000}`; string(body) != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
}

// For any input: reading it does not panic, an accepted input is a fixed point of the
// conversion, and a form with the texts of a JSON object means the same as the object.
func FuzzCoercion(f *testing.F) {
	operations := operationsByID(f)
	ids := slices.Sorted(maps.Keys(operations))
	for i := range ids {
		for _, body := range []string{
			`{}`, `{"uid":"ID1"}`, `{"email":"a@b","password":"Tecohvi0"}`, `{"page":"1","limit":1e1,"extended":"yes"}`,
			`{"user_uid":5,"key":true,"value":null,"replace":"off"}`, `{"from":-0,"to":1e400,"range":[]}`, `{"dob":"2024-02-30"}`,
			`{"jwt":{"payload":"e30","signatures":[{}]},"otp_code":123456}`, `{"jwt":"{\"a\":1}"}`, "{\"uid\":\"\\u0000\\ud800\"}", `{"uid":"\u2003"}`,
		} {
			f.Add(uint8(i), []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		op := operations[ids[int(which)%len(ids)]]
		given, err := parseJSON(t.Context(), body, op.knows)
		if err != nil {
			return
		}
		once, err := canonicalJSON(op, given)
		if form := asForm(body); form != nil && err == nil {
			given, err := parseForm(t.Context(), []byte(form.Encode()), op.knows)
			if err != nil {
				return // more parameters than a form may have
			}
			if again, err := canonicalJSON(op, given); err != nil || !bytes.Equal(once, again) {
				t.Fatalf("%s as a form gives %s, %v and not %s", body, again, err, once)
			}
		}
		if err != nil {
			return
		}
		given, err = parseJSON(t.Context(), once, op.knows)
		if err != nil {
			t.Fatalf("%s became %s, which is refused: %v", body, once, err)
		}
		twice, err := canonicalJSON(op, given)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s, and that %s, %v", body, once, twice, err)
		}
	})
}

// asForm returns the members of a JSON object as a form, or nil unless all of them are
// strings.
func asForm(body []byte) url.Values {
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return nil
	}
	form := url.Values{}
	for name, value := range members {
		text, ok := value.(string)
		if !ok {
			return nil
		}
		form.Set(name, text)
	}
	return form
}
