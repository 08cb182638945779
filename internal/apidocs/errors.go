package apidocs

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// operationErrors is x-errors of an operation: its specific messages by status. Each is a text
// or a list of one (a message about a record is in an array). Errors that every operation can
// return are not included.
type operationErrors map[string][]any

// commonErrors are the errors that every operation can return besides its own.
var commonErrors = operationErrors{
	"401": {"Failed to verify JWT.", "Not enough signatures for the action."},
	"429": {"A signer has sent too many requests, try again later"},
	"503": {"The server is busy with other requests, try again later", "The database is not available, try again later"},
}

// undeclared describes the statuses that openapi.yaml does not declare by name because few
// operations return them.
var undeclared = map[string]string{
	"400": "The request cannot be carried out as it is.",
	"404": "There is no such record.",
}

// addErrors adds the messages that an operation can return to its responses.
func (d document) addErrors(operation *yaml.Node) error {
	var own operationErrors
	if node := member(operation, "x-errors"); node != nil {
		if err := node.Decode(&own); err != nil {
			return fmt.Errorf("x-errors: %w", err)
		}
	}
	byStatus := operationErrors{}
	if sentence := d.missingSentence(operation); sentence != "" {
		byStatus["422"] = append(byStatus["422"], sentence)
	}
	responses := member(operation, "responses")
	for status, sentences := range own {
		if undeclared[status] == "" && member(responses, status) == nil {
			return fmt.Errorf("x-errors: %s is no status that an operation answers by itself", status)
		}
		byStatus[status] = append(byStatus[status], sentences...)
	}
	for status, sentences := range commonErrors {
		byStatus[status] = append(byStatus[status], sentences...)
	}
	for status, meaning := range undeclared {
		if sentences := byStatus[status]; sentences != nil {
			if err := set(responses, status, d.errorResponse(meaning, member(responses, "default"), sentences)); err != nil {
				return err
			}
		}
	}
	for status, response := range members(responses) {
		sentences := byStatus[status]
		if undeclared[status] != "" || sentences == nil {
			continue
		}
		described := d.errorResponse(scalar(member(d.resolve(response), "description")), response, sentences)
		if err := response.Encode(described); err != nil {
			return err
		}
	}
	sortStatuses(responses)
	return nil
}

// sortStatuses sorts responses by status, default last.
func sortStatuses(responses *yaml.Node) {
	type response struct{ status, value *yaml.Node }
	var sorted []response
	for i := 0; i+1 < len(responses.Content); i += 2 {
		responses.Content[i].Style = yaml.DoubleQuotedStyle // YAML must read a status as text
		sorted = append(sorted, response{responses.Content[i], responses.Content[i+1]})
	}
	slices.SortFunc(sorted, func(a, b response) int { return strings.Compare(a.status.Value, b.status.Value) })
	responses.Content = responses.Content[:0]
	for _, r := range sorted {
		responses.Content = append(responses.Content, r.status, r.value)
	}
}

// errorResponse returns a declared response whose examples are replaced by the messages of one
// operation.
func (d document) errorResponse(meaning string, declared *yaml.Node, sentences []any) map[string]any {
	examples := map[string]any{}
	var list strings.Builder
	for i, sentence := range sentences {
		examples[fmt.Sprintf("%02d", i+1)] = map[string]any{"summary": fmt.Sprint(sentence), "value": map[string]any{"error": sentence}}
		fmt.Fprintf(&list, "\n- `%s`", strings.Trim(fmt.Sprint(sentence), "[]"))
	}
	return map[string]any{
		"description": meaning + "\n" + list.String(),
		"headers":     member(d.resolve(declared), "headers"),
		"content": map[string]any{"application/json": map[string]any{
			"schema": map[string]any{"$ref": "#/components/schemas/Error"}, "examples": examples,
		}},
	}
}

// resolve returns the response that a reference points to.
func (d document) resolve(response *yaml.Node) *yaml.Node {
	name, isReference := strings.CutPrefix(scalar(member(response, "$ref")), "#/components/responses/")
	if !isReference {
		return response
	}
	return member(member(member(d.root.Content[0], "components"), "responses"), name)
}

// missingSentence returns the message of a call without parameters: for each required
// parameter that it is missing, and empty. It is "" if none is required.
func (d document) missingSentence(operation *yaml.Node) string {
	var sentences []string
	if required := member(d.parameters(operation), "required"); required != nil {
		for _, name := range required.Content {
			sentences = append(sentences, name.Value+" is missing, "+name.Value+" is empty")
		}
	}
	return strings.Join(sentences, ", ")
}
