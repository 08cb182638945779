package clientspec

import (
	"slices"
	"strings"
	"testing"

	"barong/internal/spec"

	"github.com/getkin/kin-openapi/openapi3"
)

func load(t *testing.T) *openapi3.T {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func derived(t *testing.T, publicURL string) *openapi3.T {
	t.Helper()
	text, err := Derive(load(t), publicURL)
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	return document
}

func TestEveryBodyIsJSONAlone(t *testing.T) {
	t.Parallel()
	document, whole := derived(t, ""), load(t)
	count := 0
	for want := range spec.Operations(whole) {
		count++
		got := document.Paths.Value(want.Path).GetOperation(want.Method)
		contents := map[string]openapi3.Content{"request": got.RequestBody.Value.Content}
		for status := range want.Responses.Map() {
			contents[status] = got.Responses.Value(status).Value.Content
		}
		for of, content := range contents {
			if len(content) != 1 || content[mediaJSON] == nil {
				t.Errorf("%s %s has %d media types in %s", want.Method, want.Path, len(content), of)
			}
		}
		reference := want.RequestBody.Value.Content[mediaJSON].Schema.Ref
		if got.OperationID != want.OperationID || got.RequestBody.Value.Content[mediaJSON].Schema.Ref != reference {
			t.Errorf("%s %s has other parameters than %s", want.Method, want.Path, reference)
		}
	}
	if count == 0 {
		t.Error("there are no operations")
	}
}

// Guards the signatures of generated methods: they have the parameters of the body alone. The bodies of events
// are there for receivers.
func TestHeadersAreNoArguments(t *testing.T) {
	t.Parallel()
	document, declared := derived(t, ""), 0
	for operation := range spec.Operations(load(t)) {
		declared += len(operation.Parameters)
	}
	for operation := range spec.Operations(document) {
		if len(operation.Parameters) != 0 {
			t.Errorf("%s has parameters beside its body", operation.OperationID)
		}
	}
	if declared == 0 || len(document.Components.Parameters) != 0 || document.Components.Schemas["UserCreatedEvent"] == nil {
		t.Errorf("of %d declared parameters, %v are left; or events are missing", declared, document.Components.Parameters)
	}
}

func TestRequestsAreSignedByTokensAlone(t *testing.T) {
	t.Parallel()
	document := derived(t, "")
	if len(document.Security) != 1 || document.Security[0]["BearerToken"] == nil || len(document.Components.SecuritySchemes) != 1 {
		t.Errorf("requests are signed by %v, of %v", document.Security, document.Components.SecuritySchemes)
	}
}

func TestSchemasThatNoBodyHasAnyMoreAreLeftOut(t *testing.T) {
	t.Parallel()
	document := derived(t, "")
	var left []string
	for name := range load(t).Components.Schemas {
		if document.Components.Schemas[name] == nil {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	if want := []string{"Problem", "ProblemError", "SignOTPForm"}; !slices.Equal(left, want) {
		t.Errorf("left out are %v, not %v", left, want)
	}
}

func TestServersAreAbsoluteWhereThePublicURLIsKnown(t *testing.T) {
	t.Parallel()
	for public, want := range map[string]string{
		"":                             "/api/v2/management",
		"https://barong.example":       "https://barong.example/api/v2/management",
		"https://barong.example/auth/": "https://barong.example/auth/api/v2/management",
	} {
		document := derived(t, public)
		if got := document.Servers[0].URL; len(document.Servers) != 1 || got != want || strings.Contains(got, "//api") {
			t.Errorf("with %q the server is %s", public, got)
		}
	}
}
