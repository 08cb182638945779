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

// operation is what the gate needs of the specification.
type operation struct {
	id         string
	scope      string
	schema     *openapi3.Schema
	parameters []parameter // in the order of declaration
	names      map[string]bool
}

// knows says whether the operation has a parameter of this name.
func (op *operation) knows(name []byte) bool { return op.names[string(name)] }

// parameter is one property of an operation's JSON body.
type parameter struct {
	name     string
	schema   *openapi3.Schema
	required bool
	// Sentences that take the place of "is invalid": for a value of the wrong
	// type or format, and for one that breaks another rule.
	wrongType, wrongValue string
}

// onlyReads says whether an operation changes nothing and spends nothing, so that it
// can be asked for again.
func (op *operation) onlyReads() bool {
	return strings.HasPrefix(op.scope, "read_") || op.scope == "tools"
}

// route is where an operation is called.
type route struct{ method, path string }

// operationsOf reads all operations.
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
	op := &operation{id: declared.OperationID, scope: declared.Scope, schema: schema, names: map[string]bool{}}
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
		})
	}
	slices.SortFunc(op.parameters, func(a, b parameter) int { return int(order[a.name] - order[b.name]) })
	return op, nil
}

// parametersOf is the schema of the parameters, which every form of a request is
// validated against.
func parametersOf(declared *openapi3.Operation) (*openapi3.Schema, error) {
	if declared.RequestBody == nil || declared.RequestBody.Value.Content[mediaJSON] == nil {
		return nil, errors.New("a JSON body is not declared")
	}
	return declared.RequestBody.Value.Content[mediaJSON].Schema.Value, nil
}

// canonical makes the one set of values that the operation knows of what was given:
// values have the type of their schema, defaults are filled in, null and unknown
// members are gone. What breaks the schema comes back as one error with every
// failure, in the order of declaration; where the caller is strict, what the
// operation does not know comes behind them.
func (op *operation) canonical(input jsonobject.Members, strict bool) (map[string]any, error) {
	values := make(map[string]any, len(op.parameters))
	failures := map[string][]problem.Violation{}
	for _, p := range op.parameters {
		value, state := p.read(input.Values)
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
				Field: name, Code: "unknown", Message: name + " is unknown", LogMessage: "a parameter is unknown", // it may be a misplaced secret
			})
		}
	}
	if len(violations) > 0 {
		return nil, &problem.Error{Kind: problem.InvalidParameters, Violations: violations}
	}
	return values, nil
}

// decoded is values with every object in the form that a schema is held against. One
// whose members no schema looks at is not decoded: its kind is all that counts.
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
		decoder.UseNumber() // JSON has numbers that no float64 holds
		var members map[string]any
		if err := decoder.Decode(&members); err != nil {
			return nil, fmt.Errorf("the parameter %s was valid JSON and cannot be decoded: %w", name, err)
		}
		visible[name] = members
	}
	return visible, nil
}

// validation is how values are held against a schema: every failure at once, and
// dates that the calendar has.
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

// validate holds the values against the schema and puts what it finds behind
// the failures that are known already.
func (op *operation) validate(values map[string]any, failures map[string][]problem.Violation) []problem.Violation {
	whole := op.countViolations(values, failures)
	for _, broken := range schemaErrors(op.schema.VisitJSON(values, validation...)) {
		pointer := broken.JSONPointer()
		if len(pointer) == 0 {
			if broken.SchemaField != "minProperties" && broken.SchemaField != "maxProperties" { // which are counted above
				whole = append(whole, problem.Violation{Code: "invalid", Message: "parameters are invalid: " + broken.Reason})
			}
			continue
		}
		at := slices.IndexFunc(op.parameters, func(p parameter) bool { return p.name == pointer[0] })
		if at < 0 || len(failures[pointer[0]]) > 0 {
			continue // reported before, a missing one for instance
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

// countViolations words the rule that exactly one parameter is given, which the
// schema states as minProperties and maxProperties. One that is broken is given.
func (op *operation) countViolations(values map[string]any, failures map[string][]problem.Violation) []problem.Violation {
	var all, given []string
	for _, p := range op.parameters {
		all = append(all, p.name)
		if _, ok := values[p.name]; ok || len(failures[p.name]) > 0 {
			given = append(given, p.name)
		}
	}
	count := uint64(len(given))
	switch {
	case op.schema.MaxProps != nil && count > *op.schema.MaxProps:
		return []problem.Violation{{Code: "mutually_exclusive", Message: strings.Join(given, ", ") + " are mutually exclusive"}}
	case count < op.schema.MinProps:
		return []problem.Violation{{Code: "exactly_one", Message: strings.Join(all, ", ") + " are missing, exactly one parameter must be provided"}}
	default:
		return nil
	}
}

func (p parameter) violation(code, sentence string) problem.Violation {
	return problem.Violation{Field: p.name, Code: p.name + "_" + code, Message: p.name + " " + sentence}
}

// schemaErrors flattens what kin-openapi returns.
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
