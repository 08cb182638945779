package config

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// knownSecrets are the settings with secrets of this server, and those of systems that it works
// with.
func knownSecrets() []string {
	return append(secrets(), "VAULT_TOKEN", "VAULT_SERVER_TOKEN", "PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_SECRET", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
}

// Settings of the chart are stored in a ConfigMap, which all users of the namespace can read.
func TestChartRefusesEverySecretAmongItsSettings(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/helm/barong/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct {
			Settings struct{ Properties map[string]map[string]any }
		}
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	for _, name := range knownSecrets() {
		rule := schema.Properties.Settings.Properties[name]
		pattern, _ := rule["pattern"].(string)
		_, never := rule["not"]
		// The URL of a store is not a secret unless it contains a key.
		if !never && (pattern == "" || regexp.MustCompile(pattern).MatchString("s3://key:secret@bucket")) {
			t.Errorf("the chart's schema lets %s through: %v", name, rule)
		}
	}
}

func TestDeploymentsHaveNoSecretInAnEnvironment(t *testing.T) {
	t.Parallel()
	given := regexp.MustCompile(`(?m)(^|[\s{"-])(POSTGRES_PASSWORD|` + strings.Join(knownSecrets(), "|") + `)["]?\s*[:=]`)
	files := 0
	err := filepath.WalkDir("../../deploy", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "values.schema.json") || strings.HasSuffix(path, "values.yaml") || entry.Name() == "lint" {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		for _, found := range given.FindAllStringSubmatch(string(text), -1) {
			if found[2] != "BARONG_STORAGE_URL" {
				t.Errorf("%s gives %s openly", path, found[2])
			}
		}
		if strings.Contains(string(text), "secretKeyRef") || strings.Contains(string(text), "secretRef") {
			t.Errorf("%s puts a Secret into an environment", path)
		}
		return err
	})
	if err != nil || files < 10 {
		t.Errorf("%d files, %v", files, err)
	}
}
