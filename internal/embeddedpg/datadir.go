package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// dataDir is what is known about a data directory before anything is started.
type dataDir struct {
	exists   bool
	major    int // the version that made it; 0 when it does not exist
	uid, gid int // its owner, when it exists
}

// Exists says whether dir, the folder of Options.Dir, has a data directory. It
// changes nothing. Where the data directory holds something else, or cannot be
// looked at, that is an error.
func Exists(dir string) (bool, error) {
	have, err := inspectData(filepath.Join(dir, dataName))
	if err != nil {
		return false, fmt.Errorf("the folder of the embedded PostgreSQL: %w", err)
	}
	return have.exists, nil
}

// RunningURL is the connection string of the server of dir, as long as one runs there
// and answers; "" otherwise. It neither starts a server nor keeps it from being
// stopped.
func RunningURL(ctx context.Context, dir string) string {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	c := &cluster{dir: absolute}
	pid, err := readPIDFile(c.data())
	if err != nil || ownedLikeData(pid.socketDir, c.data()) != nil {
		return ""
	}
	url := connString(pid.socketDir, database)
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		return ""
	}
	_ = connection.Close(ctx)
	return url
}

// inspectData looks at a data directory without changing it. A folder that holds
// something else than a data directory is an error.
func inspectData(path string) (dataDir, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return dataDir{}, nil
	}
	if err != nil {
		return dataDir{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok {
		return dataDir{}, fmt.Errorf("%s is not a folder", path)
	}
	text, err := os.ReadFile(filepath.Join(path, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if entries, err := os.ReadDir(path); err != nil || len(entries) > 0 {
			return dataDir{}, errors.Join(fmt.Errorf("%s is not empty and not a data directory of PostgreSQL (it has no PG_VERSION): it was left as it is", path), err)
		}
		return dataDir{}, nil
	}
	if err != nil {
		return dataDir{}, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return dataDir{}, fmt.Errorf("the version in %s cannot be read: %w", filepath.Join(path, "PG_VERSION"), err)
	}
	return dataDir{exists: true, major: major, uid: int(stat.Uid), gid: int(stat.Gid)}, nil
}

// unfinished begins the names of data directories in the making.
const unfinished = "data.new-"

// initialize makes the data directory. It appears whole or not at all: initdb
// works in a folder of another name, which is renamed at the end.
func (c *cluster) initialize(ctx context.Context, bin binaries, as account) error {
	leftovers, err := filepath.Glob(c.path(unfinished + "*"))
	if err != nil {
		return err
	}
	for _, dir := range leftovers {
		_ = os.RemoveAll(dir) // never was in use; one that resists only takes room
	}
	dir, err := os.MkdirTemp(c.dir, unfinished)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := giveTo(as, dir); err != nil {
		return err
	}
	args := []string{"-D", dir, "-U", superuser, "-E", "UTF8", "--locale=C", "--auth=trust", "--no-instructions"}
	if c.options.Settings["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	if err := run(as.command(ctx, dir, bin.path("initdb"), args...)); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	if err := os.Rename(dir, c.data()); err != nil {
		return err
	}
	return syncFolder(c.dir)
}

// syncFolder makes a rename in dir survive a power cut.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// giveTo makes the account the owner of dir and of all that is in it, when it is
// not yet. The folder itself comes last: it says that the rest is done.
func giveTo(as account, dir string) error {
	owner, err := ownerOfFolder(dir)
	if err != nil || owner == as.uid {
		return err
	}
	// A root does not follow links out of the folder, not even ones that its
	// present owner puts there meanwhile.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	err = fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		return root.Lchown(path, as.uid, as.gid)
	})
	if err != nil {
		return fmt.Errorf("giving the data directory to %s: %w", as.name, err)
	}
	return os.Lchown(dir, as.uid, as.gid)
}
