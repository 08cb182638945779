package apidocs

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is the specification as the page reads it: with samples for the
// command line and the SDKs in x-codeSamples, and with the errors of each
// operation, x-errors, in its responses. openapi.yaml itself has one response for
// all operations by status, so that generated clients have one type for each.
// What it says, and in which order, stays.
func Document(specification []byte) ([]byte, error) {
	document, err := parse(specification)
	if err != nil {
		return nil, err
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

// document is a specification as YAML, which keeps the order of its members.
type document struct{ root *yaml.Node }

func parse(specification []byte) (document, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(specification, &root); err != nil {
		return document{}, fmt.Errorf("the specification cannot be read: %w", err)
	}
	return document{&root}, nil
}

// eachOperation goes through them in the order of the specification.
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

// parameters is the schema of an operation's parameters: that of its form, which
// cannot be an envelope.
func (d document) parameters(operation *yaml.Node) *yaml.Node {
	content := member(member(operation, "requestBody"), "content")
	reference := scalar(member(member(member(content, "application/x-www-form-urlencoded"), "schema"), "$ref"))
	return member(member(member(d.root.Content[0], "components"), "schemas"), strings.TrimPrefix(reference, "#/components/schemas/"))
}

// example is that of an operation's parameters in JSON: of a body that is no envelope.
func (d document) example(operation *yaml.Node) *yaml.Node {
	content := member(member(operation, "requestBody"), "content")
	return member(member(content, "application/json"), "example")
}

// member is that of a mapping, or nil.
func member(mapping *yaml.Node, name string) *yaml.Node {
	for each, value := range members(mapping) {
		if each == name {
			return value
		}
	}
	return nil
}

// members are those of a mapping, in its order.
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

// scalar is the text of one, or of none.
func scalar(node *yaml.Node) string {
	if node == nil {
		return ""
	}
	return node.Value
}

// set appends a member, whose value may be any that YAML can write.
func set(mapping *yaml.Node, name string, value any) error {
	var encoded yaml.Node
	if err := encoded.Encode(value); err != nil {
		return err
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, &encoded)
	return nil
}
