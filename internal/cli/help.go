package cli

import "github.com/alecthomas/kong"

// helpWord shows the help of the command that follows it. run handles it before parsing.
const helpWord = "help"

// helpCommand is listed among the commands; it never runs.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command, such as otp enroll."`
}

func (helpCommand) Help() string { return "Example:\n  barong help otp enroll" }

func (helpCommand) Run() error { return nil }

// versionFlag prints the same as barong version.
type versionFlag bool

// BeforeReset is called by kong if the flag is given.
func (versionFlag) BeforeReset(app *kong.Kong, p *program) error {
	if err := (versionCommand{}).Run(p); err != nil {
		return err
	}
	app.Exit(exitOK)
	return nil
}
