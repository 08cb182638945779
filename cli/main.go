// Package cli is the command line: one file for each command.
package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

// program is what every command gets: where to write, and the specification.
type program struct {
	spec           []byte
	stdout, stderr io.Writer
}

type commands struct {
	Serve     serveCommand     `cmd:"" help:"Serve the management API."`
	Migrate   migrateCommand   `cmd:"" help:"Look after the database's schema."`
	Import    importCommand    `cmd:"" help:"Import users from a file."`
	Export    exportCommand    `cmd:"" help:"Write all users to a file."`
	Keygen    keygenCommand    `cmd:"" help:"Make a key pair for a signer."`
	Token     tokenCommand     `cmd:"" help:"Print a Bearer token."`
	Sign      signCommand      `cmd:"" help:"Print a signed envelope over JSON parameters."`
	Call      callCommand      `cmd:"" help:"Sign a request, send it and print the answer."`
	OTP       otpCommand       `cmd:"" name:"otp" help:"Enroll users for one-time codes."`
	Documents documentsCommand `cmd:"" help:"Look after the files of documents."`
	Health    healthCommand    `cmd:"" help:"Ask whether the server is ready."`
	Check     checkCommand     `cmd:"" help:"Say who may call what, and what is wrong or ignored."`
	Users     usersCommand     `cmd:"" help:"Look after the users in the database."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

// The exit statuses of a command.
const (
	exitOK      = 0
	exitFailure = 1 // it was tried and did not work; an answer of call that is an error, too
	exitUsage   = 2 // the command line makes no sense
	exitRefused = 3 // import: some rows were refused, and all others imported
)

// errAnswered is a failure that has been shown already.
var errAnswered = errors.New("the server answered with an error")

// errRefused is a run to the end that refused rows, and has said so.
var errRefused = errors.New("some rows were refused")

// Main runs the command that args name, without the program's own name, and
// returns the process's exit status.
func Main(spec []byte, args []string, stdout, stderr io.Writer) int {
	exited := -1
	var parsed commands
	parser := kong.Must(&parsed,
		kong.Name("barong"),
		kong.Description("The management API of the Barong OAuth server: users, labels, documents, OTP signing.\n\n"+
			"Settings come from the environment; docs/configuration.md lists them."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(status int) { exited = status; panic(exit{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	return run(parser, args, &program{spec: spec, stdout: stdout, stderr: stderr}, &exited)
}

// exit unwinds from kong, which wants to end the process once help is printed.
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
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(p.stderr, "barong: %s\nTry: barong --help\n", err)
		return exitUsage
	}
	switch err := parsed.Run(p); {
	case err == nil:
		return exitOK
	case errors.Is(err, errAnswered):
		return exitFailure
	case errors.Is(err, errRefused):
		return exitRefused
	default:
		fmt.Fprintf(p.stderr, "barong: %s\n", err)
		return exitFailure
	}
}
