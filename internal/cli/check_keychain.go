package cli

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"

	"barong/internal/app"
	"barong/internal/auth"
	"barong/internal/config"
)

var discardLog = slog.New(slog.DiscardHandler)

// keychainCheck lists who may call which operations.
type keychainCheck struct {
	File       string           `json:"file"` // empty: the keychain of the development signer
	Signers    []signerCheck    `json:"signers"`
	Operations []operationCheck `json:"operations"`
	// Extended are the scopes that permit more than in Barong 2.3.38, with their signers.
	Extended []app.ExtendedScope `json:"extended_scopes"`
}

type signerCheck struct {
	Name      string `json:"name"`
	Algorithm string `json:"algorithm"`
}

type operationCheck struct {
	Operation string   `json:"operation"`
	Scope     string   `json:"scope"`
	Mandatory []string `json:"mandatory_signers"` // empty: no one may call it
	Optional  []string `json:"optional_signers"`  // permitted but not mandatory
}

// readKeychain reads the configured keychain file, or that of the development signer if a
// server has created one. Without a file it returns an empty keychain.
func (r *checkReport) readKeychain(c config.Config, declared map[string][]string) *auth.Keychain {
	path := c.KeychainPath
	r.Keychain = &keychainCheck{Signers: []signerCheck{}, Operations: []operationCheck{}, Extended: []app.ExtendedScope{}}
	if path == "" {
		path = app.DevelopmentOf(c.DataDir).KeychainFile()
		if _, err := os.Stat(path); err != nil {
			return &auth.Keychain{} // the server creates it
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return &auth.Keychain{} // the check of the settings reports it
	}
	r.Keychain.File = path
	keychain, err := auth.ParseKeychain(content, os.Getenv)
	if err != nil {
		r.problem("BARONG_MANAGEMENT_API: %s", err)
		return &auth.Keychain{}
	}
	r.Keychain.Extended = app.ExtendedScopes(keychain)
	used := map[string]bool{}
	scopes := map[string]auth.KeychainScope{}
	for _, scope := range keychain.Scopes() {
		scopes[scope.Name] = scope
		if declared[scope.Name] == nil {
			r.warn("the keychain has the scope %s, which no operation asks for", scope.Name)
			continue
		}
		for _, name := range scope.Permitted {
			used[name] = true
		}
	}
	for _, scope := range slices.Sorted(maps.Keys(declared)) {
		r.Keychain.operations(scope, declared[scope], scopes[scope])
		if _, has := scopes[scope]; !has {
			r.warn("nobody may call %s: the keychain has no scope %s", joinAnd(declared[scope]), scope)
		}
	}
	for _, signer := range keychain.Signers() {
		r.Keychain.Signers = append(r.Keychain.Signers, signerCheck{signer.Name, signer.Algorithm})
		if !used[signer.Name] {
			r.warn("the signer %s may call nothing: it is in no scope", signer.Name)
		}
	}
	return keychain
}

func (k *keychainCheck) operations(scope string, names []string, who auth.KeychainScope) {
	optional := []string{}
	for _, name := range who.Permitted {
		if !slices.Contains(who.Mandatory, name) {
			optional = append(optional, name)
		}
	}
	for _, name := range names {
		k.Operations = append(k.Operations, operationCheck{name, scope, append([]string{}, who.Mandatory...), optional})
	}
}

// rulesCheck describes the effects of labels.
type rulesCheck struct {
	File      string       `json:"file"` // empty: Barong's defaults
	Active    []string     `json:"active"`
	Levels    []string     `json:"levels"` // from 1 upward
	States    []stateCheck `json:"states"` // most severe first
	Documents []string     `json:"document_types"`
	Ignored   []string     `json:"ignored"` // ignored members of the file
}

type stateCheck struct {
	State string   `json:"state"`
	Keys  []string `json:"keys"` // keys of private labels
}

func (r *checkReport) readRules(c config.Config) {
	policy, err := c.Policy()
	if err != nil {
		r.problem("%s", err)
		return
	}
	r.Rules = &rulesCheck{File: c.RulesPath, Active: []string{}, Levels: []string{}, States: []stateCheck{}, Documents: policy.DocumentTypes, Ignored: []string{}}
	for _, label := range policy.ActivationRequirements {
		r.Rules.Active = append(r.Rules.Active, fmt.Sprintf("%s=%s", label.Key, label.Value))
	}
	for _, label := range policy.Levels {
		r.Rules.Levels = append(r.Rules.Levels, fmt.Sprintf("%s=%s", label.Key, label.Value))
	}
	for _, trigger := range policy.StateTriggers {
		r.Rules.States = append(r.Rules.States, stateCheck{trigger.State, append([]string{}, trigger.Keys...)})
	}
	ignored, err := config.IgnoredRules(c.RulesPath)
	if err != nil {
		r.problem("%s", err)
	}
	r.Rules.Ignored = append(r.Rules.Ignored, ignored...)
	for _, name := range ignored {
		if nearest, found := config.NearestRule(name); found {
			r.warn("barong.yml: %s is ignored, did you mean %s?", name, nearest)
		}
	}
}
