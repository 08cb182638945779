package apidocs

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// operationErrors is x-errors of an operation: its own sentences by status, a text
// or a list of one (a rule of a record comes in an array). What every operation
// answers is not in it.
type operationErrors map[string][]any

// commonErrors is what every operation answers, beside its own.
var commonErrors = operationErrors{
	"401": {"Failed to verify JWT.", "Not enough signatures for the action."},
	"429": {"A signer has sent too many requests, try again later"},
	"503": {"The server is busy with other requests, try again later", "The database is not available, try again later"},
}

// meanings are the descriptions of the responses.
var meanings = map[string]string{
	"401": "The request is not signed as the operation demands. The reason is in the server's log.",
	"404": "There is no such record.",
	"422": "The parameters break the schema, a record its rules, or the operation refuses.",
	"429": "Too many requests, or attempts: try again after Retry-After seconds.",
	"503": "Try again after Retry-After seconds.",
}

// addErrors makes responses of the sentences that an operation may answer.
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
	for status, sentences := range own {
		if meanings[status] == "" {
			return fmt.Errorf("x-errors: %s is no status that an operation answers by itself", status)
		}
		byStatus[status] = append(byStatus[status], sentences...)
	}
	for status, sentences := range commonErrors {
		byStatus[status] = append(byStatus[status], sentences...)
	}
	responses := member(operation, "responses")
	statuses := make([]string, 0, len(byStatus))
	for status := range byStatus {
		statuses = append(statuses, status)
	}
	slices.Sort(statuses)
	fallback := slices.Clone(responses.Content[len(responses.Content)-2:]) // default stays the last one
	responses.Content = responses.Content[:len(responses.Content)-2]
	for _, status := range statuses {
		if err := set(responses, status, errorResponse(status, byStatus[status])); err != nil {
			return err
		}
		responses.Content[len(responses.Content)-2].Style = yaml.DoubleQuotedStyle // a status is a text
	}
	responses.Content = append(responses.Content, fallback...)
	return nil
}

func errorResponse(status string, sentences []any) map[string]any {
	examples := map[string]any{}
	var list strings.Builder
	for i, sentence := range sentences {
		examples[fmt.Sprintf("%02d", i+1)] = map[string]any{"summary": fmt.Sprint(sentence), "value": map[string]any{"error": sentence}}
		fmt.Fprintf(&list, "\n- `%s`", strings.Trim(fmt.Sprint(sentence), "[]"))
	}
	return map[string]any{
		"description": meanings[status] + "\n" + list.String(),
		"content": map[string]any{"application/json": map[string]any{
			"schema": map[string]any{"$ref": "#/components/schemas/Error"}, "examples": examples,
		}},
	}
}

// missingSentence is what a call without any parameter gets: of each required one
// that it is missing, and empty. "" where none is required.
func (d document) missingSentence(operation *yaml.Node) string {
	var sentences []string
	if required := member(d.parameters(operation), "required"); required != nil {
		for _, name := range required.Content {
			sentences = append(sentences, name.Value+" is missing, "+name.Value+" is empty")
		}
	}
	return strings.Join(sentences, ", ")
}
