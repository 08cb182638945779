// Package clientspec reduces the OpenAPI document for generators that support only one media
// type per body.
package clientspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"barong/internal/spec"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	mediaJSON      = "application/json"
	envelopeScheme = "SignedEnvelope"
	schemas        = "#/components/schemas/"
)

// Derive returns the document as JSON, with application/json as the only media type of bodies:
// forms, signed envelopes and problem details are removed, with the schemas that only they
// used. So are the parameters in headers: clients send those themselves, and a generated method
// would get an argument for each. If publicURL, the server's base URL for clients, is not empty, the URLs in servers are
// absolute. Derive modifies the document.
func Derive(document *openapi3.T, publicURL string) ([]byte, error) {
	used, err := usedSchemas(document)
	if err != nil {
		return nil, err
	}
	for operation := range spec.Operations(document) {
		operation.Parameters = nil
		if operation.RequestBody != nil {
			keepJSON(operation.RequestBody.Value.Content)
		}
		for _, response := range operation.Responses.Map() {
			keepJSON(response.Value.Content)
		}
	}
	for _, response := range document.Components.Responses {
		keepJSON(response.Value.Content)
	}
	document.Components.Parameters = nil
	delete(document.Components.SecuritySchemes, envelopeScheme)
	document.Security = slices.DeleteFunc(document.Security, func(requirement openapi3.SecurityRequirement) bool {
		_, isEnvelope := requirement[envelopeScheme]
		return isEnvelope
	})
	if publicURL != "" {
		for _, server := range document.Servers {
			server.URL = strings.TrimSuffix(publicURL, "/") + server.URL
		}
	}
	if err := dropUnused(document, used); err != nil {
		return nil, err
	}
	return json.Marshal(document)
}

func keepJSON(content openapi3.Content) {
	for media := range content {
		if media != mediaJSON {
			delete(content, media)
		}
	}
}

// dropUnused removes the schemas in used that are no longer referenced, repeatedly, until only
// referenced ones remain.
func dropUnused(document *openapi3.T, used map[string]bool) error {
	for {
		still, err := usedSchemas(document)
		if err != nil {
			return err
		}
		before := len(document.Components.Schemas)
		for name := range document.Components.Schemas {
			if used[name] && !still[name] {
				delete(document.Components.Schemas, name)
			}
		}
		if len(document.Components.Schemas) == before {
			return nil
		}
	}
}

// usedSchemas returns the referenced schemas.
func usedSchemas(document *openapi3.T) (map[string]bool, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("the specification cannot be written: %w", err)
	}
	used := map[string]bool{}
	for name := range document.Components.Schemas {
		used[name] = bytes.Contains(text, []byte(`"`+schemas+name+`"`))
	}
	return used, nil
}
