package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"barong/generated"
	"barong/internal/spec"
)

var document, router = loadSpec()

func loadSpec() (*openapi3.T, routers.Router) {
	document, err := generated.GetSpec()
	if err != nil {
		panic(err)
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		panic(err)
	}
	return document, router
}

// exercised is which operations were called, and with which status they answered.
var exercised = record{seen: map[string]map[int]bool{}}

type record struct {
	mutex sync.Mutex
	seen  map[string]map[int]bool
}

func (r *record) note(operation string, status int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.seen[operation] == nil {
		r.seen[operation] = map[int]bool{}
	}
	r.seen[operation][status] = true
}

// missing lists the operations that never answered, and those that never did so
// with a status that each of them must have been seen with.
func (r *record) missing() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var missing []string
	for operation := range spec.Operations(document) {
		for _, status := range []int{http.StatusUnauthorized, http.StatusUnprocessableEntity} {
			if operation.OperationID == "getTimestamp" && status == http.StatusUnprocessableEntity {
				continue // it has no parameters that could be wrong
			}
			if !r.seen[operation.OperationID][status] {
				missing = append(missing, fmt.Sprintf("%s with answer %d", operation.OperationID, status))
			}
		}
		if len(r.seen[operation.OperationID]) == 0 {
			missing = append(missing, operation.OperationID)
		}
	}
	slices.Sort(missing)
	return missing
}

// validating holds every answer against the specification: the schema of its
// status, its headers, its content type.
type validating struct{ t testing.TB }

func (v validating) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if route, _, err := router.FindRoute(request); err == nil {
		exercised.note(route.Operation.OperationID, response.StatusCode)
	}
	if err := validate(request, response, body); err != nil {
		v.t.Errorf("%s %s answered %d with what openapi.yaml does not allow: %s\n%s", request.Method, request.URL, response.StatusCode, err, body)
	}
	return response, nil
}

// validate returns what openapi.yaml does not allow of an answer.
func validate(request *http.Request, response *http.Response, body []byte) error {
	if response.Header.Get("X-Request-Id") == "" {
		return fmt.Errorf("X-Request-Id is missing")
	}
	route, parameters, err := router.FindRoute(request)
	if err != nil {
		// A path or a verb that the specification does not have: an error in any case.
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			return err
		}
		schema := "Error"
		if strings.HasPrefix(response.Header.Get("Content-Type"), "application/problem+json") {
			schema = "Problem"
		}
		return document.Components.Schemas[schema].Value.VisitJSON(value)
	}
	return openapi3filter.ValidateResponse(request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route},
		Status:                 response.StatusCode,
		Header:                 response.Header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

// A new operation declares the failures that every operation has, with their headers.
func TestEveryOperationNamesItsFailures(t *testing.T) {
	t.Parallel()
	for operation := range spec.Operations(document) {
		for status, header := range map[string]string{"401": "WWW-Authenticate", "422": "RateLimit", "429": "Retry-After", "500": "X-Request-Id", "503": "Retry-After"} {
			if response := operation.Responses.Value(status); response == nil || response.Ref == "" || response.Value.Headers[header] == nil {
				t.Errorf("%s %s does not refer to a response of status %s with %s", operation.Method, operation.Path, status, header)
			}
		}
	}
}
