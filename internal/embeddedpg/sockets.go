package embeddedpg

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const socketName = ".s.PGSQL." + port

// longestBase keeps the path of the socket under the 103 bytes that macOS allows (Linux: 107), for
// any TMPDIR.
const longestBase = 60

// makeSocketDir makes the folder of the socket, which only the account may enter. Its name is
// derived from the cluster's folder and the account. An existing folder is used only when no other
// user can have made it.
func makeSocketDir(clusterDir string, as account) (string, error) {
	base := os.TempDir()
	// The server parses its setting as a list, with commas and quotes.
	if len(base) > longestBase || !filepath.IsAbs(base) || strings.ContainsAny(base, `,"' `) {
		base = "/tmp"
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", as.uid, clusterDir))
	dir := filepath.Join(base, fmt.Sprintf("barong-%x", sum[:6]))

	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	owner, err := ownerOfFolder(dir)
	if err != nil {
		return "", err
	}
	// The folder belongs to this process: it is new, or an earlier process ended before the next
	// line.
	if owner == os.Geteuid() && owner != as.uid {
		if err := os.Lchown(dir, as.uid, as.gid); err != nil {
			_ = os.Remove(dir)
			return "", err
		}
		owner = as.uid
	}
	if owner != as.uid {
		return "", fmt.Errorf("the socket's folder %s belongs to another user: remove it, or set TMPDIR to another folder", dir)
	}
	return dir, os.Chmod(dir, 0o700)
}

// removeSocket removes the files of a killed server, because the process id in them may belong to
// another program now. Call it only when no server is running.
func removeSocket(dir string) error {
	for _, name := range []string{socketName, socketName + ".lock"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// ownedLikeData rejects the folder of a socket when it is a link, when others may enter it, or when
// its owner differs from that of the data directory: another server might answer there.
func ownedLikeData(socketDir, data string) error {
	owner, err := ownerOfFolder(socketDir)
	if err != nil {
		return err
	}
	want, err := ownerOfFolder(data)
	if err != nil {
		return err
	}
	info, err := os.Lstat(socketDir)
	if err != nil {
		return err
	}
	if owner != want || info.Mode().Perm() != 0o700 {
		return fmt.Errorf("the socket's folder %s is not private to the owner of the data directory", socketDir)
	}
	return nil
}

// ownerOfFolder returns the user id of the owner of dir, which must not be a link.
func ownerOfFolder(dir string) (int, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok {
		return 0, fmt.Errorf("%s is not a folder", dir)
	}
	return int(stat.Uid), nil
}
