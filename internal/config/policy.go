package config

import (
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"

	"barong/internal/identity"
)

// The values of state_trigger_match: the part of a label's key that must equal a trigger.
const (
	matchWhole  = "whole"  // all of it, unless the trigger ends in a *
	matchPrefix = "prefix" // its prefix, as in Barong
)

// policyFile is the supported part of barong.yml, in Barong's format. Members for other parts of
// Barong are ignored.
type policyFile struct {
	ActivationRequirements yaml.Node `yaml:"activation_requirements"`
	StateTriggers          yaml.Node `yaml:"state_triggers"`
	Levels                 []struct {
		Key   string `yaml:"key"`
		Value string `yaml:"value"`
	} `yaml:"levels"`
	StateTriggerMatch string   `yaml:"state_trigger_match"`
	DocumentTypes     []string `yaml:"document_types"`
	Roles             []string `yaml:"roles"`
}

// Policy returns Barong's default policy with the changes of the settings and of barong.yml. The
// error names the setting.
func (c Config) Policy() (identity.Policy, error) {
	policy := identity.DefaultPolicy()
	policy.RequireDocumentExpiry = c.DocumentExpiryRequired
	var err error
	if policy.PhoneCountry, err = identity.ParsePhoneCountry(c.PhoneCountry); err != nil {
		return policy, fmt.Errorf("BARONG_PHONE_COUNTRY: %w", err)
	}
	if c.RulesPath == "" {
		return policy, nil
	}
	content, err := os.ReadFile(c.RulesPath)
	if err != nil {
		return policy, fmt.Errorf("BARONG_CONFIG: %w", err)
	}
	var file policyFile
	if err = yaml.Unmarshal(content, &file); err == nil {
		policy, err = file.apply(policy)
	}
	if err == nil {
		err = policy.Validate()
	}
	if err != nil {
		return policy, fmt.Errorf("BARONG_CONFIG: %s: %w", c.RulesPath, err)
	}
	return policy, nil
}

// apply returns the policy with the members of the file. Requirements and triggers keep the order
// of the file.
func (f policyFile) apply(policy identity.Policy) (identity.Policy, error) {
	var requirements []identity.Requirement
	err := visitMapping(f.ActivationRequirements, func(key string, value *yaml.Node) error {
		requirement := identity.Requirement{Key: key}
		err := value.Decode(&requirement.Value)
		requirements = append(requirements, requirement)
		return err
	})
	if err != nil {
		return policy, fmt.Errorf("activation_requirements must be a mapping of label keys to values: %w", err)
	}
	if requirements != nil {
		policy.ActivationRequirements = requirements
	}
	var triggers []identity.Trigger
	err = visitMapping(f.StateTriggers, func(state string, value *yaml.Node) error {
		trigger := identity.Trigger{State: state}
		err := value.Decode(&trigger.Keys)
		triggers = append(triggers, trigger)
		return err
	})
	if err != nil {
		return policy, fmt.Errorf("state_triggers must be a mapping of states to lists of label keys: %w", err)
	}
	if triggers != nil {
		policy.StateTriggers = triggers
	}
	switch f.StateTriggerMatch {
	case "", matchWhole:
	case matchPrefix:
		policy = policy.WithPrefixTriggers()
	default:
		return policy, fmt.Errorf("state_trigger_match must be %s or %s, and is %q", matchWhole, matchPrefix, f.StateTriggerMatch)
	}
	if len(f.Levels) > 0 {
		policy.Levels = nil
	}
	for i, level := range f.Levels {
		if level.Key == "" || level.Value == "" {
			return policy, fmt.Errorf("level %d needs a key and a value", i+1)
		}
		policy.Levels = append(policy.Levels, identity.Requirement(level))
	}
	if f.DocumentTypes != nil {
		policy.DocumentTypes = f.DocumentTypes
	}
	if f.Roles != nil {
		policy.Roles = f.Roles
	}
	return policy, nil
}

// visitMapping visits a mapping in the file's order, which a Go map would lose.
func visitMapping(node yaml.Node, visit func(key string, value *yaml.Node) error) error {
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
