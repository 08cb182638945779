package webhooks

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// Guards that the message of barong webhooks test is what openapi.yaml declares.
func TestTheTestMessageKeepsItsSchema(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := testBody(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var body any
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatal(err)
	}
	if err := document.Components.Schemas["WebhookTestEvent"].Value.VisitJSON(body, openapi3.EnableFormatValidation()); err != nil {
		t.Errorf("%s: %v", text, err)
	}
}
