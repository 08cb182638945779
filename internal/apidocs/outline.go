package apidocs

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// outline is the content of the page before its script has loaded, and without scripts: all
// operations, by tag.
type outline struct {
	Title, Version, Base string
	Groups               []outlineGroup
}

type outlineGroup struct {
	Name, Description string
	Operations        []outlineOperation
}

type outlineOperation struct {
	ID, Method, Path, Summary, Description string
	Parameters                             []outlineParameter
}

type outlineParameter struct {
	Name, Description string
	Required          bool
}

func (d document) outline() (outline, error) {
	root := d.root.Content[0]
	o := outline{Title: scalar(member(member(root, "info"), "title")), Version: scalar(member(member(root, "info"), "version"))}
	if servers := member(root, "servers"); servers != nil && len(servers.Content) > 0 {
		o.Base = scalar(member(servers.Content[0], "url"))
	}
	groups := map[string]int{}
	if tags := member(root, "tags"); tags != nil {
		for i, tag := range tags.Content {
			groups[scalar(member(tag, "name"))] = i
			o.Groups = append(o.Groups, outlineGroup{Name: scalar(member(tag, "name")), Description: scalar(member(tag, "description"))})
		}
	}
	return o, d.eachOperation(func(path, method string, operation *yaml.Node) error {
		tag := member(operation, "tags")
		if tag == nil || len(tag.Content) == 0 {
			return fmt.Errorf("%s %s has no tag", method, path)
		}
		group, known := groups[tag.Content[0].Value]
		if !known {
			return fmt.Errorf("%s %s has the tag %s, which is not declared", method, path, tag.Content[0].Value)
		}
		o.Groups[group].Operations = append(o.Groups[group].Operations, outlineOperation{
			ID: scalar(member(operation, "operationId")), Method: method, Path: path, Summary: scalar(member(operation, "summary")),
			Description: strings.TrimSpace(scalar(member(operation, "description"))), Parameters: d.outlineParameters(operation),
		})
		return nil
	})
}

func (d document) outlineParameters(operation *yaml.Node) (found []outlineParameter) {
	schema := d.parameters(operation)
	required := map[string]bool{}
	if list := member(schema, "required"); list != nil {
		for _, name := range list.Content {
			required[name.Value] = true
		}
	}
	for name, property := range members(member(schema, "properties")) {
		found = append(found, outlineParameter{Name: name, Description: scalar(member(property, "description")), Required: required[name]})
	}
	return found
}
