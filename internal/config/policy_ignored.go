package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"barong/internal/spelling"
)

// IgnoredRules returns the members of barong.yml that [Config.Policy] ignores, in the file's order:
// members for other parts of Barong, and misspelt ones. Without a path it returns none.
func IgnoredRules(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("BARONG_CONFIG: %w", err)
	}
	var file yaml.Node
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("BARONG_CONFIG: %s: %w", path, err)
	}
	if file.IsZero() || file.Content[0].Kind != yaml.MappingNode {
		return nil, nil
	}
	known := ruleNames()
	var ignored []string
	for i := 0; i < len(file.Content[0].Content); i += 2 {
		if name := file.Content[0].Content[i].Value; !slices.Contains(known, name) {
			ignored = append(ignored, name)
		}
	}
	return ignored, nil
}

func ruleNames() (names []string) {
	for field := range reflect.TypeFor[policyFile]().Fields() {
		names = append(names, field.Tag.Get("yaml"))
	}
	return names
}

// NearestRule returns the member of barong.yml that an ignored one probably misspells.
func NearestRule(ignored string) (nearest string, found bool) {
	return spelling.Nearest(ignored, ruleNames())
}
