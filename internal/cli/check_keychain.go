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

// keychainCheck is who may call what.
type keychainCheck struct {
	File       string           `json:"file"` // empty: that of the signer for development
	Signers    []signerCheck    `json:"signers"`
	Operations []operationCheck `json:"operations"`
}

type signerCheck struct {
	Name      string `json:"name"`
	Algorithm string `json:"algorithm"`
}

type operationCheck struct {
	Operation string   `json:"operation"`
	Scope     string   `json:"scope"`
	Mandatory []string `json:"mandatory_signers"` // empty: nobody may call it
	Optional  []string `json:"optional_signers"`  // permitted, and not mandatory
}

// readKeychain reads the file, or that of a signer for development where a server has
// made one. The keychain is empty where there is none.
func (r *checkReport) readKeychain(c config.Config, declared map[string][]string) *auth.Keychain {
	path := c.KeychainPath
	r.Keychain = &keychainCheck{Signers: []signerCheck{}, Operations: []operationCheck{}}
	if path == "" {
		path = app.DevelopmentOf(c.DataDir).KeychainFile()
		if _, err := os.Stat(path); err != nil {
			return &auth.Keychain{} // the server makes it
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return &auth.Keychain{} // the settings say so
	}
	r.Keychain.File = path
	keychain, err := auth.ParseKeychain(content, os.Getenv)
	if err != nil {
		r.problem("BARONG_MANAGEMENT_API: %s", err)
		return &auth.Keychain{}
	}
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

// rulesCheck is what labels do.
type rulesCheck struct {
	File      string       `json:"file"` // empty: Barong's defaults
	Active    []string     `json:"active"`
	Levels    []string     `json:"levels"` // from 1 upward
	States    []stateCheck `json:"states"` // the most severe first
	Documents []string     `json:"document_types"`
	Ignored   []string     `json:"ignored"` // members of the file
}

type stateCheck struct {
	State string   `json:"state"`
	Keys  []string `json:"keys"` // of private labels
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
