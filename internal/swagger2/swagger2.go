// Package swagger2 converts an OpenAPI 3.0 document to Swagger 2.0, the format of Barong's own
// specification, from which its clients are generated.
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

	webhooks       = "x-webhooks"     // refers to schemas where Swagger 2.0 has none
	envelopeScheme = "SignedEnvelope" // of JSON bodies, which the Swagger 2.0 document omits
)

// Convert returns the document as Swagger 2.0 in JSON. The parameters of an operation are
// those of its form, as in Barong's specification, because Swagger 2.0 allows one kind of body
// per operation. If publicURL, the server's base URL for clients, is not empty, the document
// contains its host and scheme. Convert modifies its argument.
func Convert(document *openapi3.T, publicURL string) ([]byte, error) {
	converted, err := openapi2conv.FromV3(document)
	if err != nil {
		return nil, fmt.Errorf("the specification cannot be written as Swagger 2.0: %w", err)
	}
	if err := address(converted, publicURL); err != nil {
		return nil, err
	}
	converted.Parameters = nil // in headers: Barong's specification has none
	delete(converted.Extensions, webhooks)
	converted.Consumes = []string{mediaForm}
	converted.Produces = []string{mediaJSON}
	delete(converted.SecurityDefinitions, envelopeScheme)
	// A form cannot be an envelope, so that only the token remains.
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

// address sets host and schemes from the public URL, if it is known.
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

// form replaces the parameters of an operation by those of its form, with all properties of
// their schemas, in the order of x-order. For an operation without parameters, it removes the
// JSON body that the converter adds.
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
	converted.Consumes = nil // the default of the document applies
	for status, response := range operation.Responses.Map() {
		examples(converted.Responses.Value(status), response.Value)
	}
}

// dropBodies removes the definitions of an operation's body, which form has inlined.
func dropBodies(definitions map[string]*openapi2.SchemaRef, operation *openapi3.Operation) {
	for _, media := range []string{mediaJSON, mediaForm} {
		reference := operation.RequestBody.Value.Content[media].Schema.Ref
		delete(definitions, strings.TrimPrefix(reference, "#/components/schemas/"))
	}
}

// examples keeps the first JSON example of a response by name, and the header properties that
// Swagger 2.0 supports.
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
