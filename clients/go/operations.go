package barong

import (
	"net/http"
	"strings"

	"barong/clients/go/api"
)

// operationOf finds the operation that a request is sent to, whatever the path of the
// server's operations is. It is the zero Operation if the request is sent to none.
func operationOf(request *http.Request) (found api.Operation) {
	for _, operation := range api.Operations {
		// /labels/filter/users ends in /users, too: the longest path counts.
		if operation.Method == request.Method && len(operation.Path) > len(found.Path) && strings.HasSuffix(request.URL.Path, operation.Path) {
			found = operation
		}
	}
	return found
}

// onlyReads reports whether an operation changes nothing: its scope says so.
func onlyReads(operation api.Operation) bool {
	return operation.Scope == "tools" || strings.HasPrefix(operation.Scope, "read_")
}

// isRepeatable reports whether an operation that is carried out twice leaves the same as
// one that is carried out once.
func isRepeatable(operation api.Operation) bool {
	return onlyReads(operation) || operation.Method == http.MethodPut
}

// countsRejected reports whether a request that gets 429 has an effect: each code that
// signOTP is sent counts as a guess.
func countsRejected(operation api.Operation) bool { return operation.ID == "signOTP" }
