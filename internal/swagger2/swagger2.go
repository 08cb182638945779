// Package swagger2 writes an OpenAPI 3.0 document as Swagger 2.0, the format in
// which Barong publishes the interface and from which its clients are generated.
package swagger2

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"barong/internal/spec"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"

	envelopeScheme = "SignedEnvelope" // of bodies that Swagger 2.0 leaves out
)

// Convert returns the document as JSON. An operation's parameters are those of
// its form, as Barong publishes them: Swagger 2.0 has one kind of body for an
// operation. Where publicURL, under which the server is reached, is not empty, the
// document has its host and scheme. The document is used up: some of it changes.
func Convert(document *openapi3.T, publicURL string) ([]byte, error) {
	converted, err := openapi2conv.FromV3(document)
	if err != nil {
		return nil, fmt.Errorf("the specification cannot be written as Swagger 2.0: %w", err)
	}
	if err := address(converted, publicURL); err != nil {
		return nil, err
	}
	converted.Consumes = []string{mediaForm}
	converted.Produces = []string{mediaJSON}
	delete(converted.SecurityDefinitions, envelopeScheme)
	// A form is signed by a token.
	converted.Security = slices.DeleteFunc(converted.Security, func(scheme map[string][]string) bool { return scheme[envelopeScheme] != nil })
	for _, scheme := range converted.SecurityDefinitions {
		scheme.Description = "`Bearer ` and the token. " + scheme.Description
	}
	for operation := range spec.Operations(document) {
		form(converted.Paths[operation.Path].GetOperation(operation.Method), operation.Operation)
		dropBodies(converted.Definitions, operation.Operation)
	}
	for name, response := range converted.Responses {
		examples(response, document.Components.Responses[name].Value)
	}
	return json.Marshal(converted)
}

// address says where the server is reached, where that is known.
func address(converted *openapi2.T, publicURL string) error {
	if publicURL == "" {
		return nil
	}
	public, err := url.Parse(publicURL)
	if err != nil {
		return fmt.Errorf("the public URL cannot be read: %w", err)
	}
	converted.Schemes = []string{public.Scheme}
	converted.Host = public.Host
	converted.BasePath = strings.TrimSuffix(public.Path, "/") + converted.BasePath
	return nil
}

// form gives an operation the parameters of its form with all that their schemas
// say, in the order of x-order. Without any, the converter makes a body of JSON
// instead, which goes.
func form(converted *openapi2.Operation, operation *openapi3.Operation) {
	schema := operation.RequestBody.Value.Content[mediaForm].Schema.Value
	order := func(p *openapi2.Parameter) float64 {
		position, _ := schema.Properties[p.Name].Value.Extensions["x-order"].(float64)
		return position
	}
	converted.Parameters = slices.DeleteFunc(converted.Parameters, func(p *openapi2.Parameter) bool { return p.In != "formData" })
	slices.SortFunc(converted.Parameters, func(a, b *openapi2.Parameter) int { return cmp.Compare(order(a), order(b)) })
	for _, parameter := range converted.Parameters {
		parameter.Required = slices.Contains(schema.Required, parameter.Name)
		parameter.Format = schema.Properties[parameter.Name].Value.Format
	}
	converted.Consumes = nil // as the document says
	for status, response := range operation.Responses.Map() {
		examples(converted.Responses.Value(status), response.Value)
	}
}

// dropBodies removes the definitions of an operation's parameters, which are in
// the operation itself.
func dropBodies(definitions map[string]*openapi2.SchemaRef, operation *openapi3.Operation) {
	for _, media := range []string{mediaJSON, mediaForm} {
		reference := operation.RequestBody.Value.Content[media].Schema.Ref
		delete(definitions, strings.TrimPrefix(reference, "#/components/schemas/"))
	}
}

// examples keeps a response's example of JSON, the first by name where there are
// several, and what a header of Swagger 2.0 may say.
func examples(converted *openapi2.Response, response *openapi3.Response) {
	if converted.Ref != "" {
		return
	}
	for _, header := range converted.Headers {
		header.Required = false
	}
	content := response.Content[mediaJSON]
	example := content.Example
	for _, name := range slices.Sorted(maps.Keys(content.Examples)) {
		if example == nil {
			example = content.Examples[name].Value.Value
		}
	}
	if example != nil {
		converted.Examples = map[string]any{mediaJSON: example}
	}
}
