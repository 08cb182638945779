package barongdb_test

import (
	"encoding/json"
	"reflect"
)

// show returns a value with what its pointers point to.
func show(value reflect.Value) string {
	text, err := json.Marshal(value.Interface())
	if err != nil {
		return err.Error()
	}
	return string(text)
}
