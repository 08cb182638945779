package apidocs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"barong/clients/go/api"
	"barong/internal/spec"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// documented returns the page's document, also by operationId.
func documented(t *testing.T) (*openapi3.T, map[string]*openapi3.Operation) {
	t.Helper()
	content, err := Document(specification(t), "## Section\n")
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(content)
	if err != nil {
		t.Fatal(err)
	}
	operations := map[string]*openapi3.Operation{}
	for operation := range spec.Operations(document) {
		operations[operation.OperationID] = operation.Operation
	}
	return document, operations
}

func TestTheDocumentOfThePageIsAValidSpecification(t *testing.T) {
	t.Parallel()
	document, operations := documented(t)
	if err := document.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if len(operations) != len(api.Operations) {
		t.Errorf("it has %d operations, of %d", len(operations), len(api.Operations))
	}
	if !strings.HasSuffix(document.Info.Description, "\n\n## Section\n") {
		t.Errorf("the description ends without the section: %q", document.Info.Description)
	}
}

func TestEachOperationHasItsErrors(t *testing.T) {
	t.Parallel()
	_, operations := documented(t)
	page, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for id, operation := range operations {
		for _, status := range []string{"401", "429", "503", "default"} {
			if operation.Responses.Value(status) == nil {
				t.Errorf("%s has no response %s", id, status)
			}
		}
	}
	for id, want := range map[string][2]string{
		"signOTP":        {"422", "OTP code is invalid"},
		"createLabel":    {"422", "user_uid is missing, user_uid is empty, key is missing, key is empty, value is missing, value is empty"},
		"updateLabel":    {"404", "label doesnt exist"},
		"createDocument": {"422", "Doc type is not included in the list"},
		"importUser":     {"422", "User already exists by this email"},
	} {
		response := operations[id].Responses.Value(want[0])
		if response == nil || !strings.Contains(*response.Value.Description, "- `"+want[1]+"`") {
			t.Errorf("%s does not say that %s is %s", id, want[0], want[1])
		}
	}
	// The errors in openapi.yaml must be those in docs/errors.md, which another test compares
	// with the code.
	known := string(page)
	for id, operation := range operations {
		own, _ := operation.Extensions["x-errors"].(map[string]any)
		for status, sentences := range own {
			for _, sentence := range sentences.([]any) {
				parts, isList := sentence.([]any)
				if !isList {
					parts = []any{sentence}
				}
				for _, part := range parts {
					if text := wording(fmt.Sprint(part)); !strings.Contains(known, text) {
						t.Errorf("%s: %s %q is not in docs/errors.md", id, status, text)
					}
				}
			}
		}
	}
}

// wording returns a message as the table in docs/errors.md has it, where variable parts are
// named.
func wording(sentence string) string {
	for variant, spelt := range map[string]string{
		"Value ": "Key ", `reason "payload is missing"`: `reason "…"`,
	} {
		sentence = strings.Replace(sentence, variant, spelt, 1)
	}
	return sentence
}

func TestEachOperationHasASampleForEveryClient(t *testing.T) {
	t.Parallel()
	_, operations := documented(t)
	for id, operation := range operations {
		samples, _ := operation.Extensions["x-codeSamples"].([]any)
		if len(samples) != 5 {
			t.Errorf("%s has %d samples", id, len(samples))
		}
	}
	for _, want := range []string{
		"barong call updateLabel \\\n  user_uid=ID873B5CE1D2 \\\n  key=document \\\n  value=verified \\\n  replace=true",
		"await unwrap(client.PUT('/labels', {\n  body: {\n    user_uid: \"ID873B5CE1D2\",",
		"answer = LabelsApi(client).update_label(UpdateLabelParameters(\n    user_uid=\"ID873B5CE1D2\",",
		"LabelsApi.new(client).update_label(\n  UpdateLabelParameters.new(\n    user_uid: 'ID873B5CE1D2',",
		"client.UpdateLabelWithResponse(ctx, api.UpdateLabelParameters{\n\tUserUID: \"ID873B5CE1D2\",",
	} {
		if text := fmt.Sprint(operations["updateLabel"].Extensions["x-codeSamples"]); !strings.Contains(text, want) {
			t.Errorf("updateLabel lacks %s: %s", want, text)
		}
	}
}

// eachSample calls use with each sample in one language.
func eachSample(t *testing.T, lang string, use func(id, source string)) {
	t.Helper()
	document, err := parse(specification(t))
	if err != nil {
		t.Fatal(err)
	}
	err = document.eachOperation(func(path, method string, operation *yaml.Node) error {
		samples, err := document.samples(path, method, operation)
		for _, sample := range samples {
			if sample.Lang == lang {
				use(scalar(member(operation, "operationId")), sample.Source)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheSamplesInGoCompile(t *testing.T) {
	t.Parallel()
	var program strings.Builder
	program.WriteString(`package samples
import ("context"; "encoding/json"; barong "barong/clients/go"; "barong/clients/go/api")
var _ json.RawMessage
`)
	eachSample(t, "go", func(id, source string) {
		fmt.Fprintf(&program, "func %s(ctx context.Context, client *barong.Client) error {\n%s\n_ = answer\nreturn err\n}\n", id, source)
	})
	folder, err := os.MkdirTemp(".", "samples") // inside the module, whose packages the samples import
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "samples.go")
	if err := os.WriteFile(file, []byte(program.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), "go", "vet", "./"+folder).CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, output, program.String())
	}
}
