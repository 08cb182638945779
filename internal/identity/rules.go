package identity

import (
	"fmt"
	"strings"
)

// Rules describes in Markdown how private labels make level and state, as a section for the documentation of
// an installation.
func (p Policy) Rules() string {
	var text strings.Builder
	text.WriteString("## Level and state on this server\n\n")
	if len(p.Levels) == 0 {
		text.WriteString("Every user has level 0.\n\n")
	} else {
		text.WriteString("A user has the highest level up to which the private labels meet every row:\n\n| level | private label |\n|--:|---|\n")
		for i, requirement := range p.Levels {
			fmt.Fprintf(&text, "| %d | %s |\n", i+1, requirement.code())
		}
		text.WriteString("\n")
	}
	text.WriteString("The state is that of the first row that applies:\n\n| state | when |\n|---|---|\n")
	for _, trigger := range p.StateTriggers {
		fmt.Fprintf(&text, "| %s | a private label has the key %s, with any value |\n", code(trigger.State), strings.Join(codes(trigger.Keys), " or "))
	}
	for _, requirement := range p.ActivationRequirements {
		fmt.Fprintf(&text, "| %s | the private labels lack %s |\n", code(StatePending), requirement.code())
	}
	fmt.Fprintf(&text, "| %s | always else |\n", code(StateActive))
	text.WriteString("\nOn the server, `barong users show UID` says why a user has its level and its state, and `barong journal show UID` which writes changed them.\n")
	return text.String()
}

func (r Requirement) code() string { return code(r.Key) + ": " + code(r.Value) }

func codes(texts []string) []string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = code(text)
	}
	return list
}

// code is a text as code in a table.
func code(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", `\|`, "\n", " ").Replace(text) + "`"
}
