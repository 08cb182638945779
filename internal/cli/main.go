// Package cli implements the command line, with a file for each command.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	_ "time/tzdata" // for systems without time zone data, such as an empty container image

	"github.com/alecthomas/kong"
	_ "golang.org/x/crypto/x509roots/fallback" // for systems without certificates; those of the system take precedence
)

// program is the environment of a command: its input, output and error streams.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

type commands struct {
	PrintVersion versionFlag `name:"version" help:"Print the version."`

	Serve       serveCommand       `cmd:"" help:"Serve the management API."`
	Migrate     migrateCommand     `cmd:"" help:"Migrate the database's schema, or show its state."`
	Import      importCommand      `cmd:"" help:"Import users from a file."`
	Export      exportCommand      `cmd:"" help:"Write all users to a file."`
	Keygen      keygenCommand      `cmd:"" help:"Generate a key pair for a signer."`
	Token       tokenCommand       `cmd:"" help:"Print a Bearer token."`
	Sign        signCommand        `cmd:"" help:"Print a signed envelope over JSON parameters."`
	Call        callCommand        `cmd:"" help:"Sign a request, send it and print the answer."`
	OTP         otpCommand         `cmd:"" name:"otp" help:"Enroll users for one-time codes."`
	APIKeys     apiKeysCommand     `cmd:"" name:"api-keys" help:"Look after the secrets and states of API keys."`
	Documents   documentsCommand   `cmd:"" help:"Look after the files of documents."`
	Attachments attachmentsCommand `cmd:"" help:"Give access to attachments."`
	Events      eventsCommand      `cmd:"" help:"Print events, deliver them again, and show how far their receivers are."`
	Health      healthCommand      `cmd:"" help:"Check whether the server is ready."`
	Check       checkCommand       `cmd:"" help:"Say who may call what, and what is wrong or ignored."`
	Journal     journalCommand     `cmd:"" help:"Show and verify the journal of writes, and look after it."`
	Users       usersCommand       `cmd:"" help:"Show users, and maintain the table of users."`
	Webhooks    webhooksCommand    `cmd:"" help:"Look after the endpoints of webhooks."`
	Version     versionCommand     `cmd:"" help:"Print the version."`

	Help       helpCommand       `cmd:"" help:"Show the help of a command."`
	Completion completionCommand `cmd:"" help:"Print a script that completes commands in a shell."`
}

// Main runs the command in args, which exclude the program's name, and returns the exit status
// of the process.
func Main(args []string, stdout, stderr io.Writer) int {
	p := &program{stdin: os.Stdin, stdout: stdout, stderr: stderr}
	exited := -1
	parser := newParser(p, func(status int) { exited = status; panic(exit{}) })
	return run(parser, args, p, &exited)
}

func newParser(p *program, end func(status int)) *kong.Kong {
	return kong.Must(&commands{},
		kong.Name("barong"),
		kong.Description("The management API of the Barong OAuth server: users, labels, documents, OTP signing.\n\n"+
			"Settings come from the environment; docs/configuration.md lists them."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(end),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Bind(p),
	)
}

// exit is the panic value that stops kong after it has printed help, in place of os.Exit.
type exit struct{}

func run(parser *kong.Kong, args []string, p *program, exited *int) (status int) {
	defer func() {
		if cause := recover(); cause != nil {
			if _, ok := cause.(exit); !ok {
				panic(cause)
			}
			status = *exited
		}
	}()
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == helpWord:
		args = append(slices.Clone(args[1:]), "--help")
	case args[0] == completeWord:
		for _, line := range complete(parser.Model.Node, args[1:]) {
			fmt.Fprintln(p.stdout, line)
		}
		return exitOK
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		var failed *kong.ParseError
		errors.As(err, &failed)
		explain(p.stderr, commandOf(failed.Context), usagef("%s", err))
		return exitUsage
	}
	err = parsed.Run()
	explain(p.stderr, commandOf(parsed), err)
	return exitStatus(err)
}
