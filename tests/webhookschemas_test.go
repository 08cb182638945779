package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"barong/handlers"
	"barong/internal/app"
	"barong/internal/events"
	"barong/internal/webhooks"
	"barong/repository"
)

// webhookSchemas returns the schemas of bodies by type, as x-webhooks of openapi.yaml refers to them. They
// are closed: a member that they do not declare is an error.
func webhookSchemas(t *testing.T) map[string]*openapi3.Schema {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(document.Extensions["x-webhooks"])
	if err != nil {
		t.Fatal(err)
	}
	var declared map[string]struct {
		Post struct {
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					} `json:"schema"`
					Example any `json:"example"`
				} `json:"content"`
			} `json:"requestBody"`
		} `json:"post"`
	}
	if err := json.Unmarshal(text, &declared); err != nil {
		t.Fatal(err)
	}
	closed := false
	for _, schema := range document.Components.Schemas {
		if len(schema.Value.Properties) > 0 {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}
	schemas := map[string]*openapi3.Schema{}
	for kind, webhook := range declared {
		content := webhook.Post.RequestBody.Content["application/json"]
		schema := document.Components.Schemas[strings.TrimPrefix(content.Schema.Ref, "#/components/schemas/")]
		if schema == nil {
			t.Fatalf("%s refers to %q", kind, content.Schema.Ref)
		}
		if err := schema.Value.VisitJSON(content.Example); err != nil {
			t.Errorf("the example of %s: %v", kind, err)
		}
		schemas[kind] = schema.Value
	}
	return schemas
}

// eventfulUser makes writes of all types of events, and returns the user.
func eventfulUser(a *api) string {
	a.t.Helper()
	uid, secret := a.enrolled()
	a.must("createLabel", parameters{"user_uid": uid, "key": "phone", "value": "drafted"})
	a.must("updateLabel", parameters{"user_uid": uid, "key": "phone", "value": "verified"})
	a.must("deleteLabel", parameters{"user_uid": uid, "key": "phone"})
	a.must("createProfile", parameters{"uid": uid, "first_name": "Ada"})
	a.must("updateUser", parameters{"uid": uid, "data": `{"theme":"dark"}`})
	a.must("createDocument", passport(uid, png(100)))
	a.must("signOTP", parameters{"user_uid": uid, "otp_code": a.code(secret, 0)})
	return uid
}

// deliveredTo returns what an endpoint gets of all events of a user.
func deliveredTo(t *testing.T, a *api, uid string, full bool) []delivered {
	t.Helper()
	r := newReceiver(t)
	file := filepath.Join(t.TempDir(), "webhooks.yml")
	text := fmt.Sprintf("endpoints:\n  - name: crm\n    url: %s/hook\n    secret: %s\n    allow_networks: [127.0.0.0/8]\n    full: %t\n", r.URL, r.secret, full)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h := hooksOn(t, a.pool, r, file, func(o *webhooks.Options) {
		o.Records = app.EventRecords(handlers.EventRecords{Repo: o.Repo, Documents: a.store})
	})
	head := seal(t, h.repo)
	if err := h.repo.OpenWebhookEndpoint(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	lane := repository.WebhookLane{Endpoint: "crm", UID: uid, SentIndex: repository.WholeRow, WantedSeq: head.Size}
	if err := h.repo.ExtendWebhookLanes(t.Context(), []repository.WebhookLane{lane}); err != nil {
		t.Fatal(err)
	}
	h.deliver(t, uid)
	return r.messages()
}

// Guards that every body is what x-webhooks declares, with no member beyond it, and that the endpoints with
// full: true, and only they, get the records: the user, and the label, profile or document.
func TestWebhooksKeepTheirSchemas(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} {
		t.Run(fmt.Sprintf("full %t", full), func(t *testing.T) {
			t.Parallel()
			schemas, a := webhookSchemas(t), start(t)
			uid := eventfulUser(a)
			seen := map[events.Type]bool{}
			for _, m := range deliveredTo(t, a, uid, full) {
				seen[events.Type(m.kind)] = true
				holdsRecords(t, m, uid, full)
				var body any
				if err := json.Unmarshal(m.body, &body); err != nil {
					t.Fatal(err)
				}
				schema := schemas[m.kind]
				if schema == nil {
					t.Fatalf("%s is not declared", m.kind)
				}
				if err := schema.VisitJSON(body, openapi3.MultiErrors(), openapi3.EnableFormatValidation()); err != nil {
					t.Errorf("%s: %v", m.body, err)
				}
			}
			for _, kind := range events.Types {
				if !seen[kind] {
					t.Errorf("there is no %s", kind)
				}
			}
			if len(schemas) != len(events.Types)+1 || schemas[webhooks.TestType] == nil {
				t.Errorf("%d types are declared", len(schemas))
			}
		})
	}
}

// holdsRecords fails the test unless a message has the records that it should have. A label that was deleted
// since is gone.
func holdsRecords(t *testing.T, m delivered, uid string, full bool) {
	t.Helper()
	var body struct {
		Data struct {
			Label   struct{ Key string }
			Records map[string]map[string]any
		}
	}
	if err := json.Unmarshal(m.body, &body); err != nil {
		t.Fatal(err)
	}
	if !full {
		if body.Data.Records != nil || strings.Contains(string(m.body), "@example.com") {
			t.Errorf("without full there are records: %s", m.body)
		}
		return
	}
	expected := []string{"user"}
	switch kind, _, _ := strings.Cut(m.kind, "."); {
	case kind == "profile", kind == "document", kind == "label" && body.Data.Label.Key != "phone":
		expected = append(expected, kind)
	}
	for _, name := range expected {
		if body.Data.Records[name] == nil {
			t.Errorf("%s lacks the %s: %s", m.kind, name, m.body)
		}
	}
	if len(body.Data.Records) != len(expected) || body.Data.Records["user"]["uid"] != uid || slices.Contains(expected, "document") && body.Data.Records["document"]["doc_type"] == nil {
		t.Errorf("%s has other records than %v: %s", m.kind, expected, m.body)
	}
}
