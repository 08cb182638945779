package config

import (
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// Rules is what barong.yml says of accounts. A member that the file lacks is
// nil or empty: the default stands.
type Rules struct {
	ActivationRequirements []Pair
	StateTriggers          []Trigger // in the file's order, the most severe first
	StateTriggerMatch      string    // MatchWhole, which is the default, or MatchPrefix
	Levels                 []Pair    // from 1 upward
	DocumentTypes          []string
}

// The values of state_trigger_match: what of a label's key has to equal a trigger.
const (
	MatchWhole  = "whole"  // all of it, unless the trigger ends in a *
	MatchPrefix = "prefix" // its beginning, as in Barong
)

// Pair is a label that is asked for.
type Pair struct{ Key, Value string }

// Trigger is a state and the label keys that bring it about.
type Trigger struct {
	State string
	Keys  []string
}

// rulesFile is what is read of barong.yml.
type rulesFile struct {
	ActivationRequirements yaml.Node `yaml:"activation_requirements"`
	StateTriggers          yaml.Node `yaml:"state_triggers"`
	Levels                 []struct {
		Key   string `yaml:"key"`
		Value string `yaml:"value"`
	} `yaml:"levels"`
	StateTriggerMatch string   `yaml:"state_trigger_match"`
	DocumentTypes     []string `yaml:"document_types"`
}

// ReadRules reads barong.yml, in Barong's own format: members that concern other
// parts of Barong are passed over. An empty path gives no rules.
func ReadRules(path string) (Rules, error) {
	var rules Rules
	if path == "" {
		return rules, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return rules, fmt.Errorf("BARONG_CONFIG: %w", err)
	}
	var file rulesFile
	if err := yaml.Unmarshal(content, &file); err != nil {
		return rules, fmt.Errorf("BARONG_CONFIG: %s: %w", path, err)
	}
	err = members(file.ActivationRequirements, func(key string, value *yaml.Node) error {
		var wanted string
		err := value.Decode(&wanted)
		rules.ActivationRequirements = append(rules.ActivationRequirements, Pair{key, wanted})
		return err
	})
	if err != nil {
		return rules, fmt.Errorf("BARONG_CONFIG: %s: activation_requirements must be a mapping of label keys to values: %w", path, err)
	}
	err = members(file.StateTriggers, func(state string, value *yaml.Node) error {
		var keys []string
		err := value.Decode(&keys)
		rules.StateTriggers = append(rules.StateTriggers, Trigger{state, keys})
		return err
	})
	if err != nil {
		return rules, fmt.Errorf("BARONG_CONFIG: %s: state_triggers must be a mapping of states to lists of label keys: %w", path, err)
	}
	switch file.StateTriggerMatch {
	case "", MatchWhole, MatchPrefix:
		rules.StateTriggerMatch = file.StateTriggerMatch
	default:
		return rules, fmt.Errorf("BARONG_CONFIG: %s: state_trigger_match must be %s or %s, and is %q", path, MatchWhole, MatchPrefix, file.StateTriggerMatch)
	}
	for i, level := range file.Levels {
		if level.Key == "" || level.Value == "" {
			return rules, fmt.Errorf("BARONG_CONFIG: %s: level %d needs a key and a value", path, i+1)
		}
		rules.Levels = append(rules.Levels, Pair(level))
	}
	rules.DocumentTypes = file.DocumentTypes
	return rules, nil
}

// members visits a mapping in the file's order, which a Go map would lose.
func members(node yaml.Node, visit func(key string, value *yaml.Node) error) error {
	switch {
	case node.IsZero() || node.Tag == "!!null":
		return nil
	case node.Kind != yaml.MappingNode:
		return fmt.Errorf("line %d holds no mapping", node.Line)
	}
	for i := 0; i < len(node.Content); i += 2 {
		if err := visit(node.Content[i].Value, node.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}
