package config

import "reflect"

// Names are the variables of the environment that [Read] looks at.
func Names() []string {
	var names []string
	for field := range reflect.TypeFor[Config]().Fields() {
		names = append(names, field.Tag.Get("env"))
	}
	for _, name := range secrets() {
		names = append(names, name+fileSuffix)
	}
	return names
}
