package config

import (
	"fmt"
	"os"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// IgnoredRules lists the members of barong.yml that [ReadRules] passes over, in the
// file's order: they concern other parts of Barong, or are misspelt. An empty path has
// none.
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
	known := map[string]bool{}
	for field := range reflect.TypeFor[rulesFile]().Fields() {
		known[field.Tag.Get("yaml")] = true
	}
	var ignored []string
	for i := 0; i < len(file.Content[0].Content); i += 2 {
		if name := file.Content[0].Content[i].Value; !known[name] {
			ignored = append(ignored, name)
		}
	}
	return ignored, nil
}
