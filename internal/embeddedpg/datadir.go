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

// dataDir is the state of a data directory before the start.
type dataDir struct {
	exists   bool
	major    int // the version that made it; 0 when it does not exist
	uid, gid int // its owner, when it exists
}

// Exists reports whether dir, the folder of Options.Dir, has a data directory. It changes nothing.
// A data directory with other content, or one that cannot be read, is an error.
func Exists(dir string) (bool, error) {
	have, err := inspectData(filepath.Join(dir, dataName))
	if err != nil {
		return false, fmt.Errorf("the folder of the embedded PostgreSQL: %w", err)
	}
	return have.exists, nil
}

// RunningURL returns the connection string of the server of dir while it runs and answers, and ""
// otherwise. It does not start a server, and does not keep one from being stopped.
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

// inspectData examines a data directory without changing it. A folder with other content is an
// error.
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

// unfinished is the name prefix of incomplete data directories.
const unfinished = "data.new-"

// initialize makes the data directory atomically: initdb writes to a folder of another name, which
// is renamed at the end.
func (c *cluster) initialize(ctx context.Context, bin binaries, as account) error {
	leftovers, err := filepath.Glob(c.path(unfinished + "*"))
	if err != nil {
		return err
	}
	for _, dir := range leftovers {
		_ = os.RemoveAll(dir) // was never in use; a folder that cannot be removed only takes space
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

// syncFolder makes a rename in dir durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// giveTo changes the owner of dir and its content to the account, unless it is the owner already.
// The owner of the folder itself changes last: it marks the change as complete.
func giveTo(as account, dir string) error {
	owner, err := ownerOfFolder(dir)
	if err != nil || owner == as.uid {
		return err
	}
	// An os.Root does not follow links that lead out of the folder, even when the present owner
	// creates them meanwhile.
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
