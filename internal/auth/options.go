package auth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxLeeway is the maximum of a leeway, about thirty years. It prevents overflow.
const maxLeeway = 1_000_000_000 * time.Second

const nullTag = "!!null"

// seconds is a duration that the file gives as a number of seconds.
type seconds time.Duration

// unset marks an option that the file does not set.
const unset = seconds(-1)

// UnmarshalYAML accepts a number from 0 to maxLeeway, with or without a fraction.
func (s *seconds) UnmarshalYAML(node *yaml.Node) error {
	var number float64
	if err := node.Decode(&number); err != nil {
		return err
	}
	if !(number >= 0 && number <= maxLeeway.Seconds()) { // written so that NaN is rejected too
		return errors.New("out of range")
	}
	*s = seconds(number * float64(time.Second))
	return nil
}

// list is a list of strings. The YAML decoder would silently skip a null in it, which might
// stand for a mandatory signer.
type list []string

// UnmarshalYAML accepts a list of scalars other than null.
func (l *list) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.SequenceNode {
		return errors.New("not a list")
	}
	*l = make(list, 0, len(node.Content))
	for _, element := range node.Content {
		if element.Kind == yaml.AliasNode {
			element = element.Alias
		}
		if element.Kind != yaml.ScalarNode || element.ShortTag() == nullTag {
			return errors.New("not a list of strings")
		}
		*l = append(*l, element.Value)
	}
	return nil
}

// oneOrMore is a list of strings that may be written as a single string.
type oneOrMore []string

// UnmarshalYAML accepts a string or a list of strings.
func (l *oneOrMore) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*l = []string{node.Value}
		return nil
	}
	return node.Decode((*list)(l))
}

// decodeStrict decodes a mapping into the targets by the names of its members. A member
// without a target is an error. Each error is a sentence that names the entry; the decoder's
// KnownFields is not used because its errors would name Go types.
func decodeStrict(path string, node *yaml.Node, targets map[string]any) (invalid []error) {
	var members map[string]yaml.Node
	if err := node.Decode(&members); err != nil {
		return []error{fmt.Errorf("%s must be a mapping, each of its members once", pathOrRoot(path))}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		member := members[name]
		target, known := targets[name]
		if !known {
			invalid = append(invalid, fmt.Errorf("%s is an unknown option; %s takes %v",
				join(path, name), pathOrRoot(path), slices.Sorted(maps.Keys(targets))))
			continue
		}
		wanted, mayBeNull := describeType(target)
		// A null would silently keep a default that the file appears to turn off.
		isNull := member.ShortTag() == nullTag
		if err := member.Decode(target); err != nil || isNull && !mayBeNull {
			invalid = append(invalid, fmt.Errorf("%s must be %s", join(path, name), wanted))
		}
	}
	return invalid
}

// describeType describes the values that a target accepts, and reports whether it may be
// blank.
func describeType(target any) (wanted string, mayBeNull bool) {
	switch target.(type) {
	case *bool:
		return "true or false", false
	case *string:
		return "a string", false
	case *seconds:
		return fmt.Sprintf("a number of seconds from 0 to %.0f", maxLeeway.Seconds()), false
	case *oneOrMore:
		return "a string or a list of strings", false
	case *list:
		return "a list of signers", true
	default:
		return "a mapping, each of its members once", true
	}
}
