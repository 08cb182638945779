package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"barong/handlers"
	"barong/internal/jsonobject"
	"barong/internal/problem"
	"barong/internal/spec"
)

// operation is the part of the specification that the gate needs.
type operation struct {
	id         string
	scope      string
	schema     *openapi3.Schema
	parameters []parameter // in the order of x-order
	names      map[string]bool

	keepsPayload bool // x-journal: payload: the journal keeps the signed payload
}

// knows reports whether the operation has a parameter of this name.
func (op *operation) knows(name []byte) bool { return op.names[string(name)] }

// parameter is one property of an operation's JSON body.
type parameter struct {
	name     string
	schema   *openapi3.Schema
	required bool
	// Messages instead of "is invalid": for a value of the wrong type or format, and for a
	// value that breaks another rule of the schema.
	wrongType, wrongValue string
	// blankIsAbsent is x-blank: absent: a blank value counts as none, because clients send it so.
	blankIsAbsent bool
	// private is x-journal: none: a payload with the parameter is not kept in the journal.
	private bool
}

// onlyReads reports whether an operation changes nothing and consumes nothing, so that a
// client can safely repeat it.
func (op *operation) onlyReads() bool {
	return strings.HasPrefix(op.scope, "read_") || op.scope == "tools"
}

// route is the method and the path pattern of an operation.
type route struct{ method, path string }

// operationsOf returns all operations of the specification by route.
func operationsOf(document *openapi3.T) (map[route]*operation, error) {
	operations := map[route]*operation{}
	for declared := range spec.Operations(document) {
		op, err := operationOf(declared)
		if err != nil {
			return nil, fmt.Errorf("%s %s in openapi.yaml: %w", declared.Method, declared.Path, err)
		}
		operations[route{declared.Method, handlers.BasePath + declared.Path}] = op
	}
	return operations, nil
}

func operationOf(declared spec.Operation) (*operation, error) {
	if declared.Scope == "" {
		return nil, errors.New("x-scope is missing")
	}
	schema, err := parametersOf(declared.Operation)
	if err != nil {
		return nil, err
	}
	op := &operation{id: declared.OperationID, scope: declared.Scope, schema: schema, names: map[string]bool{}, keepsPayload: declared.Extensions["x-journal"] == "payload"}
	order := map[string]float64{}
	for name, property := range schema.Properties {
		place, ok := property.Value.Extensions["x-order"].(float64)
		if !ok {
			return nil, fmt.Errorf("x-order is missing at %s", name)
		}
		order[name], op.names[name] = place, true
		messages, _ := property.Value.Extensions["x-messages"].(map[string]any)
		message := func(key string) string {
			if text, ok := messages[key].(string); ok {
				return text
			}
			return "is invalid"
		}
		op.parameters = append(op.parameters, parameter{
			name: name, schema: property.Value, required: slices.Contains(schema.Required, name),
			wrongType: message("type"), wrongValue: message("value"),
			blankIsAbsent: property.Value.Extensions["x-blank"] == "absent", private: property.Value.Extensions["x-journal"] == "none",
		})
	}
	slices.SortFunc(op.parameters, func(a, b parameter) int { return int(order[a.name] - order[b.name]) })
	return op, nil
}

// parametersOf returns the schema of an operation's JSON body, against which every form of a
// request is validated.
func parametersOf(declared *openapi3.Operation) (*openapi3.Schema, error) {
	if declared.RequestBody == nil || declared.RequestBody.Value.Content[mediaJSON] == nil {
		return nil, errors.New("a JSON body is not declared")
	}
	return withoutNULPatterns(declared.RequestBody.Value.Content[mediaJSON].Schema.Value), nil
}

// noNUL is the pattern of texts without U+0000, which the conversion of parameters has refused
// before the schema is validated.
const noNUL = `^[^\x00]*$`

// withoutNULPatterns returns a copy of a schema of parameters without that pattern: to match it
// takes 10 ns a byte, and metadata has up to 128 KiB.
func withoutNULPatterns(schema *openapi3.Schema) *openapi3.Schema {
	validated := *schema
	validated.Properties = make(openapi3.Schemas, len(schema.Properties))
	for name, property := range schema.Properties {
		if property.Value.Pattern == noNUL {
			value := *property.Value
			value.Pattern = ""
			property = &openapi3.SchemaRef{Ref: property.Ref, Value: &value}
		}
		validated.Properties[name] = property
	}
	return &validated
}

// canonical returns the parameters in canonical form: values have the type of their schema,
// defaults are filled in, and null and unknown members are removed. Violations of the schema
// are returned as one error, in the order of the parameters. If strict, unknown parameters
// follow as violations.
func (op *operation) canonical(input jsonobject.Members, strict bool) (map[string]any, error) {
	values := make(map[string]any, len(op.parameters))
	failures := map[string][]problem.Violation{}
	for _, p := range op.parameters {
		value, state := p.read(input.Values)
		if state == blank && p.blankIsAbsent {
			state = absent
		}
		switch {
		case state == present:
			values[p.name] = value
		case state == absent && p.required:
			failures[p.name] = []problem.Violation{p.violation("missing", "is missing"), p.violation("empty", "is empty")}
		case state == absent && p.schema.Default != nil:
			values[p.name] = p.schema.Default
		case state == blank:
			failures[p.name] = []problem.Violation{p.violation("empty", "is empty")}
		case state == mistyped:
			failures[p.name] = []problem.Violation{p.violation("invalid", p.wrongType)}
		}
	}
	visible, err := decoded(op.schema, values)
	if err != nil {
		return nil, err
	}
	violations := op.validate(visible, failures)
	if strict {
		for _, name := range input.Unknown {
			violations = append(violations, problem.Violation{
				Field: name, Code: "unknown", Message: name + " is unknown", LogMessage: "a parameter is unknown", // the name may be a misplaced secret
			})
		}
	}
	if len(violations) > 0 {
		return nil, &problem.Error{Kind: problem.InvalidParameters, Violations: violations}
	}
	return values, nil
}

// decoded returns the values with raw JSON objects decoded for validation. An object without
// declared members is not decoded: the schema checks only that it is an object.
func decoded(schema *openapi3.Schema, values map[string]any) (map[string]any, error) {
	visible := values
	for name, value := range values {
		object, ok := value.(jsontext.Value)
		if !ok {
			continue
		}
		visible = maps.Clone(visible)
		if property := schema.Properties[name].Value; len(property.Properties) == 0 && property.AdditionalProperties.Schema == nil {
			visible[name] = map[string]any{}
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(object))
		decoder.UseNumber() // JSON numbers may exceed float64
		var members map[string]any
		if err := decoder.Decode(&members); err != nil {
			return nil, fmt.Errorf("the parameter %s was valid JSON and cannot be decoded: %w", name, err)
		}
		visible[name] = members
	}
	return visible, nil
}

// validation is the configuration of the schema validation: all failures are returned at once,
// and a date must exist in the calendar.
var validation = []openapi3.SchemaValidationOption{
	openapi3.MultiErrors(),
	openapi3.VisitAsRequest(),
	openapi3.WithStringFormatValidators(map[string]openapi3.StringFormatValidator{
		"date": openapi3.NewCallbackValidator(func(text string) error {
			_, err := time.Parse(time.DateOnly, text)
			return err
		}),
	}),
}

// validate validates the values against the schema and returns all violations: the known
// failures and the new ones in the order of the parameters, then those of the whole object. A
// parameter with a known failure gets no second one.
func (op *operation) validate(values map[string]any, failures map[string][]problem.Violation) []problem.Violation {
	whole := op.countViolations(values, failures)
	for _, broken := range schemaErrors(op.schema.VisitJSON(values, validation...)) {
		pointer := broken.JSONPointer()
		if len(pointer) == 0 {
			if broken.SchemaField != "minProperties" && broken.SchemaField != "maxProperties" { // countViolations reports these
				whole = append(whole, problem.Violation{Code: "invalid", Message: "parameters are invalid: " + broken.Reason})
			}
			continue
		}
		at := slices.IndexFunc(op.parameters, func(p parameter) bool { return p.name == pointer[0] })
		if at < 0 || len(failures[pointer[0]]) > 0 {
			continue // reported before, for example as missing
		}
		sentence := op.parameters[at].wrongValue
		if broken.SchemaField == "type" || broken.SchemaField == "format" {
			sentence = op.parameters[at].wrongType
		}
		failures[pointer[0]] = []problem.Violation{op.parameters[at].violation("invalid", sentence)}
	}
	var violations []problem.Violation
	for _, p := range op.parameters {
		violations = append(violations, failures[p.name]...)
	}
	return append(violations, whole...)
}

// countViolations returns the violation of the rule that exactly one parameter is given
// (minProperties and maxProperties in the schema), or at least one of those that are not required
// (minProperties is then more than the number of the required ones). An invalid parameter counts
// as given.
func (op *operation) countViolations(values map[string]any, failures map[string][]problem.Violation) []problem.Violation {
	var all, given []string
	for _, p := range op.parameters {
		if p.required {
			continue
		}
		all = append(all, p.name)
		if _, ok := values[p.name]; ok || len(failures[p.name]) > 0 {
			given = append(given, p.name)
		}
	}
	count := uint64(len(given) + len(op.schema.Required))
	switch {
	case op.schema.MaxProps != nil && count > *op.schema.MaxProps:
		return []problem.Violation{{Code: "mutually_exclusive", Message: strings.Join(given, ", ") + " are mutually exclusive"}}
	case count >= op.schema.MinProps:
		return nil
	case op.schema.MaxProps == nil:
		return []problem.Violation{{Code: "at_least_one", Message: strings.Join(all, ", ") + " are missing, at least one parameter must be provided"}}
	default:
		return []problem.Violation{{Code: "exactly_one", Message: strings.Join(all, ", ") + " are missing, exactly one parameter must be provided"}}
	}
}

func (p parameter) violation(code, sentence string) problem.Violation {
	return problem.Violation{Field: p.name, Code: p.name + "_" + code, Message: p.name + " " + sentence}
}

// schemaErrors flattens the error that kin-openapi returns.
func schemaErrors(err error) []*openapi3.SchemaError {
	var several openapi3.MultiError
	var single *openapi3.SchemaError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &several):
		var flat []*openapi3.SchemaError
		for _, each := range several {
			flat = append(flat, schemaErrors(each)...)
		}
		return flat
	case errors.As(err, &single):
		return []*openapi3.SchemaError{single}
	default:
		return []*openapi3.SchemaError{{Reason: err.Error()}}
	}
}
