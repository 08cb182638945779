package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"barong/internal/app"
	"barong/internal/config"
	"barong/internal/identity"
	"barong/internal/journal"
	"barong/internal/otp"
	"barong/repository"
)

type otpCommand struct {
	Enroll  otpEnrollCommand  `cmd:"" help:"Give a user a new secret, and switch otp on."`
	Import  otpImportCommand  `cmd:"" help:"Give a user a secret that exists, and switch otp on."`
	Disable otpDisableCommand `cmd:"" help:"Switch a user's otp off and delete the secret."`
	Status  otpStatusCommand  `cmd:"" help:"Show whether one-time codes are on for a user, and the failed attempts."`
}

type otpEnrollCommand struct {
	UID  string `arg:"" name:"uid" help:"The user."`
	PNG  string `name:"png" placeholder:"FILE" help:"Also write the QR code to a file."`
	JSON bool   `name:"json" help:"Print {\"secret\": …, \"url\": …} and nothing else."`
	Yes  bool   `help:"Switch otp on without asking for a code first."`
}

func (otpEnrollCommand) Help() string {
	return `Shows the secret, its otpauth URL and its QR code, asks for a code that an authenticator makes of it, and only then stores
the secret and switches otp on: without a right code nothing is changed. The question goes to standard error, so that
what is printed can be piped. The secret is shown this once.

Example:
  barong otp enroll ID873B5CE1D2
  barong otp enroll ID873B5CE1D2 --json --yes`
}

func (c otpEnrollCommand) Run(p *program) error {
	return withOTP(p, func(ctx context.Context, settings config.Config, codes accounts) error {
		user, err := codes.unenrolled(ctx, c.UID)
		if err != nil {
			return err
		}
		secret := otp.NewSecret()
		url := secret.URL(settings.OTPIssuer, user.Email)
		if err := c.show(p, secret, url); err != nil {
			return err
		}
		code := ""
		if !c.Yes {
			if code, err = confirm(p.stderr, os.Stdin, secret); err != nil {
				return err
			}
		}
		if err := codes.recorded("otp enroll").Enroll(ctx, user.UID, user.Email, secret); err != nil {
			return err
		}
		if code != "" { // the code has been counted
			if _, err := codes.recorded("otp enroll").Check(ctx, user.UID, code); err != nil {
				return err
			}
		}
		fmt.Fprintf(p.stderr, "otp of %s is on\n", user.UID)
		return nil
	})
}

func (c otpEnrollCommand) show(p *program, secret otp.Secret, url string) error {
	if c.PNG != "" {
		if err := writeQR(c.PNG, url); err != nil {
			return fmt.Errorf("--png: %w", err)
		}
	}
	if c.JSON {
		encoder := json.NewEncoder(p.stdout)
		encoder.SetEscapeHTML(false)   // keeps & in the URL readable and copyable
		return encoder.Encode(struct { //nolint:gosec // showing the secret is the purpose of the command
			Secret otp.Secret `json:"secret"`
			URL    string     `json:"url"`
		}{secret, url})
	}
	fmt.Fprintf(p.stdout, "secret  %s\nurl     %s\n\n", secret, url)
	return printQR(p.stdout, url)
}

// confirmations is the number of attempts in confirm.
const confirmations = 3

// confirm asks for a code until one matches the secret. It fails after too many wrong codes.
func confirm(ask io.Writer, answers io.Reader, secret otp.Secret) (code string, err error) {
	lines := bufio.NewScanner(answers)
	for range confirmations {
		fmt.Fprint(ask, "the code that the authenticator shows: ")
		if !lines.Scan() {
			fmt.Fprintln(ask)
			return "", errors.Join(errors.New("no code was given: nothing was changed (--yes needs no code)"), lines.Err())
		}
		code = strings.TrimSpace(lines.Text())
		if _, right := secret.Step(code, time.Now()); right {
			return code, nil
		}
		fmt.Fprintln(ask, "that is not right")
	}
	return "", fmt.Errorf("%d codes were wrong: nothing was changed; check the clocks of this machine and of the authenticator", confirmations)
}

type otpImportCommand struct {
	UID    string `arg:"" name:"uid" help:"The user."`
	Secret string `arg:"" help:"The secret in base32, as the user's authenticator has it; - reads it from standard input, where no list of processes shows it."`
}

func (otpImportCommand) Help() string {
	return `For users who bring their authenticator from elsewhere: SHA-1, six digits, 30 seconds.

Example:
  barong otp import ID873B5CE1D2 JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
  pass show ada/otp | barong otp import ID873B5CE1D2 -`
}

func (c otpImportCommand) Run(p *program) error {
	text := c.Secret
	if text == "-" {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		text = line
	}
	secret, err := otp.ParseSecret(text)
	if err != nil {
		return err
	}
	return withOTP(p, func(ctx context.Context, _ config.Config, codes accounts) error {
		user, err := codes.unenrolled(ctx, c.UID)
		if err != nil {
			return err
		}
		if err := codes.recorded("otp import").Enroll(ctx, user.UID, user.Email, secret); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "otp of %s is on\n", user.UID)
		return err
	})
}

type otpDisableCommand struct {
	UID string `arg:"" name:"uid" help:"The user."`
	Yes bool   `help:"Do not ask first."`
}

func (otpDisableCommand) Help() string {
	return `The secret is gone for good, and so is a lock. It does not matter whether otp was on. On a terminal it asks first; anywhere
else it needs --yes.

Example:
  barong otp disable ID873B5CE1D2
  barong otp disable ID873B5CE1D2 --yes`
}

func (c otpDisableCommand) Run(p *program) error {
	if !c.Yes && !p.isInteractive() {
		return errNobodyToAsk
	}
	return withOTP(p, func(ctx context.Context, _ config.Config, codes accounts) error {
		user, err := codes.user(ctx, c.UID)
		if err != nil {
			return err
		}
		if !c.Yes {
			if err := p.ask("forget the one-time codes of %s (%s)", user.UID, printable(user.Email)); err != nil {
				return err
			}
		}
		if err := codes.recorded("otp disable").Disable(ctx, c.UID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "otp of %s is off\n", c.UID)
		return err
	})
}

type otpStatusCommand struct {
	UID string `arg:"" name:"uid" help:"The user."`
}

func (otpStatusCommand) Help() string {
	return "Codes count for a user who is active, whose otp is on, whose secret is stored, and who is not locked.\n\nExample:\n  barong otp status ID873B5CE1D2"
}

func (c otpStatusCommand) Run(p *program) error {
	return withOTP(p, func(ctx context.Context, settings config.Config, codes accounts) error {
		user, err := codes.user(ctx, c.UID)
		if err != nil {
			return err
		}
		enrolled, err := codes.Enrolled(ctx, user.UID)
		if err != nil {
			return err
		}
		failures, err := codes.repo.OTPFailures(ctx, user.UID)
		if err != nil {
			return err
		}
		either := func(is bool, yes, no string) string {
			if is {
				return yes
			}
			return no
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "user\t%s (%s)\n", user.UID, user.State)
		fmt.Fprintf(table, "otp\t%s\n", either(user.OTP, "on", "off"))
		fmt.Fprintf(table, "secret\t%s (%s)\n", either(enrolled, "stored", "none"), settings.OTPBackend)
		fmt.Fprintf(table, "failures in a row\t%d\n", failures.InARow)
		fmt.Fprintf(table, "locked\t%s\n", either(failures.Locked > 0, "for "+failures.Locked.Round(time.Second).String(), "no"))
		return table.Flush()
	})
}

// accounts combines users with their OTP backend.
type accounts struct {
	otp.Backend
	repo *repository.Repository
}

// recorded returns the backend for one write, which the journal has as one of an operation.
func (a accounts) recorded(operation string) otp.Backend {
	return a.On(a.repo.Recorded(journal.NewCommand(operation)))
}

// withOTP runs work with the configured database and OTP backend.
func withOTP(p *program, work func(ctx context.Context, settings config.Config, codes accounts) error) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		backend, err := a.OpenOTP(ctx)
		if err != nil {
			return err
		}
		return work(ctx, a.Settings, accounts{backend, a.Repo})
	})
}

func (a accounts) user(ctx context.Context, uid string) (identity.User, error) {
	user, err := a.repo.FindUser(ctx, repository.ByUID(uid))
	if errors.Is(err, identity.ErrRecordNotFound) {
		return user, fmt.Errorf("there is no user %q", uid)
	}
	return user, err
}

// unenrolled returns a user who may get a secret. It rejects a user who has one, whose
// authenticator would silently stop working.
func (a accounts) unenrolled(ctx context.Context, uid string) (identity.User, error) {
	user, err := a.user(ctx, uid)
	if err == nil && user.OTP {
		return user, fmt.Errorf("otp of %s is on already: barong otp disable %s makes the old codes useless", uid, uid)
	}
	return user, err
}
