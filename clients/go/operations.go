package barong

import (
	"net/http"
	"strings"

	"barong/clients/go/api"
)

// operationOf returns the operation that a request calls, independent of the base path. It
// returns the zero Operation if there is none.
func operationOf(request *http.Request) (found api.Operation) {
	for _, operation := range api.Operations {
		// /labels/filter/users also ends in /users: the longest matching path wins.
		if operation.Method == request.Method && len(operation.Path) > len(found.Path) && strings.HasSuffix(request.URL.Path, operation.Path) {
			found = operation
		}
	}
	return found
}

// onlyReads reports whether an operation changes nothing, according to its scope.
func onlyReads(operation api.Operation) bool {
	return operation.Scope == "tools" || strings.HasPrefix(operation.Scope, "read_")
}

// isWrite reports whether an operation may change something. The zero Operation is none.
func isWrite(operation api.Operation) bool { return operation.ID != "" && !onlyReads(operation) }

// isIdempotent reports whether calling an operation twice has the same effect as calling it
// once, even without an idempotency key.
func isIdempotent(operation api.Operation) bool {
	return onlyReads(operation) || operation.Method == http.MethodPut
}

// countsRejected reports whether a request has an effect even if it gets 429: each code sent
// to signOTP counts as a guess.
func countsRejected(operation api.Operation) bool { return operation.ID == "signOTP" }
