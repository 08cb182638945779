package cli

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completeWord is the hidden command of the completion scripts: barong __complete WORDS….
const completeWord = "__complete"

//go:embed completions
var completionScripts embed.FS

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

func (completionCommand) Help() string {
	return `The script asks barong itself for what may come next, so that it fits every later version.

Example:
  barong completion bash > /etc/bash_completion.d/barong
  barong completion zsh > "${fpath[1]}/_barong"
  barong completion fish > ~/.config/fish/completions/barong.fish`
}

func (c completionCommand) Run(p *program) error {
	script, err := completionScripts.ReadFile("completions/" + c.Shell)
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(script)
	return err
}

// candidate is a completion with its description.
type candidate struct{ word, help string }

// complete returns the completions of the last word, one per line: the word, a tab, and its
// description. No lines mean a file name, or no suggestion.
func complete(root *kong.Node, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	typed, last := words[:len(words)-1], words[len(words)-1]
	var lines []string
	for _, c := range candidates(root, typed, last) {
		if !strings.HasPrefix(c.word, last) {
			continue
		}
		help, _, _ := strings.Cut(c.help, "\n")
		lines = append(lines, strings.TrimRight(c.word+"\t"+help, "\t"))
	}
	return lines
}

func candidates(root *kong.Node, typed []string, last string) []candidate {
	if len(typed) > 0 && typed[0] == helpWord {
		node, _, _ := follow(root, typed[1:])
		return subcommands(node)
	}
	node, values, awaits := follow(root, typed)
	if awaits != nil {
		return enumOf(awaits.Value, "")
	}
	if name, _, ok := strings.Cut(last, "="); ok && strings.HasPrefix(name, "--") {
		if flag := findFlag(node, name); flag != nil {
			return enumOf(flag.Value, name+"=")
		}
		return nil
	}
	if strings.HasPrefix(last, "-") {
		return flagsOf(node)
	}
	if node.Name == "call" {
		return callCandidates(values)
	}
	if len(values) < len(node.Positional) {
		if enum := enumOf(node.Positional[len(values)], ""); enum != nil {
			return enum
		}
	}
	return subcommands(node)
}

// follow descends to the command that the words name. It returns that command, its positional
// arguments, and the flag whose value comes next, if any.
func follow(root *kong.Node, words []string) (node *kong.Node, values []string, awaits *kong.Flag) {
	node = root
	for _, word := range words {
		switch {
		case awaits != nil:
			awaits = nil
		case strings.HasPrefix(word, "-"):
			if flag := findFlag(node, word); flag != nil && !flag.IsBool() {
				awaits = flag
			}
		default:
			child := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word })
			if child < 0 {
				values = append(values, word)
				continue
			}
			node = node.Children[child]
		}
	}
	return node, values, awaits
}

func subcommands(node *kong.Node) (found []candidate) {
	for _, child := range node.Children {
		if !child.Hidden {
			found = append(found, candidate{child.Name, child.Help})
		}
	}
	return found
}

func visibleFlags(node *kong.Node) (found []*kong.Flag) {
	for _, group := range node.AllFlags(true) {
		found = append(found, group...)
	}
	return found
}

func flagsOf(node *kong.Node) (found []candidate) {
	for _, flag := range visibleFlags(node) {
		found = append(found, candidate{"--" + flag.Name, flag.Help})
	}
	return found
}

func findFlag(node *kong.Node, spelled string) *kong.Flag {
	for _, flag := range visibleFlags(node) {
		if spelled == "--"+flag.Name || flag.Short != 0 && spelled == "-"+string(flag.Short) {
			return flag
		}
	}
	return nil
}

func enumOf(value *kong.Value, prefix string) (found []candidate) {
	if value.Enum == "" {
		return nil
	}
	for _, each := range value.EnumSlice() {
		if each != "" {
			found = append(found, candidate{prefix + each, ""})
		}
	}
	return found
}

// callCandidates returns the operations, or the parameters once an operation is given.
func callCandidates(values []string) (found []candidate) {
	contract, err := readContract()
	if err != nil {
		return nil
	}
	if len(values) == 0 {
		for _, name := range slices.Sorted(maps.Keys(contract)) {
			found = append(found, candidate{name, contract[name].summary})
		}
		return found
	}
	for _, parameter := range contract[values[0]].parameters {
		if slices.ContainsFunc(values[1:], func(pair string) bool { return strings.HasPrefix(pair, parameter.name+"=") }) {
			continue
		}
		found = append(found, candidate{fmt.Sprintf("%s=", parameter.name), parameter.description})
	}
	return found
}
