package cli

import (
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/caarlos0/env/v11"

	"barong/internal/config"
	"barong/internal/spelling"
)

// settingPrefix is the prefix of names that can only be meant for this server.
const settingPrefix = "BARONG_"

// databasePrefix is the prefix of the database settings. Other programs read such names too.
const databasePrefix = "DATABASE_"

// strayName is an environment variable that may be meant for this server, which does not read
// it. Its value is omitted, because it may be a secret.
type strayName struct {
	Name   string `json:"name"`
	Advice string `json:"advice"`
}

const (
	adviceAbsent  = "it is for a part of Barong that this server does not have"
	adviceUnknown = "this server has no such setting"
)

// strayNames returns the stray variables of an environment (NAME=VALUE), sorted by name. It
// skips empty values, and names in the keychain file, which can refer to variables.
func strayNames(environment []string, keychain string) []strayName {
	known := knownNames()
	links := serviceLinks(environment)
	aliases := map[string]config.Alias{}
	variables := env.ToMap(environment)
	for _, alias := range config.Aliases(variables) {
		aliases[alias.Name] = alias
	}
	found := map[string]string{}
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case aliases[name].Used:
		case value == "", slices.Contains(known, name), strings.HasPrefix(name, "BARONG_TEST_"):
		case keychain != "" && strings.Contains(keychain, name):
		case links(name):
		default:
			if advice := adviceFor(name, known); advice != "" {
				if alias, ok := aliases[name]; ok && config.IsSet(variables, alias.Setting) {
					advice = alias.Setting + " is set, and prevails"
				}
				found[name] = advice
			}
		}
	}
	var stray []strayName
	for _, name := range slices.Sorted(maps.Keys(found)) {
		stray = append(stray, strayName{name, found[name]})
	}
	return stray
}

// adviceFor returns advice for a name that the server does not read, or "" if the name is not
// meant for this server.
func adviceFor(name string, known []string) string {
	if advice, ok := elsewhere[name]; ok {
		return advice
	}
	if advice, ok := elsewhere[settingPrefix+name]; ok && !slices.Contains(common, name) {
		return advice
	}
	bare, ours := strings.CutPrefix(name, settingPrefix)
	if isAbsent(bare, ours) {
		return adviceAbsent
	}
	prefix := settingPrefix
	if !ours {
		prefix = databasePrefix
		if bare, ours = strings.CutPrefix(name, databasePrefix); !ours {
			return ""
		}
	}
	// The common prefix would make all names similar.
	full := map[string]string{}
	for _, each := range known {
		if rest, ok := strings.CutPrefix(each, prefix); ok || prefix == settingPrefix {
			full[rest] = each
		}
	}
	if nearest, ok := spelling.Nearest(bare, slices.Sorted(maps.Keys(full))); ok {
		return "did you mean " + full[nearest] + "?"
	}
	if prefix == databasePrefix {
		return ""
	}
	return adviceUnknown
}

func isAbsent(bare string, ours bool) bool {
	if !ours && slices.Contains(common, bare) {
		return false
	}
	return slices.ContainsFunc(absent, func(each string) bool {
		prefix, isPrefix := strings.CutSuffix(each, "*")
		return bare == each || isPrefix && strings.HasPrefix(bare, prefix)
	})
}

// knownNames returns the settings, and the variables that the command line reads.
func knownNames() []string {
	names := config.Names()
	for _, command := range kong.Must(&commands{}).Model.Leaves(false) {
		for _, flag := range command.Flags {
			names = append(names, flag.Envs...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var serviceHost = regexp.MustCompile(`^(BARONG(?:_[A-Z0-9_]+)?)_SERVICE_HOST=`)

// serviceLinks returns a function that recognises the variables that Kubernetes sets for
// services named barong or barong-…, such as BARONG_SERVICE_HOST and BARONG_PORT_80_TCP.
func serviceLinks(environment []string) func(name string) bool {
	var services []string
	for _, variable := range environment {
		if found := serviceHost.FindStringSubmatch(variable); found != nil {
			services = append(services, found[1])
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(services, func(service string) bool {
			rest, ok := strings.CutPrefix(name, service)
			return ok && (rest == "_PORT" || strings.HasPrefix(rest, "_PORT_") || strings.HasPrefix(rest, "_SERVICE_"))
		})
	}
}

// warnOfStrayNames logs the variables without effect: one line each, but one line for all
// variables of absent features.
func warnOfStrayNames(c config.Config, log *slog.Logger) {
	var without []string
	for _, stray := range strayNames(os.Environ(), keychainText(c)) {
		if stray.Advice == adviceAbsent {
			without = append(without, stray.Name)
			continue
		}
		log.Warn("a variable of the environment has no effect", "name", stray.Name, "advice", stray.Advice)
	}
	if without != nil {
		log.Warn("variables of the environment have no effect: they configure parts of Barong that this server does not have",
			"names", strings.Join(without, " "))
	}
}

// keychainText returns the keychain file, or "" if it cannot be read, which is reported
// elsewhere.
func keychainText(c config.Config) string {
	if c.KeychainPath == "" {
		return ""
	}
	text, _ := os.ReadFile(c.KeychainPath)
	return string(text)
}
