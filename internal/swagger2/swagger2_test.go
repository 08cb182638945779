package swagger2

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"barong/internal/spec"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

func specification(t *testing.T) *openapi3.T {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// converted returns the specification as Swagger 2.0, decoded and as JSON.
func converted(t *testing.T) (openapi2.T, []byte) {
	t.Helper()
	text, err := Convert(specification(t), "")
	if err != nil {
		t.Fatal(err)
	}
	var document openapi2.T
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return document, text
}

func TestEveryOperationHasTheParametersOfItsForm(t *testing.T) {
	t.Parallel()
	document, _ := converted(t)
	count := 0
	for operation := range spec.Operations(specification(t)) {
		count++
		got := document.Paths[operation.Path].GetOperation(operation.Method)
		schema := operation.RequestBody.Value.Content[mediaForm].Schema.Value
		if got.OperationID != operation.OperationID || len(got.Parameters) != len(schema.Properties) {
			t.Errorf("%s has %d parameters, and its form %d", got.OperationID, len(got.Parameters), len(schema.Properties))
		}
		last := 0.0
		for _, parameter := range got.Parameters {
			want := schema.Properties[parameter.Name].Value
			if parameter.In != "formData" || !parameter.Type.Is(want.Type.Slice()[0]) || parameter.Format != want.Format ||
				parameter.Required != slices.Contains(schema.Required, parameter.Name) {
				t.Errorf("%s of %s is %+v", parameter.Name, got.OperationID, parameter)
			}
			order := want.Extensions["x-order"].(float64)
			if order <= last {
				t.Errorf("%s of %s is out of order", parameter.Name, got.OperationID)
			}
			last = order
		}
		if got.Security != nil {
			t.Errorf("%s is secured by %v, and not as all are", got.OperationID, *got.Security)
		}
	}
	if count == 0 {
		t.Error("there are no operations")
	}
}

func TestDocumentSaysNothingThatSwagger2Lacks(t *testing.T) {
	t.Parallel()
	document, text := converted(t)
	for _, word := range []string{`"anyOf"`, `"oneOf"`, `"nullable"`, `"content"`, `"requestBody"`, `"components"`, "#/components/", `"x-go-type"`} {
		if strings.Contains(string(text), word) {
			t.Errorf("the document says %s", word)
		}
	}
	for name, response := range document.Responses {
		for header, value := range response.Headers {
			if value.Required || value.Type == nil {
				t.Errorf("header %s of %s is %+v", header, name, value)
			}
		}
	}
	for name := range document.Definitions {
		if strings.HasSuffix(name, "Parameters") || strings.HasSuffix(name, "Form") {
			t.Errorf("%s is defined, though its members are parameters", name)
		}
	}
}

func TestDocumentIsWholeAndAddressedAsBarongsIs(t *testing.T) {
	t.Parallel()
	document, _ := converted(t)
	if document.Swagger != "2.0" || document.BasePath != "/api/v2/management" || document.Host != "" ||
		!slices.Equal(document.Consumes, []string{mediaForm}) || !slices.Equal(document.Produces, []string{mediaJSON}) {
		t.Errorf("swagger %s, basePath %s, host %q, consumes %v, produces %v",
			document.Swagger, document.BasePath, document.Host, document.Consumes, document.Produces)
	}
	if scheme := document.SecurityDefinitions["BearerToken"]; scheme.Type != "apiKey" || scheme.In != "header" || scheme.Name != "Authorization" {
		t.Errorf("the token is %+v", scheme)
	}
	if len(document.Security) != 1 || document.Security[0]["BearerToken"] == nil {
		t.Errorf("operations are secured by %v", document.Security)
	}
	// Converting back and validating checks references, schemas and examples.
	back, err := openapi2conv.ToV3(&document)
	if err != nil {
		t.Fatal(err)
	}
	if err := openapi3.NewLoader().ResolveRefsIn(back, nil); err != nil {
		t.Fatal(err)
	}
	if err := back.Validate(t.Context(), openapi3.DisableExamplesValidation()); err != nil {
		t.Error(err)
	}
}

// Client generators take the server's address from the document.
func TestDocumentHasTheHostWhereThePublicURLIsKnown(t *testing.T) {
	t.Parallel()
	text, err := Convert(specification(t), "https://barong.example:8443/auth/")
	if err != nil {
		t.Fatal(err)
	}
	var document openapi2.T
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	if document.Host != "barong.example:8443" || document.BasePath != "/auth/api/v2/management" || !slices.Equal(document.Schemes, []string{"https"}) {
		t.Errorf("the server is %v %s%s", document.Schemes, document.Host, document.BasePath)
	}
}

// Swagger 2.0 supports neither alternatives nor null.
func TestAnErrorMayBeOfAnyTypeAndNullsAreMarked(t *testing.T) {
	t.Parallel()
	document, _ := converted(t)
	if failure := document.Definitions["ErrorMessages"].Value; failure.Type != nil {
		t.Errorf("an error is only %v", failure.Type)
	}
	if data := document.Definitions["User"].Value.Properties["data"].Value; data.Extensions["x-nullable"] != true {
		t.Error("that data may be null is lost")
	}
}
