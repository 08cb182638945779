package tests

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
)

func TestServerWarnsOnceOfEachNameThatHasNoEffectAndShowsNoValue(t *testing.T) {
	t.Parallel()
	p := serve(t, map[string]string{
		"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t),
		"BARONG_LISTN": "geheim", "DATABASE_PASS": "geheim", "DATABASE_HOST": "geheim", "REDIS_URL": "geheim", "BARONG_SMTP_PASSWORD": "geheim",
	})
	p.signal(syscall.SIGTERM)
	p.stops()
	advice := map[string]string{}
	var absent []string
	for line := range strings.Lines(p.log.String()) {
		var entry struct{ Level, Name, Names, Advice string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Name != "" {
			if _, twice := advice[entry.Name]; twice || entry.Level != "WARN" {
				t.Errorf("%s", line)
			}
			advice[entry.Name] = entry.Advice
		}
		absent = append(absent, strings.Fields(entry.Names)...)
	}
	if advice["BARONG_LISTN"] != "did you mean BARONG_LISTEN?" || !strings.Contains(advice["DATABASE_PASS"], "DATABASE_URL") || len(advice) != 3 {
		t.Errorf("the advice is %v", advice)
	}
	if strings.Join(absent, " ") != "BARONG_SMTP_PASSWORD REDIS_URL" {
		t.Errorf("without effect: %v", absent)
	}
	if strings.Contains(p.log.String(), "geheim") {
		t.Errorf("the log has a value\n%s", p.log)
	}
}
