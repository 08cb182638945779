// Package spec lists the operations of openapi.yaml.
package spec

import (
	"iter"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// Operation is an operation of the specification with its method and path.
type Operation struct {
	*openapi3.Operation
	Method string // in upper case
	Path   string // below the server's base URL, such as /users/get
	Scope  string // required of a signer (x-scope); empty if the document names none
}

// Operations iterates over the operations of a document, ordered by path and method.
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

// OperationsByScope returns the sorted operation IDs of each scope.
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
