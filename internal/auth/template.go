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

// Barong's file is an ERB template, whose documented use is a value from the
// environment. That much is understood here, and no Ruby: a tag is first put
// aside, so that its quotes do not break the YAML around it, and filled in where
// it turns up in a value. One in a comment never does. What the environment
// holds is text, and cannot add structure to the file.
var (
	tagPattern = regexp.MustCompile(`<%.*?%>`)
	envPattern = regexp.MustCompile(`^<%=\s*(?:ENV\[\s*(?:'([^']+)'|"([^"]+)")\s*\]|ENV\.fetch\(\s*(?:'([^']+)'|"([^"]+)")\s*\))\s*%>$`)
	// Private-use characters stand for a tag, since YAML has no meaning for them.
	placeholder = regexp.MustCompile("\uE000([0-9]{1,9})\uE001")
)

const onlyENV = "of ERB, only <%= ENV['NAME'] %> is understood"

// template is a YAML file with ERB tags.
type template struct {
	tags   []string
	getenv func(string) string
}

// parseTemplate returns the root of the file's only document, with every tag
// filled in; nil where the file is empty. Its errors name the entry.
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

// fill puts the values of the tags into a node and all below it.
func (t *template) fill(node *yaml.Node, place string) (refused []error) {
	switch node.Kind {
	case yaml.ScalarNode:
		value, err := t.expand(node.Value)
		if err != nil {
			return []error{fmt.Errorf("%s: %w", pathOrRoot(place), err)}
		}
		if value != node.Value && node.Style == 0 {
			node.Tag = "" // a plain scalar's type follows from what it is now
		}
		node.Value = value
	case yaml.SequenceNode:
		for _, element := range node.Content {
			refused = append(refused, t.fill(element, place)...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			name, member := node.Content[i], node.Content[i+1]
			refused = append(refused, t.fill(name, place)...)
			refused = append(refused, t.fill(member, join(place, name.Value))...)
		}
	default: // an alias: what it stands for is filled where it is defined
	}
	return refused
}

func (t *template) expand(text string) (string, error) {
	if strings.Contains(text, "<%") {
		return "", errors.New(onlyENV)
	}
	var refused error
	expanded := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		i, err := strconv.Atoi(placeholder.FindStringSubmatch(found)[1])
		if err != nil || i >= len(t.tags) {
			return found // not ours: these characters stood in the file
		}
		names := envPattern.FindStringSubmatch(t.tags[i])
		if names == nil {
			refused = errors.New(onlyENV)
			return ""
		}
		name := strings.Join(names[1:], "")
		value := t.getenv(name)
		if value == "" {
			refused = fmt.Errorf("the environment variable %s is not set", name)
		}
		return value
	})
	return expanded, refused
}

// join makes the name of an entry, as keychain.backend.value.
func join(place, name string) string {
	if place == "" {
		return name
	}
	return place + "." + name
}

// pathOrRoot names an entry by its path, which is empty for the whole file.
func pathOrRoot(place string) string {
	if place == "" {
		return "the file"
	}
	return place
}
