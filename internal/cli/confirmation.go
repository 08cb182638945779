package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
)

// errNobodyToAsk rejects an irreversible action if no one can confirm it.
var errNobodyToAsk = usagef("this cannot be undone, and standard input is not a terminal on which to confirm it: give --yes")

// isInteractive reports whether a person can answer a question.
func (p *program) isInteractive() bool { return isTerminal(p.stdin) }

// ask asks for the confirmation of an irreversible action. The question goes to standard
// error, so that standard output can be piped. Any answer but yes is an error.
func (p *program) ask(format string, arguments ...any) error {
	fmt.Fprintf(p.stderr, format+"? This cannot be undone. [y/N] ", arguments...)
	line, err := bufio.NewReader(p.stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	if err != nil {
		fmt.Fprintln(p.stderr)
	}
	return errors.New("nothing was changed")
}
