package apidocs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"barong/clients/go/api"
)

// codeSample is an entry of x-codeSamples.
type codeSample struct {
	Lang   string `yaml:"lang"`
	Label  string `yaml:"label"`
	Source string `yaml:"source"`
}

// call is an operation with the parameters of its example.
type call struct {
	id, path, method, tag string
	names                 []string // names of the parameters, in order
	values                map[string]*yaml.Node
}

func (d document) addSamples(path, method string, operation *yaml.Node) error {
	samples, err := d.samples(path, method, operation)
	if err != nil {
		return err
	}
	return set(operation, "x-codeSamples", samples)
}

// samples returns a call with the example's parameters for each client of this project. The
// READMEs of the SDKs show how to create the client.
func (d document) samples(path, method string, operation *yaml.Node) ([]codeSample, error) {
	c := call{id: scalar(member(operation, "operationId")), path: path, method: method, values: map[string]*yaml.Node{}}
	if tags := member(operation, "tags"); tags != nil && len(tags.Content) > 0 {
		c.tag = tags.Content[0].Value
	}
	for name, value := range members(d.example(operation)) {
		c.names = append(c.names, name)
		c.values[name] = value
	}
	inGo, err := c.inGo()
	if err != nil {
		return nil, err
	}
	return []codeSample{
		{"shell", "Command line", c.inShell()},
		{"go", "Go", inGo},
		{"typescript", "TypeScript", c.inTypeScript()},
		{"python", "Python", c.inPython()},
		{"ruby", "Ruby", c.inRuby()},
	}, nil
}

// inShell returns the command line, in which @file stands for the content of a file.
func (c call) inShell() string {
	words := []string{"barong call " + c.id}
	for _, name := range c.names {
		value := formValue(c.values[name])
		if name == "upload" {
			value = "@" + formValue(c.values["filename"])
		}
		words = append(words, name+"="+shellQuote(value))
	}
	return strings.Join(words, " \\\n  ")
}

func shellQuote(value string) string {
	safe := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("@._-/:+", r)
	}
	if value != "" && strings.IndexFunc(value, func(r rune) bool { return !safe(r) }) < 0 {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// bodyOf returns the Go type of an operation's parameters. The generated client has a
// method for each operation, whose second parameter has that type.
func bodyOf(id string) (reflect.Type, error) {
	method, known := reflect.TypeFor[api.ClientInterface]().MethodByName(strings.ToUpper(id[:1]) + id[1:])
	if !known || method.Type.NumIn() < 2 {
		return nil, fmt.Errorf("the Go client has no method for %s: run make generate", id)
	}
	return method.Type.In(1), nil
}

func (c call) inGo() (string, error) {
	body, err := bodyOf(c.id)
	if err != nil {
		return "", err
	}
	var fields strings.Builder
	for _, name := range c.names {
		field, known := fieldOf(body, name)
		if !known {
			return "", fmt.Errorf("the Go type of the parameters of %s has no field for %s", c.id, name)
		}
		value := literal(c.values[name], field.Type)
		fmt.Fprintf(&fields, "\t%s: %s,\n", field.Name, value)
	}
	parameters := "nil"
	if body.Kind() == reflect.Struct {
		parameters = "api." + body.Name() + "{}"
		if fields.Len() > 0 {
			parameters = "api." + body.Name() + "{\n" + fields.String() + "}"
		}
	}
	source, err := format.Source(fmt.Appendf(nil, "answer, err := client.%sWithResponse(ctx, %s)", strings.ToUpper(c.id[:1])+c.id[1:], parameters))
	return string(source), err
}

func fieldOf(body reflect.Type, name string) (reflect.StructField, bool) {
	if body.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	for i := range body.NumField() {
		if tag, _, _ := strings.Cut(body.Field(i).Tag.Get("json"), ","); tag == name {
			return body.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

// literal returns a value as Go source. Optional fields are pointers.
func literal(value *yaml.Node, to reflect.Type) string {
	if to.Kind() == reflect.Pointer {
		return "new(" + literal(value, to.Elem()) + ")"
	}
	switch {
	case to == reflect.TypeFor[json.RawMessage]():
		return "json.RawMessage(`" + asJSON(value, "") + "`)"
	case to == reflect.TypeFor[api.Date]():
		year, rest, _ := strings.Cut(value.Value, "-")
		month, day, _ := strings.Cut(rest, "-")
		return fmt.Sprintf("api.NewDate(%s, %s, %s)",
			strings.TrimLeft(year, "0"), strings.TrimLeft(month, "0"), strings.TrimLeft(day, "0"))
	case to.PkgPath() == "barong/clients/go/api":
		return "api." + to.Name() + "(" + strconv.Quote(value.Value) + ")"
	case to.Kind() == reflect.String:
		return strconv.Quote(formValue(value))
	case to.Kind() == reflect.Int64:
		return "int64(" + value.Value + ")"
	default:
		return value.Value
	}
}

func (c call) inTypeScript() string {
	body := ""
	if len(c.names) > 0 {
		body = ", {\n  body: {\n" + c.each("    ", func(name string) string { return name + ": " + asJSON(c.values[name], "    ") + "," }) + "  },\n}"
	}
	return fmt.Sprintf("const answer = await unwrap(client.%s('%s'%s));", c.method, c.path, body)
}

func (c call) inPython() string {
	class := strings.ToUpper(c.tag[:1]) + c.tag[1:]
	parameters := strings.ToUpper(c.id[:1]) + c.id[1:] + "Parameters"
	arguments := ""
	if len(c.names) > 0 {
		arguments = parameters + "(\n" + c.each("    ", func(name string) string {
			spelled := name
			if name == "from" { // a keyword of the language
				spelled = "_from"
			}
			return spelled + "=" + c.python(name) + ","
		}) + ")"
	}
	return fmt.Sprintf("answer = %sApi(client).%s(%s)", class, snake(c.id), arguments)
}

func (c call) python(name string) string {
	value := c.values[name]
	switch {
	case name == "doc_expire" || name == "dob":
		return "date.fromisoformat(" + asJSON(value, "") + ")"
	case value.Tag == "!!bool":
		return strings.ToUpper(value.Value[:1]) + value.Value[1:]
	default:
		return asJSON(value, "")
	}
}

func (c call) inRuby() string {
	class := strings.ToUpper(c.tag[:1]) + c.tag[1:]
	arguments := ""
	if len(c.names) > 0 {
		arguments = "(\n  " + strings.ToUpper(c.id[:1]) + c.id[1:] + "Parameters.new(\n" + c.each("    ", func(name string) string {
			value := asJSON(c.values[name], "")
			if c.values[name].Kind == yaml.ScalarNode && c.values[name].Tag == "!!str" {
				value = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(formValue(c.values[name])) + "'"
			}
			if name == "doc_expire" || name == "dob" {
				value = "Date.iso8601(" + value + ")"
			}
			return name + ": " + value + ","
		}) + "  )\n)"
		arguments = strings.Replace(arguments, ",\n  )\n)", "\n  )\n)", 1)
	}
	return fmt.Sprintf("answer = %sApi.new(client).%s%s", class, snake(c.id), arguments)
}

// each returns one line per parameter.
func (c call) each(indent string, line func(name string) string) string {
	var lines strings.Builder
	for _, name := range c.names {
		lines.WriteString(indent + line(name) + "\n")
	}
	return lines.String()
}

// formValue returns a value as the text in a form.
func formValue(value *yaml.Node) string {
	if value == nil {
		return ""
	}
	if value.Kind != yaml.ScalarNode {
		return asJSON(value, "")
	}
	return value.Value
}

// asJSON returns a value as JSON. For the examples this is also valid JavaScript, Python and
// Ruby.
func asJSON(value *yaml.Node, indent string) string {
	var decoded any
	if err := value.Decode(&decoded); err != nil {
		return "null"
	}
	if value.Kind == yaml.ScalarNode && value.Tag == "!!timestamp" {
		decoded = value.Value
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if indent != "" && value.Kind != yaml.ScalarNode {
		encoder.SetIndent(indent, "  ")
	}
	if err := encoder.Encode(decoded); err != nil {
		return "null"
	}
	return strings.TrimSpace(text.String())
}

// snake converts an operationId to snake case, such as sign_otp, for Python and Ruby.
func snake(id string) string {
	var name strings.Builder
	for i, r := range id {
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(rune(id[i-1])) {
			name.WriteByte('_')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	return name.String()
}
