package cli

import "github.com/alecthomas/kong"

// helpWord makes of the words behind it a command whose help is shown: run does
// so before anything is parsed.
const helpWord = "help"

// helpCommand stands in the list of commands; it never runs.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command, such as otp enroll."`
}

func (helpCommand) Help() string { return "Example:\n  barong help otp enroll" }

func (helpCommand) Run() error { return nil }

// versionFlag prints what barong version does, whatever else is asked for.
type versionFlag bool

// BeforeReset is what kong calls when the flag is given.
func (versionFlag) BeforeReset(app *kong.Kong, p *program) error {
	if err := (versionCommand{}).Run(p); err != nil {
		return err
	}
	app.Exit(exitOK)
	return nil
}
