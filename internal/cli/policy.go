package cli

import (
	"fmt"

	"barong/internal/config"
	"barong/internal/identity"
)

// readPolicy is Barong's default policy with what barong.yml and the settings say
// otherwise.
func readPolicy(c config.Config) (identity.Policy, error) {
	policy := identity.DefaultPolicy()
	policy.RequireDocumentExpiry = c.DocumentExpiryRequired
	var err error
	if policy.PhoneCountry, err = identity.ParsePhoneCountry(c.PhoneCountry); err != nil {
		return policy, fmt.Errorf("BARONG_PHONE_COUNTRY: %w", err)
	}
	rules, err := config.ReadRules(c.RulesPath)
	if err != nil {
		return policy, err
	}
	requirements := func(pairs []config.Pair) []identity.Requirement {
		converted := make([]identity.Requirement, len(pairs))
		for i, pair := range pairs {
			converted[i] = identity.Requirement(pair)
		}
		return converted
	}
	if rules.ActivationRequirements != nil {
		policy.ActivationRequirements = requirements(rules.ActivationRequirements)
	}
	if rules.Levels != nil {
		policy.Levels = requirements(rules.Levels)
	}
	if rules.StateTriggers != nil {
		policy.StateTriggers = make([]identity.Trigger, len(rules.StateTriggers))
		for i, trigger := range rules.StateTriggers {
			policy.StateTriggers[i] = identity.Trigger(trigger)
		}
	}
	if rules.StateTriggerMatch == config.MatchPrefix {
		policy = policy.WithPrefixTriggers()
	}
	if rules.DocumentTypes != nil {
		policy.DocumentTypes = rules.DocumentTypes
	}
	if err := policy.Validate(); err != nil {
		return policy, fmt.Errorf("BARONG_CONFIG: %s: %w", c.RulesPath, err)
	}
	return policy, nil
}
