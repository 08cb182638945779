package cli

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"barong/generated"
	"barong/internal/spec"
	"barong/internal/spelling"
)

// contractOperation is an operation of openapi.yaml as the command line needs it.
type contractOperation struct {
	method, path string // the path is relative to the base URL of the operations
	summary      string
	parameters   []contractParameter // in the order of the specification
}

type contractParameter struct{ name, description string }

// readContract returns the operations by operationId.
var readContract = sync.OnceValues(func() (map[string]contractOperation, error) {
	document, err := generated.GetSpec()
	if err != nil {
		return nil, err
	}
	found := map[string]contractOperation{}
	for operation := range spec.Operations(document) {
		found[operation.OperationID] = contractOperation{operation.Method, operation.Path, operation.Summary, parametersOf(operation.Operation)}
	}
	return found, nil
})

// parametersOf returns the parameters in the JSON body.
func parametersOf(operation *openapi3.Operation) (found []contractParameter) {
	if operation.RequestBody == nil {
		return nil
	}
	schema := operation.RequestBody.Value.Content["application/json"].Schema.Value
	order := func(name string) float64 {
		number, _ := schema.Properties[name].Value.Extensions["x-order"].(float64)
		return number
	}
	for name, property := range schema.Properties {
		found = append(found, contractParameter{name, property.Value.Description})
	}
	slices.SortFunc(found, func(a, b contractParameter) int {
		return cmp.Or(cmp.Compare(order(a.name), order(b.name)), strings.Compare(a.name, b.name))
	})
	return found
}

// has reports whether the operation has the parameter.
func (o contractOperation) has(name string) bool {
	return slices.ContainsFunc(o.parameters, func(p contractParameter) bool { return p.name == name })
}

// checkParameter rejects a parameter that the operation does not have. The server would ignore
// it, and do something else than intended.
func (o contractOperation) checkParameter(operation, name string) error {
	if o.has(name) {
		return nil
	}
	names := make([]string, len(o.parameters))
	for i, p := range o.parameters {
		names[i] = p.name
	}
	if suggestion := spelling.Suggestion(name, names); suggestion != "" {
		return usagef("%s has no parameter %q%s", operation, name, suggestion)
	}
	if len(names) == 0 {
		return usagef("%s has no parameter %q: it takes none", operation, name)
	}
	return usagef("%s has no parameter %q; it takes %s", operation, name, strings.Join(names, ", "))
}
