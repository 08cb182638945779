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

// longestBase keeps the path of the socket under the 103 bytes that macOS allows
// (Linux: 107), whatever folder TMPDIR names.
const longestBase = 60

// makeSocketDir makes the folder of the socket, which only the account may
// enter. Its name follows from the cluster's folder and the account. Found
// existing, it is used only when nobody else can have made it.
func makeSocketDir(clusterDir string, as account) (string, error) {
	base := os.TempDir()
	// The server reads its setting as a list, with commas and quotes.
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
	// Ours and not yet the account's: just made, or left between these two lines.
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

// removeSocket removes what a killed server left, because the process id in it
// may by now be another program's. Only to be called when no server is running.
func removeSocket(dir string) error {
	for _, name := range []string{socketName, socketName + ".lock"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// ownedLikeData refuses the folder of a socket when it is a link, when others
// may enter it, or when it belongs to somebody else than the data directory:
// what answers there is then perhaps not our server.
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

// ownerOfFolder is the user id of the owner of dir, which must not be a link.
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
