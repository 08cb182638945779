package tests

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"

	"barong/clients/go/signing"
	"barong/internal/identity"
	"barong/internal/spec"
)

// operation is what the specification says of one.
type operation struct {
	id, method, path string
	success          int
	parameters       []parameter // in the order of declaration
	exactlyOne       bool        // of the parameters must be given
	atLeastOne       bool        // of those that are not required must be given
}

// parameter is one that the specification declares.
type parameter struct {
	name     string
	schema   *openapi3.Schema
	required bool
}

// GoString is what a report of rapid calls it.
func (op operation) GoString() string { return op.id }

var operations = declaredOperations()

func declaredOperations() []operation {
	var all []operation
	for declared := range spec.Operations(document) {
		op := operation{id: declared.OperationID, method: declared.Method, path: declared.Path}
		for status := range declared.Responses.Map() {
			if status, err := strconv.Atoi(status); err == nil && status < 300 {
				op.success = status
			}
		}
		schema := declared.RequestBody.Value.Content["application/json"].Schema.Value
		op.exactlyOne = schema.MinProps == 1 && schema.MaxProps != nil && *schema.MaxProps == 1
		op.atLeastOne = !op.exactlyOne && schema.MinProps > uint64(len(schema.Required))
		for name, property := range schema.Properties {
			op.parameters = append(op.parameters, parameter{name, property.Value, slices.Contains(schema.Required, name)})
		}
		slices.SortFunc(op.parameters, func(a, b parameter) int { return int(a.order() - b.order()) })
		all = append(all, op)
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	return all
}

func (p parameter) order() float64 {
	place, _ := p.schema.Extensions["x-order"].(float64)
	return place
}

// refused is the sentence about a parameter that breaks the rule of its schema:
// "type" (its format too) or "value".
func (p parameter) refused(rule string) string {
	if messages, ok := p.schema.Extensions["x-messages"].(map[string]any); ok {
		if text, ok := messages[rule].(string); ok {
			return p.name + " " + text
		}
	}
	return p.name + " is invalid"
}

// drawn is a value of a parameter, and what the schema makes of it.
type drawn struct {
	value   any
	omitted bool   // there is no value
	refused string // the sentence with which it is refused; "" where it keeps the schema
}

// hasNoForm says whether a form cannot say the same as JSON.
func (op operation) hasNoForm(given parameters) bool {
	return slices.ContainsFunc(op.parameters, func(p parameter) bool {
		value, ok := given[p.name]
		return ok && p.hasNoForm(value)
	})
}

// hasNoForm says whether a form cannot say a value, or says something else with it.
func (p parameter) hasNoForm(value any) bool {
	switch value := value.(type) {
	case nil:
		return p.required // empty in JSON, missing in a form
	case []any:
		return true
	case map[string]any:
		return !p.schema.Type.Is(openapi3.TypeObject)
	case json.Number: // whole numbers with a fraction or an exponent: in JSON only
		return p.schema.Type.Is(openapi3.TypeInteger) && strings.ContainsAny(value.String(), ".eE")
	default:
		return false
	}
}

// declared draws parameters by the schema: right ones, wrong ones, and some that
// it does not know. refused is the sentence that they must get, "" for none.
func (s *subject) declared(t *rapid.T, op operation) (given parameters, refused string) {
	given = parameters{}
	if rapid.Bool().Draw(t, "unknown members") {
		for _, name := range rapid.SliceOfNDistinct(rapid.OneOf(rapid.SampledFrom([]string{"payload", "data", "error", "Email", "uid ", "__proto__", "a[b]", ""}), rapid.String()), 1, 3, rapid.ID).Draw(t, "names") {
			given[name] = rapid.SampledFrom(hostile).Draw(t, "unknown")
		}
	}
	var sentences, names []string
	for _, p := range op.parameters {
		delete(given, p.name)
		d := s.parameter(t, op, p)
		if d.refused != "" {
			sentences = append(sentences, d.refused)
		}
		if !d.omitted {
			given[p.name] = d.value
		}
		if !d.omitted && d.value != nil {
			names = append(names, p.name)
		}
	}
	switch {
	case op.exactlyOne && len(names) == 0:
		var all []string
		for _, p := range op.parameters {
			all = append(all, p.name)
		}
		sentences = append(sentences, strings.Join(all, ", ")+" are missing, exactly one parameter must be provided")
	case op.atLeastOne && !slices.ContainsFunc(op.optional(), func(name string) bool { return slices.Contains(names, name) }):
		sentences = append(sentences, strings.Join(op.optional(), ", ")+" are missing, at least one parameter must be provided")
	case op.exactlyOne && len(names) > 1:
		sentences = append(sentences, strings.Join(names, ", ")+" are mutually exclusive")
	}
	return given, strings.Join(sentences, ", ")
}

// optional are the names of the parameters that are not required.
func (op operation) optional() (names []string) {
	for _, p := range op.parameters {
		if !p.required {
			names = append(names, p.name)
		}
	}
	return names
}

// blankIsAbsent says whether a blank value counts as none.
func (p parameter) blankIsAbsent() bool { return p.schema.Extensions["x-blank"] == "absent" }

// parameter draws one value.
func (s *subject) parameter(t *rapid.T, op operation, p parameter) drawn {
	kinds := []string{"right", "right", "right", "right", "null or absent", "blank", "of another type", "out of bounds"}
	switch rapid.SampledFrom(kinds).Draw(t, p.name+" is") {
	case "null or absent":
		isNull := rapid.Bool().Draw(t, p.name+" is null")
		switch {
		case p.required && isNull:
			return drawn{refused: p.name + " is empty"}
		case p.required:
			return drawn{omitted: true, refused: p.name + " is missing, " + p.name + " is empty"}
		default:
			return drawn{omitted: !isNull}
		}
	case "blank":
		blank := rapid.SampledFrom([]string{"", " ", "\t\r\n", "\u00a0\u2003\u3000"}).Draw(t, p.name)
		if p.blankIsAbsent() {
			return drawn{value: blank}
		}
		return drawn{value: blank, refused: p.name + " is empty"}
	case "of another type":
		value := p.ofAnotherType(t)
		return drawn{value: value, refused: p.refused("type")}
	case "out of bounds":
		if value := p.outOfBounds(t); value != nil {
			return drawn{value: value, refused: p.refused("value")}
		}
	}
	value := s.conforming(t, op, p)
	return drawn{value: value}
}

// ofAnotherType draws what no coercion makes a value of the schema's type or format.
func (p parameter) ofAnotherType(t *rapid.T) any {
	values := []any{[]any{}, []any{"a"}, []any{nil, 1}}
	if !p.schema.Type.Is(openapi3.TypeObject) {
		values = append(values, map[string]any{}, map[string]any{"a": 1})
	}
	switch {
	case p.schema.Type.Is(openapi3.TypeInteger):
		values = append(values, "x", "1.5", "1e2", "0x10", "1_000", "٣", true, json.Number("1.5"), json.Number("1e400"), json.Number("-1e300"),
			json.Number("9223372036854775808"), "9223372036854775808", json.Number("123456789012345678901234567890"))
	case p.schema.Type.Is(openapi3.TypeBoolean):
		values = append(values, "maybe", "truth", 2, -1, json.Number("1.5"), "0.0")
	case p.schema.Type.Is(openapi3.TypeObject):
		values = append(values, 5, true, "text", "[1]", "{", `{"a":1} {}`, `"{}"`, "null")
	case p.schema.Format == "date":
		values = append(values, "soon", "2023-02-29", "2024-2-1", "01-02-2024", "2024-01-01T00:00:00Z", "20240101", 20240101, true, "2024 -01-01")
	default:
		values = append(values, "\x00", "a\x00b")
	}
	return rapid.SampledFrom(values).Draw(t, p.name)
}

// outOfBounds draws a value of the right type that breaks another rule; nil where
// the schema has none.
func (p parameter) outOfBounds(t *rapid.T) any {
	var values []any
	if p.schema.Min != nil {
		values = append(values, int64(*p.schema.Min)-1, int64(*p.schema.Min)-rapid.Int64Range(1, 1<<62).Draw(t, "below"))
	}
	if p.schema.Max != nil {
		values = append(values, int64(*p.schema.Max)+1, strconv.FormatInt(int64(*p.schema.Max)+rapid.Int64Range(1, 1<<62).Draw(t, "above"), 10))
	}
	if p.schema.MaxLength != nil && *p.schema.MaxLength < 1<<20 {
		values = append(values, strings.Repeat("é", int(*p.schema.MaxLength)+1), strings.Repeat("a", 2*int(*p.schema.MaxLength)))
	}
	if len(p.schema.Enum) > 0 {
		values = append(values, "other", strings.ToUpper(fmt.Sprint(p.schema.Enum[0])), " "+fmt.Sprint(p.schema.Enum[0]), 5)
	}
	if values == nil {
		return nil
	}
	return rapid.SampledFrom(values).Draw(t, p.name)
}

// conforming draws any value that keeps the schema, in any spelling.
func (s *subject) conforming(t *rapid.T, op operation, p parameter) any {
	switch {
	case p.schema.Type.Is(openapi3.TypeInteger):
		n := p.whole(t)
		return rapid.SampledFrom([]any{n, strconv.FormatInt(n, 10), fmt.Sprintf(" %d\n", n), json.Number(fmt.Sprintf("%d.0", n%(1<<50)))}).Draw(t, p.name)
	case p.schema.Type.Is(openapi3.TypeBoolean):
		return rapid.SampledFrom([]any{true, false, "true", "FALSE", 1, 0, "1", "Yes", "no", " true ", "on", "Off"}).Draw(t, p.name)
	case p.schema.Type.Is(openapi3.TypeObject):
		return rapid.SampledFrom([]any{map[string]any{}, "{}", map[string]any{"payload": 5, "signatures": []any{}}, map[string]any{"a": json.Number("1e400")}, ` {"payload":"e30","signatures":[{}]} `}).Draw(t, p.name)
	case len(p.schema.Enum) > 0:
		return rapid.SampledFrom(p.schema.Enum).Draw(t, p.name)
	case p.schema.Format == "date":
		day := date(t, p.name, 0, 9999)
		return rapid.SampledFrom([]any{day, fmt.Sprintf(" %s\n", day)}).Draw(t, p.name+" spaced")
	}
	switch rapid.SampledFrom([]string{"wanted", "hostile", "any"}).Draw(t, p.name+" is") {
	case "wanted":
		if value := s.known(t, op, p); value != nil {
			return value
		}
	case "hostile":
		return rapid.SampledFrom(hostile).Filter(p.isText).Draw(t, p.name)
	}
	return rapid.Map(rapid.String(), func(text string) any { return text }).Filter(p.isText).Draw(t, p.name)
}

// isText says whether a value is read as a text that is neither blank nor too long.
func (p parameter) isText(value any) bool {
	if value == nil || p.hasNoForm(value) {
		return false
	}
	text := textOf(value)
	return strings.TrimSpace(text) != "" && !strings.ContainsRune(text, 0) &&
		(p.schema.MaxLength == nil || utf8.RuneCountInString(text) <= int(*p.schema.MaxLength))
}

// whole draws a whole number within the bounds.
func (p parameter) whole(t *rapid.T) int64 {
	least, most := int64(-1<<63), int64(1<<63-1)
	if p.schema.Min != nil {
		least = int64(*p.schema.Min)
	}
	if p.schema.Max != nil {
		most = int64(*p.schema.Max)
	}
	return rapid.Int64Range(least, most).Draw(t, p.name)
}

// date draws a day of the calendar, from the first day of one year to the last of
// another.
func date(t *rapid.T, name string, from, to int) string {
	first, last := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(to, 12, 31, 0, 0, 0, 0, time.UTC)
	days := int((last.Unix() - first.Unix()) / (24 * 60 * 60))
	return first.AddDate(0, 0, rapid.IntRange(0, days).Draw(t, name)).Format(time.DateOnly)
}

// wanted draws the parameters of a request that succeeds, in the state that the
// servers are in: with all that are required and some that are not.
func (s *subject) wanted(t *rapid.T, op operation) parameters {
	given := parameters{}
	chosen := op.parameters
	if op.exactlyOne {
		chosen = []parameter{rapid.SampledFrom(op.parameters).Draw(t, "the one")}
	}
	if op.id == "signOTP" {
		s.advance(61 * time.Minute) // no lock is longer, and no code is used up
	}
	for _, p := range chosen {
		if p.required || op.exactlyOne || op.needs(p.name) || rapid.Bool().Draw(t, "give "+p.name) {
			given[p.name] = s.want(t, op, p)
		}
	}
	return given
}

// needs says whether a request cannot succeed without a parameter that is not required: the rules
// of the record call for it.
func (op operation) needs(name string) bool {
	return op.atLeastOne && name == op.optional()[0] || op.id == "createServiceAccount" && name == "service_account_email"
}

// want draws a value with which the operation succeeds.
func (s *subject) want(t *rapid.T, op operation, p parameter) any {
	if value := s.known(t, op, p); value != nil {
		return value
	}
	return s.conforming(t, op, p)
}

// known draws a value that the rules of the record or the state of the servers
// call for; nil where the schema says all there is.
func (s *subject) known(t *rapid.T, op operation, p parameter) any {
	switch op.id + " " + p.name {
	case "createUser email", "importUser email":
		return unique("new.user") + rapid.StringMatching(`@[a-z][a-z0-9]{0,10}(\.[A-Z][a-z]{0,5}){0,2}`).Draw(t, p.name)
	case "createLabel key":
		return unique("label-")
	case "updateLabel key":
		return knownLabel
	case "deleteLabel key":
		key := unique("label-")
		for _, a := range append(s.lockstep[:len(forms):len(forms)], s.alone) {
			a.label(knownUser, key, "here")
		}
		return key
	case "createProfile uid":
		return s.fresh(parameters{})
	case "createPhone uid":
		return s.fresh(parameters{})
	case "createAPIKey uid":
		return s.fresh(parameters{}, "email")
	case "deletePhone uid":
		s.number = freshNumber()
		return s.fresh(parameters{"phone": s.number})
	case "deletePhone number":
		return s.number
	case "createPhone number":
		return freshNumber()
	case "updateAPIKey uid":
		return enrolledUser
	case "updateAPIKey state":
		return rapid.SampledFrom([]string{"active", "inactive", "disabled"}).Draw(t, p.name)
	case "getServiceAccount uid", "updateServiceAccount uid", "deleteServiceAccount uid":
		return knownRobot
	case "getServiceAccount email":
		return knownRobotEmail
	case "importUser state", "createProfile state":
		return rapid.SampledFrom([]string{"drafted", "submitted", "verified", "rejected"}).Draw(t, p.name)
	case "updateUser role":
		return rapid.SampledFrom([]string{"member", "maker", "service_account"}).Draw(t, p.name)
	case "updateUser data":
		return textOf(rapid.MapOfN(rapid.StringMatching(`[a-z]{0,5}`), rapid.Int(), 0, 10).Draw(t, p.name))
	}
	switch p.name {
	case "service_account_uid":
		return fmt.Sprintf("robot%d", counter.Add(1))
	case "service_account_email":
		return unique("robot") + "@example.com"
	case "service_account_role":
		return rapid.SampledFrom([]string{"service_account", "maker"}).Draw(t, p.name)
	case "service_account_state":
		return rapid.SampledFrom([]string{"pending", "active", "disabled"}).Draw(t, p.name)
	case "owner_uid":
		return knownUser
	case "owner_email":
		return knownEmail
	case "algorithm":
		return "HS256"
	case "scopes":
		return rapid.SampledFrom([]string{"trade", "trade, history,,trade", ",", "a:b/*"}).Draw(t, p.name)
	case "kid":
		return knownKey

	case "user_uid":
		if op.id == "signOTP" {
			return enrolledUser
		}
		return knownUser
	case "uid", "referral_uid":
		return knownUser
	case "email":
		return rapid.SampledFrom([]any{knownEmail, " " + strings.ToUpper(knownEmail)}).Draw(t, p.name)
	case "phone_num":
		return rapid.SampledFrom([]any{knownPhone, "00 44 (20) 7946-0018", 442079460018}).Draw(t, p.name)
	case "phone":
		return freshNumber()
	case "password":
		return rapid.SampledFrom([]string{"Tecohvi0", "Fai5aesoLEcx", "xK9mQ2vL", "aB3$efGh", "correctHorse9batteryStaple", "Пароль1ab"}).Draw(t, p.name)
	case "password_digest":
		return digest
	case "description":
		return rapid.StringMatching(`[a-zé][^\x00]{0,200}`).Draw(t, p.name)
	case "key", "value":
		return rapid.StringMatching(`[a-z0-9_-]{3,40}`).Draw(t, p.name)
	case "scope":
		return rapid.SampledFrom([]string{"public", "private"}).Draw(t, p.name)
	case "first_name", "last_name", "city", "address":
		return rapid.StringMatching(`[A-Za-zÀ-Öà-ö]([A-Za-z '-]{0,20}[0-9a-zа-я])?`).Draw(t, p.name)
	case "postcode":
		return rapid.StringMatching(`[A-Z0-9]{2,8}`).Draw(t, p.name)
	case "country":
		return rapid.SampledFrom([]string{"GB", "de", "FRA", "Usa"}).Draw(t, p.name)
	case "role":
		return rapid.SampledFrom([]string{"member", "MEMBER", " member ", "admin"}).Draw(t, p.name)
	case "state":
		return rapid.SampledFrom([]string{"pending", "Active", "banned", "nowhere"}).Draw(t, p.name)
	case "level":
		return rapid.SampledFrom([]any{0, "1", json.Number("2.0")}).Draw(t, p.name)
	case "dob":
		return date(t, p.name, 1, 2020)
	case "otp_code":
		return s.alone.code(s.secret, 0)
	case "jwt":
		return json.RawMessage(s.jws(t))
	case "doc_type":
		return rapid.SampledFrom(identity.DefaultPolicy().DocumentTypes).Draw(t, p.name)
	case "doc_number":
		return rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9 -]{0,100}`).Draw(t, p.name)
	case "filename":
		return rapid.StringMatching(`[^\x00]{0,20}\.png`).Draw(t, p.name)
	case "file_ext":
		return rapid.SampledFrom([]string{"png", ".PNG"}).Draw(t, p.name)
	case "upload":
		return base64.StdEncoding.EncodeToString(append([]byte("\x89PNG\r\n\x1a\n"), rapid.SliceOf(rapid.Byte()).Draw(t, p.name)...))
	case "doc_expire":
		return date(t, p.name, s.alone.clock.Now().Year()+1, 9999)
	case "metadata":
		return textOf(rapid.MapOf(rapid.StringMatching(`[^\x00]*`), rapid.Int()).Draw(t, p.name))
	}
	return nil
}

// freshNumber is a phone number that nobody has.
func freshNumber() string { return fmt.Sprintf("+44207%07d", counter.Add(1)) }

// fresh is the uid of a new user, the same on every server, with these labels verified.
func (s *subject) fresh(given parameters, labels ...string) string {
	uid := fmt.Sprintf("IDF%09X", counter.Add(1)) // none of the known ones
	email := unique("fresh") + "@example.com"
	for _, a := range append(s.lockstep[:len(forms):len(forms)], s.alone) {
		if _, err := a.pool.Exec(a.t.Context(), "UPDATE users SET uid = $1 WHERE uid = $2", uid, a.user(parametersOf(given).with("email", email))); err != nil {
			a.t.Fatal(err)
		}
		for _, key := range labels {
			a.label(uid, key, "verified")
		}
	}
	return uid
}

// jws is one that somebody else signed.
func (s *subject) jws(t *rapid.T) []byte {
	data := textOf(rapid.MapOf(rapid.String(), rapid.Int()).Draw(t, "jws"))
	jws, err := signing.Envelope([]byte(data), signing.NewClaims(s.alone.clock.Now(), time.Minute), stranger().signer)
	if err != nil {
		t.Fatal(err)
	}
	return jws
}

// hostile are values that have broken servers. The user who is enrolled is not among
// them: with the label EMAIL he would not be active any more.
var hostile = []any{
	nil, "", " ", "\x00", "a\x00b", "\u2028", "\ufeff", "\U0001F9FF", strings.Repeat("é", 300), strings.Repeat("a", 70_000), "%", "%00", "%s%n", "'; DROP TABLE users; --",
	"\\", "\"", "<script>", "{}", "[]", "null", "true", "0", "-1", "1e400", "NaN", "Infinity", "9223372036854775808", "2024-02-30", "0000-01-01", "9999-12-31",
	"+442079460018", "00442079460018", "٤٤٢٠٧٩٤٦٠٠١٨", "verified", "EMAIL", "ǅ", "İ", "ß", "\u0301", "a@b", "A@B", "ada@example.com", "a@" + strings.Repeat("b.", 120) + "c",
	digest, "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$" + strings.Repeat("A", 43), "$2a$99$" + strings.Repeat("x", 53), "Tecohvi0", "updated", "private", "Passport",
	json.Number("0"), json.Number("1"), json.Number("-1"), json.Number("2.5"), json.Number("1e300"), json.Number("1e400"), json.Number("-0"), json.Number("1E+2"),
	json.Number("9223372036854775807"), json.Number("-9223372036854775808"), json.Number("123456789012345678901234567890"),
	true, false,
	[]any{},
	[]any{json.Number("1"), "a", nil},
	map[string]any{},
	map[string]any{"payload": "e30", "signatures": []any{}},
	knownUser, knownUser, knownUser, knownEmail,
}
