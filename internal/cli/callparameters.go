package cli

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

// uploadParameter is the parameter of createDocument and createAttachment that accepts @file. This is unambiguous,
// because base64 does not contain @.
const uploadParameter = "upload"

// readParameters returns the parameters of a call by name.
func readParameters(operation string, known contractOperation, pairs []string) (map[string]string, error) {
	parameters := map[string]string{}
	for i, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, usagef("a parameter must be key=value, and number %d is not", i+1) // the value may be a password
		}
		if err := known.checkParameter(operation, key); err != nil {
			return nil, err
		}
		if _, twice := parameters[key]; twice {
			return nil, usagef("the parameter %q is given twice", key)
		}
		if file, ok := strings.CutPrefix(value, "@"); ok && key == uploadParameter && (operation == "createDocument" || operation == "createAttachment") {
			content, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("the parameter %q names a file that cannot be read: %w", key, err)
			}
			value = base64.StdEncoding.EncodeToString(content)
		}
		parameters[key] = value
	}
	return parameters, nil
}
