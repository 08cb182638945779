package long

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

// Which test is left to make test-all must not be a matter of silence.
func TestWhatIsLeftToTestAllIsSkippedAndReported(t *testing.T) {
	report := filepath.Join(t.TempDir(), "report")
	t.Setenv("BARONG_TEST_REPORT", report)
	short := flag.Lookup("test.short").Value
	before := short.String()
	defer func() { _ = short.Set(before) }()
	for _, c := range []struct {
		short, report string
		ran           bool
	}{{"false", "", true}, {"true", "left TestWhatIsLeftToTestAllIsSkippedAndReported/true\n", false}} {
		if err := short.Set(c.short); err != nil {
			t.Fatal(err)
		}
		ran := false
		t.Run(c.short, func(t *testing.T) {
			Test(t)
			ran = true
		})
		if text, _ := os.ReadFile(report); ran != c.ran || string(text) != c.report {
			t.Errorf("with -short=%s the test ran: %t; the report is %q", c.short, ran, text)
		}
	}
}
