package cli

import (
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"barong/internal/config"
	"barong/internal/spelling"
)

// settingPrefix begins the names that can be meant for nothing but this server.
const settingPrefix = "BARONG_"

// databasePrefix begins those of the database, and also what other programs read.
const databasePrefix = "DATABASE_"

// strayName is a variable of the environment that somebody may have set for this
// server, and that it does not read. Its value is nobody's business: it may be a
// secret.
type strayName struct {
	Name   string `json:"name"`
	Advice string `json:"advice"`
}

const (
	adviceAbsent  = "it is for a part of Barong that this server does not have"
	adviceUnknown = "this server has no such setting"
)

// strayNames finds those of an environment of NAME=VALUE, sorted. A name that the
// keychain file mentions is read from there, and an empty value is none.
func strayNames(environment []string, keychain string) []strayName {
	known := knownNames()
	links := serviceLinks(environment)
	found := map[string]string{}
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case value == "", slices.Contains(known, name), strings.HasPrefix(name, "BARONG_TEST_"):
		case keychain != "" && strings.Contains(keychain, name):
		case links(name):
		default:
			if advice := adviceFor(name, known); advice != "" {
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

// adviceFor says what to do about a name that is not read; "" where the name is
// nobody's of ours.
func adviceFor(name string, known []string) string {
	if advice, ok := elsewhere[name]; ok {
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
	// The prefix would make all names look alike.
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

// knownNames are the settings and what the command line reads.
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

// serviceLinks tells the names that Kubernetes sets for services called barong or
// barong-… beside this pod: BARONG_SERVICE_HOST, BARONG_PORT_80_TCP and so on.
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

// warnOfStrayNames says what the environment has in vain: a line each, and one for all
// that is Barong's and has no place here.
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
		log.Warn("variables of the environment have no effect: they are for parts of Barong that this server does not have",
			"names", strings.Join(without, " "))
	}
}

// keychainText is the file as it is; empty where it cannot be read, which others report.
func keychainText(c config.Config) string {
	if c.KeychainPath == "" {
		return ""
	}
	text, _ := os.ReadFile(c.KeychainPath)
	return string(text)
}
