// Package long marks tests that take long: make test leaves them to make test-all,
// which runs them, and says how many.
package long

import (
	"os"
	"testing"
)

// Test skips a test with -short. It leaves a line in the file of BARONG_TEST_REPORT,
// of which make test tells the number.
func Test(t testing.TB) {
	t.Helper()
	if !testing.Short() {
		return
	}
	if path := os.Getenv("BARONG_TEST_REPORT"); path != "" {
		report, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_, err = report.WriteString("left " + t.Name() + "\n")
		if closing := report.Close(); err == nil {
			err = closing
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Skip("it takes long: left to make test-all")
}
