package client

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"barong/generated"
)

// operationIDs are the ids of openapi.yaml by path, and by verb in upper case. They
// are read once, when the first request is signed.
var operationIDs = sync.OnceValue(func() map[string]map[string]string {
	ids := map[string]map[string]string{}
	text, err := generated.GetSpecJSON()
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	if err != nil || json.Unmarshal(text, &document) != nil {
		return ids // requests are bound to no operation then, and are good for each
	}
	for path, verbs := range document.Paths {
		ids[path] = map[string]string{}
		for verb, operation := range verbs {
			ids[path][strings.ToUpper(verb)] = operation.OperationID
		}
	}
	return ids
})

// operationOf is the id of the operation that a request is sent to, wherever the
// server has its operations; empty where it is none.
func operationOf(request *http.Request) string {
	longest := ""
	for path := range operationIDs() {
		if len(path) > len(longest) && strings.HasSuffix(request.URL.Path, path) {
			longest = path // /labels/filter/users ends in /users
		}
	}
	return operationIDs()[longest][request.Method]
}
