package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"barong/internal/identity"
)

// Documentation of settings that the server does not read misleads its readers.
func TestEverySettingIsDocumentedWithItsDefault(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if name := strings.Trim(cells[min(1, len(cells)-1)], " "); len(cells) == 5 && tableOfSettings.MatchString(name) {
			documented[strings.Trim(name, "`")] = strings.Trim(cells[2], " `")
		}
	}
	for field := range reflect.TypeFor[Config]().Fields() {
		name := field.Tag.Get("env")
		byDefault, ok := documented[name]
		if !ok {
			t.Errorf("docs/configuration.md lacks %s", name)
		} else if byDefault != field.Tag.Get("envDefault") {
			t.Errorf("docs/configuration.md has the default %q of %s, which is %q", byDefault, name, field.Tag.Get("envDefault"))
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("docs/configuration.md has %s, which is no setting", name)
	}
}

// tableOfSettings matches the first cell of a row about a setting: the keychain's options are in
// lower case.
var tableOfSettings = regexp.MustCompile("^`[A-Z_]+`$")

var settingName = regexp.MustCompile(`\b(BARONG_[A-Z_]+|DATABASE_URL(?:_FILE)?|JWT_PRIVATE_KEY_PATH)\b`)

// A setting in a deployment that the server does not read would have no effect, without an error.
func TestDeploymentsNameOnlySettingsThatExist(t *testing.T) {
	t.Parallel()
	settings := map[string]bool{}
	for field := range reflect.TypeFor[Config]().Fields() {
		settings[field.Tag.Get("env")] = true
	}
	for _, name := range secrets() {
		settings[name+fileSuffix] = true
	}
	found := 0
	err := filepath.WalkDir("../../deploy", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range settingName.FindAllString(string(text), -1) {
			found++
			if !settings[name] {
				t.Errorf("%s has %s, which is no setting", path, name)
			}
		}
		return err
	})
	if err != nil || found < 10 {
		t.Errorf("found %d settings (%v)", found, err)
	}
}

func TestRulesKeepTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "barong.yml")
	content := `
activation_requirements: {phone: verified, email: verified}
state_triggers:
  zombie: [risen]
  banned: [ban, "fraud*"]
  asleep:
levels:
  - {key: email, value: verified, description: after Barong's seeds}
  - {key: face, value: seen}
state_trigger_match: prefix
document_types: [Passport]
roles: [member, superadmin]
captcha_protected_endpoints: [user_create]
`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Config{RulesPath: path}.Policy()
	if err != nil {
		t.Fatal(err)
	}
	if ignored, err := IgnoredRules(path); err != nil || !reflect.DeepEqual(ignored, []string{"captcha_protected_endpoints"}) {
		t.Errorf("ignored: %v, %v", ignored, err)
	}
	want := identity.Policy{
		ActivationRequirements: []identity.Requirement{{Key: "phone", Value: "verified"}, {Key: "email", Value: "verified"}},
		StateTriggers:          []identity.Trigger{{State: "zombie", Keys: []string{"risen"}}, {State: "banned", Keys: []string{"ban", "fraud*"}}, {State: "asleep"}},
		Levels:                 []identity.Requirement{{Key: "email", Value: "verified"}, {Key: "face", Value: "seen"}},
		DocumentTypes:          []string{"Passport"},
		Roles:                  []string{"member", "superadmin"},
	}.WithPrefixTriggers()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestRulesThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"roles: [Super Admin]", "roles: ['']", "roles: member",
		"activation_requirements: [email]", "activation_requirements: {email: [verified]}", "state_triggers: 5",
		"state_triggers: {banned: ban}", "levels: [email]", "levels: [{key: email}]", "document_types: {a: b}", "levels: [",
		"state_trigger_match: begin", "state_trigger_match: [prefix]", "state_trigger_match: Prefix",
	} {
		path := filepath.Join(t.TempDir(), "barong.yml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if policy, err := (Config{RulesPath: path}).Policy(); err == nil || !strings.Contains(err.Error(), "BARONG_CONFIG") {
			t.Errorf("%s: %v, %v", content, policy, err)
		}
	}
	if policy, err := (Config{}).Policy(); err != nil || !reflect.DeepEqual(policy, identity.DefaultPolicy()) {
		t.Errorf("without a file: %v, %v", policy, err)
	}
}
