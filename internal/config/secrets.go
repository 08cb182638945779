package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"strings"
)

// fileSuffix is the suffix of a setting that names the file with a secret.
const fileSuffix = "_FILE"

// maxSecret limits the size of a secret, in bytes: far more than any secret needs.
const maxSecret = 64 << 10

// secrets are the settings that may be in a file. A file hides them from users who can read the
// environment of a process or the description of a container.
func secrets() []string {
	var names []string
	for field := range reflect.TypeFor[Config]().Fields() {
		if field.Tag.Get("secret") != "" {
			names = append(names, field.Tag.Get("env"))
		}
	}
	return names
}

// withSecretsOfFiles returns the environment with NAME set to the content of the file that
// NAME_FILE names, without its final line break. Setting both NAME and NAME_FILE is an error, as is
// a file that is empty or cannot be read.
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
