package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"barong/internal/auth"
	"barong/internal/spec"
)

// KeyPair is a new key of a signer: the private key in PEM, and the Value of its public key in
// the keychain file.
type KeyPair struct {
	Name, Algorithm, Value string
	Private                []byte
}

// KeychainFile returns a keychain file in Barong's format that makes all the signers together
// mandatory for every operation of a specification. head is its first comment.
func KeychainFile(head string, signers []KeyPair, document *openapi3.T) string {
	var file strings.Builder
	fmt.Fprintf(&file, "# %s\nkeychain:\n", head)
	names := make([]string, len(signers))
	for i, signer := range signers {
		fmt.Fprintln(&file, auth.KeychainEntry(signer.Name, signer.Algorithm, signer.Value))
		names[i] = yamlQuoted(signer.Name)
	}
	list := strings.Join(names, ", ")
	fmt.Fprint(&file, "jwt: {}\nscopes:\n")
	operations := spec.OperationsByScope(document)
	for _, scope := range slices.Sorted(maps.Keys(operations)) {
		fmt.Fprintf(&file, "  # %s\n  %s: {permitted_signers: [%s], mandatory_signers: [%s]}\n", strings.Join(operations[scope], ", "), scope, list, list)
	}
	return file.String()
}

// yamlQuoted returns a name for a YAML list, quoted only if YAML would read it as something
// else.
func yamlQuoted(name string) string {
	if plainName(name) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", "''") + "'"
}

// plainName reports whether YAML reads an unquoted name as that string: it begins with a
// letter and is not a word for true, false or null.
func plainName(name string) bool {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(plainInYAML, r) }) {
		return false
	}
	first := name[0]
	return (first >= 'a' && first <= 'z' || first >= 'A' && first <= 'Z') &&
		!slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(name))
}

const plainInYAML = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

// declaredOperations returns the operations of a specification that have a scope.
func declaredOperations(document *openapi3.T) (declared []auth.Operation) {
	for operation := range spec.Operations(document) {
		if operation.Scope != "" {
			declared = append(declared, auth.Operation{ID: operation.OperationID, Scope: operation.Scope})
		}
	}
	return declared
}
