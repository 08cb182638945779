// Command upgrade runs the tests of an earlier version of this repository against
// the schema of this one, as servers of the version before run against it while a
// rolling upgrade goes on. docs/migrations.md tells of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"barong/internal/embeddedpg"
)

// onlyOfItsOwn are tests of earlier versions that make their own schema, step by
// step, or look at the number of the last one: about a later one they say nothing.
const onlyOfItsOwn = "Migrat|Schema|Readiness|StepThatDoesNotGetItsLock|MetricsCountWhatHappens"

func main() {
	var r run
	flag.StringVar(&r.previous, "previous", "", "the version whose tests are run: a tag or a commit; empty: the release in repository/migrations/RELEASED")
	flag.StringVar(&r.binary, "binary", "bin/barong", "of this version: it makes the schema")
	flag.StringVar(&r.tests, "run", "", "which tests, as for go test; empty: all")
	flag.StringVar(&r.skip, "skip", onlyOfItsOwn, "which tests not")
	flag.StringVar(&r.then, "then", "", "a file of SQL that is run after the migrations: a step that is not there yet")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := r.all(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "upgrade:", err)
		os.Exit(1)
	}
}

// run is the flags.
type run struct{ previous, binary, tests, skip, then string }

func (r run) all(ctx context.Context) (err error) {
	if r.previous == "" {
		if r.previous, err = lastRelease("repository/migrations/RELEASED"); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "barong-upgrade-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	tree := filepath.Join(dir, "previous")
	if err := command(ctx, ".", "git", "worktree", "add", "--quiet", "--detach", tree, r.previous); err != nil {
		return fmt.Errorf("%s cannot be checked out: %w", r.previous, err)
	}
	defer func() {
		err = errors.Join(err, command(context.WithoutCancel(ctx), ".", "git", "worktree", "remove", "--force", tree))
	}()
	server, err := embeddedpg.Start(ctx, embeddedpg.Options{
		Dir: filepath.Join(dir, "postgres"), BinDir: os.Getenv("BARONG_PG_BIN"), Logger: slog.New(slog.DiscardHandler),
		Settings: map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	if err := r.schema(ctx, server.URL(), dir); err != nil {
		return err
	}
	return r.test(ctx, tree, server.URL())
}

// schema brings template1 up to date: every database that the tests make is a
// copy of it, so that they find their schema made already, and more of it than
// they know.
func (r run) schema(ctx context.Context, server, dir string) error {
	template, err := url.Parse(server)
	if err != nil {
		return err
	}
	template.Path = "/template1"
	migrate := exec.CommandContext(ctx, r.binary, "migrate", "up")
	migrate.Env = append(os.Environ(), "DATABASE_URL="+template.String(), "BARONG_DATA_DIR="+dir)
	if output, err := migrate.CombinedOutput(); err != nil {
		return fmt.Errorf("%s migrate up: %w: %s", r.binary, err, output)
	}
	if r.then == "" {
		return nil
	}
	steps, err := os.ReadFile(r.then)
	if err != nil {
		return err
	}
	connection, err := pgx.Connect(ctx, template.String())
	if err != nil {
		return err
	}
	_, err = connection.Exec(ctx, string(steps))
	return errors.Join(err, connection.Close(ctx))
}

func (r run) test(ctx context.Context, tree, server string) error {
	fmt.Printf("the tests of %s on this version's schema, but for %s\n", r.previous, r.skip)
	arguments := []string{"test", "-count=1", "-timeout", "20m", "-skip", r.skip}
	if r.tests != "" {
		arguments = append(arguments, "-run", r.tests)
	}
	test := exec.CommandContext(ctx, "go", append(arguments, ".")...)
	test.Dir, test.Stdout, test.Stderr = filepath.Join(tree, "tests"), os.Stdout, os.Stderr // a module, or a folder of one
	test.Env = append(os.Environ(), "BARONG_TEST_DATABASE_URL="+server)
	if err := test.Run(); err != nil {
		return fmt.Errorf("%s does not work on this version's schema: %w", r.previous, err)
	}
	fmt.Printf("%s works on this version's schema\n", r.previous)
	return nil
}

func command(ctx context.Context, dir, name string, arguments ...string) error {
	c := exec.CommandContext(ctx, name, arguments...)
	c.Dir, c.Stderr = dir, os.Stderr
	return c.Run()
}

// lastRelease is the first word of the line in RELEASED that is no comment.
func lastRelease(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] != "none" && !strings.HasPrefix(line, "#") {
			return fields[0], nil
		}
	}
	return "", errors.New("there is no release yet: name a version with -previous")
}
