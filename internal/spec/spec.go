// Package spec reads what openapi.yaml says of the operations.
package spec

import (
	"iter"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// Operation is an operation of the specification and where it is called.
type Operation struct {
	*openapi3.Operation
	Method string // in upper case
	Path   string // under the URL of the server, for instance /users/get
	Scope  string // that a signer of the request needs (x-scope); empty where the document names none
}

// Operations visits every operation of a document, in the order of their paths and
// methods.
func Operations(document *openapi3.T) iter.Seq[Operation] {
	return func(yield func(Operation) bool) {
		for _, path := range document.Paths.InMatchingOrder() {
			operations := document.Paths.Value(path).Operations()
			for _, method := range slices.Sorted(maps.Keys(operations)) {
				scope, _ := operations[method].Extensions["x-scope"].(string)
				if !yield(Operation{operations[method], method, path, scope}) {
					return
				}
			}
		}
	}
}

// OperationsByScope is the ids of the operations that each scope allows, sorted.
func OperationsByScope(document *openapi3.T) map[string][]string {
	ids := map[string][]string{}
	for operation := range Operations(document) {
		if operation.Scope != "" {
			ids[operation.Scope] = append(ids[operation.Scope], operation.OperationID)
		}
	}
	for _, names := range ids {
		slices.Sort(names)
	}
	return ids
}
