package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Barong's keychain file is an ERB template, whose documented use is a value from the
// environment. Only this use is supported, and no Ruby. Each tag is first replaced by a
// placeholder, so that its quotes do not break the YAML around it, and filled in where the
// placeholder appears in a value. A tag in a comment is never evaluated. The content of a
// variable is text and cannot add YAML structure.
var (
	tagPattern = regexp.MustCompile(`<%.*?%>`)
	envPattern = regexp.MustCompile(`^<%=\s*(?:ENV\[\s*(?:'([^']+)'|"([^"]+)")\s*\]|ENV\.fetch\(\s*(?:'([^']+)'|"([^"]+)")\s*\))\s*%>$`)
	// The placeholder consists of private-use characters, which have no meaning in YAML.
	placeholder = regexp.MustCompile("\uE000([0-9]{1,9})\uE001")
)

const onlyENV = "of ERB, only <%= ENV['NAME'] %> is understood"

// template is a YAML file with ERB tags.
type template struct {
	tags   []string
	getenv func(string) string
}

// parseTemplate returns the root of the file's only document, with every tag filled in, or nil
// for an empty file. Its errors name the entry.
func parseTemplate(file []byte, getenv func(string) string) (*yaml.Node, error) {
	t := template{getenv: getenv}
	file = tagPattern.ReplaceAllFunc(file, func(tag []byte) []byte {
		t.tags = append(t.tags, string(tag))
		return fmt.Appendf(nil, "\uE000%d\uE001", len(t.tags)-1)
	})
	decoder := yaml.NewDecoder(bytes.NewReader(file))
	var document yaml.Node
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil && (len(t.tags) > 0 || bytes.Contains(file, []byte("<%"))):
		return nil, fmt.Errorf("the file is not YAML (%s): %w", onlyENV, err)
	case err != nil:
		return nil, fmt.Errorf("the file is not YAML: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file goes on after its first YAML document")
	}
	root := document.Content[0]
	return root, errors.Join(t.fill(root, "")...)
}

// fill replaces the placeholders in a node and its descendants.
func (t *template) fill(node *yaml.Node, path string) (invalid []error) {
	switch node.Kind {
	case yaml.ScalarNode:
		value, err := t.expand(node.Value)
		if err != nil {
			return []error{fmt.Errorf("%s: %w", pathOrRoot(path), err)}
		}
		if value != node.Value && node.Style == 0 {
			node.Tag = "" // the type of a plain scalar follows from its new text
		}
		node.Value = value
	case yaml.SequenceNode:
		for _, element := range node.Content {
			invalid = append(invalid, t.fill(element, path)...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			name, member := node.Content[i], node.Content[i+1]
			invalid = append(invalid, t.fill(name, path)...)
			invalid = append(invalid, t.fill(member, join(path, name.Value))...)
		}
	default: // an alias: its node is filled where it is defined
	}
	return invalid
}

func (t *template) expand(text string) (string, error) {
	if strings.Contains(text, "<%") {
		return "", errors.New(onlyENV)
	}
	var failure error
	expanded := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		i, err := strconv.Atoi(placeholder.FindStringSubmatch(found)[1])
		if err != nil || i >= len(t.tags) {
			return found // the file contained these characters itself
		}
		names := envPattern.FindStringSubmatch(t.tags[i])
		if names == nil {
			failure = errors.New(onlyENV)
			return ""
		}
		name := strings.Join(names[1:], "")
		value := t.getenv(name)
		if value == "" {
			failure = fmt.Errorf("the environment variable %s is not set", name)
		}
		return value
	})
	return expanded, failure
}

// join returns the path of an entry, such as keychain.backend.value.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// pathOrRoot returns the path of an entry, or a name for the whole file if it is empty.
func pathOrRoot(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}
