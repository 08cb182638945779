package spec_test

import (
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"barong/internal/spec"
)

const document = `
openapi: 3.0.3
info: {title: test, version: "1"}
paths:
  /b:
    post: {operationId: postB, x-scope: write_b, responses: {}}
    get: {operationId: getB, responses: {}}
  /a:
    put: {operationId: putA, responses: {}}
`

func TestEveryOperationIsVisitedOnceInOneOrder(t *testing.T) {
	t.Parallel()
	loaded, err := openapi3.NewLoader().LoadFromData([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	var first []string
	for range 10 {
		var visited []string
		for operation := range spec.Operations(loaded) {
			visited = append(visited, operation.OperationID+" "+operation.Method+" "+operation.Path+" "+operation.Scope)
		}
		if first == nil {
			first = visited
		}
		if !slices.Equal(visited, first) {
			t.Errorf("visited %q, and %q before", visited, first)
		}
	}
	slices.Sort(first)
	if want := []string{"getB GET /b ", "postB POST /b write_b", "putA PUT /a "}; !slices.Equal(first, want) {
		t.Errorf("visited %q, want %q", first, want)
	}
}

func TestTheVisitEndsWhenTheLoopDoes(t *testing.T) {
	t.Parallel()
	loaded, err := openapi3.NewLoader().LoadFromData([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	visits := 0
	for range spec.Operations(loaded) {
		visits++
		break
	}
	if visits != 1 {
		t.Errorf("%d visits", visits)
	}
}
