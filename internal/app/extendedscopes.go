package app

import (
	"log/slog"
	"strings"

	"barong/internal/auth"
)

// ExtendedScope is a scope of Barong 2.3.38 that permits operations of later versions as well, and
// the signers that a keychain therefore permits more than it did with that version.
type ExtendedScope struct {
	Scope      string   `json:"scope"`
	Operations []string `json:"operations"` // of later versions, sorted
	Signers    []string `json:"signers"`    // permitted ones, sorted
}

// laterOperations are the operations of versions after 2.3.38 whose scope 2.3.38 has already. Other
// later operations have scopes of their own, so that nobody may call them before the keychain names them.
var laterOperations = map[string][]string{"write_users": {"createProfile", "updateUser"}}

// ExtendedScopes returns the extended scopes that a keychain names, sorted by name.
func ExtendedScopes(keychain *auth.Keychain) []ExtendedScope {
	extended := []ExtendedScope{}
	for _, scope := range keychain.Scopes() {
		if operations := laterOperations[scope.Name]; operations != nil {
			extended = append(extended, ExtendedScope{scope.Name, operations, scope.Permitted})
		}
	}
	return extended
}

// logExtendedScopes names the signers that may set roles and profiles because they may import users.
func logExtendedScopes(keychain *auth.Keychain, log *slog.Logger) {
	for _, each := range ExtendedScopes(keychain) {
		log.Info("a scope permits its signers more than in Barong 2.3.38: roles in barong.yml bounds the roles that they may give",
			"scope", each.Scope, "operations", strings.Join(each.Operations, " "), "signers", strings.Join(each.Signers, " "))
	}
}
