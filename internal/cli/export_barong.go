package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"barong/internal/app"
	"barong/internal/barongsql"
)

// forBarong23 is the value of --for that writes SQL for the database of Barong 2.3.
const forBarong23 = "barong-2.3"

// barongExport is the options of an export for Barong.
type barongExport struct {
	For     string `enum:",barong-2.3" default:"" placeholder:"barong-2.3" help:"Write SQL that brings the database of that Barong up to date."`
	Dialect string `enum:",mysql,postgres" default:"" placeholder:"mysql|postgres" help:"With --for: the database of Barong; mysql, the default, is MariaDB too."`
	Since   string `placeholder:"TIME" help:"With --for: only users that changed at this time (RFC 3339) or later, as that of the switch; without it all users."`
}

// options returns the options for the export. It is a usage error where they do not fit together.
func (e barongExport) options(c exportCommand) (barongsql.Options, error) {
	o := barongsql.Options{Dialect: barongsql.MySQL}
	switch {
	case e.For == "" && (e.Dialect != "" || e.Since != ""):
		return o, usagef("--dialect and --since belong to --for %s", forBarong23)
	case e.For != "" && (c.Format != "" || c.Secrets):
		return o, usagef("--format and --secrets do not go with --for")
	}
	if e.Dialect == "postgres" {
		o.Dialect = barongsql.Postgres
	}
	if e.Since != "" {
		since, err := time.Parse(time.RFC3339, e.Since)
		if err != nil {
			return o, usagef("--since must be a time as 2026-11-30T02:00:00Z")
		}
		o.Since = &since
	}
	return o, nil
}

// forBarong writes the script for Barong. Users that Barong's tables cannot hold are listed, and
// make the result errRefused.
func (c exportCommand) forBarong(ctx context.Context, p *program, a *app.App, o barongsql.Options) error {
	total, err := a.Repo.CountUsers(ctx)
	if err != nil {
		return err
	}
	progress := newBar(p.stderr)
	o.Report = func(done int64) {
		if progress.due() {
			progress.draw(fmt.Sprintf("%d users, %.0f/s", done, float64(done)/progress.elapsed().Seconds()), 0, done, total)
		}
	}
	o.Refuse = func(uid string, reasons []string) {
		progress.clear()
		fmt.Fprintf(p.stderr, "%s is left out: %s\n", uid, strings.Join(reasons, ", "))
	}
	var summary barongsql.Summary
	_, err = c.write(p.stdout, func(to io.Writer) (written int64, err error) {
		summary, err = barongsql.Export(ctx, a.Repo, to, o)
		return summary.Users, err
	})
	progress.clear()
	if err != nil {
		return err
	}
	printBarongSummary(p.stderr, summary)
	if summary.Refused > 0 {
		return errRefused
	}
	return nil
}

func printBarongSummary(to io.Writer, s barongsql.Summary) {
	fmt.Fprintf(to, "%d users exported, with their password digests; %d are left out\n", s.Users, s.Refused)
	for _, line := range []struct {
		n    int64
		what string
	}{
		{s.Documents, "documents: the script prints at its end where Barong expects the file of each"},
		{s.Digests, "users have a digest that is not bcrypt: Barong cannot check their passwords"},
		{s.Secrets, "users have their secret of one-time codes here, and not in Barong's Vault: they must enroll again"},
	} {
		if line.n > 0 {
			fmt.Fprintf(to, "%d %s\n", line.n, line.what)
		}
	}
}
