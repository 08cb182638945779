package apidocs

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document returns the specification for the page: with code samples for the command line and
// the SDKs (x-codeSamples), and with the errors of each operation (x-errors) in its responses.
// openapi.yaml itself has one response per status for all operations, so that generated
// clients have one type for each. The section, in Markdown, follows its description. The rest of the content and
// its order do not change.
func Document(specification []byte, section string) ([]byte, error) {
	document, err := parse(specification)
	if err != nil {
		return nil, err
	}
	if description := member(member(document.root.Content[0], "info"), "description"); description != nil && section != "" {
		description.Value += "\n" + section
	}
	err = document.eachOperation(func(path, method string, operation *yaml.Node) error {
		if err := document.addErrors(operation); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		return document.addSamples(path, method, operation)
	})
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	if err := encoder.Encode(document.root); err != nil {
		return nil, err
	}
	return text.Bytes(), encoder.Close()
}

// document is a specification as a YAML tree, which keeps the order of members.
type document struct{ root *yaml.Node }

func parse(specification []byte) (document, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(specification, &root); err != nil {
		return document{}, fmt.Errorf("the specification cannot be read: %w", err)
	}
	return document{&root}, nil
}

// eachOperation calls do for each operation, in the order of the specification.
func (d document) eachOperation(do func(path, method string, operation *yaml.Node) error) error {
	for path, item := range members(member(d.root.Content[0], "paths")) {
		for method, operation := range members(item) {
			if member(operation, "operationId") == nil {
				continue
			}
			if err := do(path, strings.ToUpper(method), operation); err != nil {
				return err
			}
		}
	}
	return nil
}

// parameters returns the schema of an operation's form, which excludes envelopes.
func (d document) parameters(operation *yaml.Node) *yaml.Node {
	content := member(member(operation, "requestBody"), "content")
	reference := scalar(member(member(member(content, "application/x-www-form-urlencoded"), "schema"), "$ref"))
	return member(member(member(d.root.Content[0], "components"), "schemas"), strings.TrimPrefix(reference, "#/components/schemas/"))
}

// example returns the JSON example of an operation's parameters, for a body that is not an
// envelope.
func (d document) example(operation *yaml.Node) *yaml.Node {
	content := member(member(operation, "requestBody"), "content")
	return member(member(content, "application/json"), "example")
}

// member returns a member of a mapping, or nil.
func member(mapping *yaml.Node, name string) *yaml.Node {
	for each, value := range members(mapping) {
		if each == name {
			return value
		}
	}
	return nil
}

// members iterates over the members of a mapping in order.
func members(mapping *yaml.Node) func(yield func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if mapping == nil || mapping.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if !yield(mapping.Content[i].Value, mapping.Content[i+1]) {
				return
			}
		}
	}
}

// scalar returns the text of a scalar node, or "" for nil.
func scalar(node *yaml.Node) string {
	if node == nil {
		return ""
	}
	return node.Value
}

// set appends a member with any value that YAML can encode.
func set(mapping *yaml.Node, name string, value any) error {
	var encoded yaml.Node
	if err := encoded.Encode(value); err != nil {
		return err
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, &encoded)
	return nil
}
