package cli

import (
	"os"

	"golang.org/x/term"
)

// isTerminal says whether a person sees, or types, what goes through a stream.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
