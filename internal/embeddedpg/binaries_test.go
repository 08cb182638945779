package embeddedpg

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// installation makes a folder with binaries that print this version.
func installation(t *testing.T, dir string, major int) string {
	t.Helper()
	writeFile(t, filepath.Join(dir, "postgres"), "#!/bin/sh\necho 'postgres (PostgreSQL) "+strconv.Itoa(major)+".3 (Box 1)'\n")
	writeFile(t, filepath.Join(dir, "initdb"), "#!/bin/sh\n")
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFirstInstallationThatSuitsIsTaken(t *testing.T) {
	t.Parallel()
	outer := t.TempDir()
	old := installation(t, filepath.Join(outer, "old"), 13)
	newer := installation(t, filepath.Join(outer, "newer"), 18)
	older := installation(t, filepath.Join(outer, "older"), 14)
	clientOnly := filepath.Join(outer, "client")
	writeFile(t, filepath.Join(clientOnly, "psql"), "")
	broken := installation(t, filepath.Join(outer, "broken"), 18)
	writeFile(t, filepath.Join(broken, "postgres"), "#!/bin/sh\nexit 1\n")

	everything := []string{clientOnly, filepath.Join(outer, "missing"), broken, old, newer, older}
	for name, test := range map[string]struct {
		major    int
		dirs     []string
		want     string
		failures int
	}{
		"new data takes the first that is not too old": {dirs: everything, want: newer, failures: 2},
		"old data takes its own version":               {dirs: everything, major: 14, want: older, failures: 3},
		"data of a version that is not there":          {dirs: everything, major: 16, failures: 4},
		"a version that is too old":                    {dirs: everything, major: 13, failures: 4},
		"nothing installed":                            {dirs: []string{clientOnly}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, failures := firstThatSuits(t.Context(), slices.Values(test.dirs), test.major)
			if got.dir != test.want || len(failures) != test.failures && test.want == "" {
				t.Errorf("got %q, %v", got.dir, failures)
			}
		})
	}
}

func TestFolderThatIsSetIsTakenOrRefusedButNeverPassedOver(t *testing.T) {
	t.Parallel()
	outer := t.TempDir()
	for name, test := range map[string]struct {
		binDir string
		major  int
		want   string // in the error
	}{
		"good":                       {binDir: installation(t, filepath.Join(outer, "good"), 16)},
		"without binaries":           {binDir: outer, want: outer},
		"of another version":         {binDir: installation(t, filepath.Join(outer, "16"), 16), major: 15, want: "is PostgreSQL 16"},
		"of a version that is ended": {binDir: installation(t, filepath.Join(outer, "12"), 12), want: "oldest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := openCluster(Options{Dir: t.TempDir(), BinDir: test.binDir})
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.findBinaries(t.Context(), test.major)
			switch {
			case test.want == "":
				if err != nil || got.dir != test.binDir {
					t.Errorf("got %q, %v", got.dir, err)
				}
			case !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), test.want):
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestErrorWithoutBinariesNamesTheRemedies(t *testing.T) {
	t.Parallel()
	c, err := openCluster(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	text := c.noBinaries(0, []error{errors.New("no network")}).Error()
	for _, want := range []string{"no network", "DATABASE_URL", "install PostgreSQL", "BARONG_PG_BIN", "BARONG_PG_MIRROR", "https://registry.npmjs.org"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestNewestInstallationComesFirst(t *testing.T) {
	t.Parallel()
	outer := t.TempDir()
	for _, version := range []string{"9", "14", "17", "15"} {
		if err := os.MkdirAll(filepath.Join(outer, "postgresql", version, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, dir := range newestFirst(filepath.Join(outer, "postgresql", "*", "bin")) {
		got = append(got, filepath.Base(filepath.Dir(dir)))
	}
	if want := []string{"17", "15", "14", "9"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
