package cli

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"barong/generated"
	"barong/internal/version"
)

type versionCommand struct{}

func (versionCommand) Help() string {
	return "The version of the server, that of the interface which it serves, and the revision that the binary was built from.\n\nExample:\n  barong version"
}

func (versionCommand) Run(p *program) error {
	document, err := generated.GetSpec()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "barong %s (management API %s, %s)\n", productVersion(), document.Info.Version, revision())
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

func productVersion() string { return version.Product() }

// userAgent sets the User-Agent of requests by the command line.
func userAgent(_ context.Context, request *http.Request) error {
	request.Header.Set("User-Agent", version.UserAgent("barong-cli"))
	return nil
}
