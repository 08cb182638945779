package cli

import (
	"fmt"
	"runtime/debug"
	"strings"

	"barong/generated"
)

type versionCommand struct{}

func (versionCommand) Help() string {
	return "The version of the interface, and the revision that the binary was built from.\n\nExample:\n  barong version"
}

func (versionCommand) Run(p *program) error {
	document, err := generated.GetSpec()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "barong management API %s (%s)\n", document.Info.Version, revision())
	return err
}

func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown revision"
	}
	parts := []string{info.GoVersion}
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			parts = append(parts, setting.Value)
		case setting.Key == "vcs.modified" && setting.Value == "true":
			parts = append(parts, "modified")
		}
	}
	return strings.Join(parts, ", ")
}
