package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
)

// errNobodyToAsk refuses what cannot be undone where no person can say yes.
var errNobodyToAsk = usagef("this cannot be undone, and nobody can be asked, since standard input is no terminal: --yes does it without asking")

// isInteractive says whether a person can answer.
func (p *program) isInteractive() bool { return isTerminal(p.stdin) }

// ask asks on standard error, so that what is printed can be piped, whether to do
// what cannot be undone. Anything but yes is an error: nothing is changed.
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
	return errors.New("nothing is changed")
}
