package config

import "reflect"

// Names returns the variables of the environment that [Read] reads.
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
