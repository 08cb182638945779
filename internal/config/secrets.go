package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"strings"
)

// fileSuffix makes the name of the setting that says in which file a secret is.
const fileSuffix = "_FILE"

// maxSecret bounds, in bytes, what is taken for a secret: far more than one has.
const maxSecret = 64 << 10

// secrets are the settings that may be in a file: whoever can read the environment
// of a process, or what describes a container, does not learn them then.
func secrets() []string {
	var names []string
	for field := range reflect.TypeFor[Config]().Fields() {
		if field.Tag.Get("secret") != "" {
			names = append(names, field.Tag.Get("env"))
		}
	}
	return names
}

// withSecretsOfFiles is the environment with the content of each file that a
// NAME_FILE names as NAME, without the line break at its end. A secret that is
// given twice is an error, and so is a file that is empty or cannot be read.
func withSecretsOfFiles(environment map[string]string) (map[string]string, error) {
	filled := maps.Clone(environment)
	var wrong []error
	for _, name := range secrets() {
		path := environment[name+fileSuffix]
		if path == "" {
			continue
		}
		if environment[name] != "" {
			wrong = append(wrong, fmt.Errorf("%s and %s are both set: one of them has to go", name, name+fileSuffix))
			continue
		}
		content, err := os.ReadFile(path)
		secret := strings.TrimRight(string(content), "\r\n")
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Errorf("%s names a file that cannot be read: %w", name+fileSuffix, withoutPath(err)))
		case secret == "" || len(secret) > maxSecret || strings.ContainsRune(secret, '\n'):
			wrong = append(wrong, fmt.Errorf("%s names a file that must hold one line", name+fileSuffix))
		}
		filled[name] = secret
	}
	return filled, errors.Join(wrong...)
}
