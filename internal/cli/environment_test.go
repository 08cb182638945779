package cli

import (
	"slices"
	"testing"

	"barong/internal/config"
)

func TestNamesOfTheEnvironmentThatHaveNoEffectAreFound(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"BARONG_LISTN":                   "did you mean BARONG_LISTEN?",
		"BARONG_ADMIN_LISTEN_":           "did you mean BARONG_ADMIN_LISTEN?",
		"BARONG_LOGLEVEL":                "did you mean BARONG_LOG_LEVEL?",
		"BARONG_MANAGMENT_API":           "did you mean BARONG_MANAGEMENT_API?", //nolint:misspell // deliberate
		"BARONG_DATABASE_URL":            "did you mean DATABASE_URL?",
		"BARONG_DATABASE_URL_FIL":        "did you mean DATABASE_URL_FILE?",
		"BARONG_JWT_PRIVATE_KEY_PATH":    "did you mean JWT_PRIVATE_KEY_PATH?",
		"BARONG_SINGER":                  "did you mean BARONG_SIGNER?",
		"DATABASE_URI":                   "did you mean DATABASE_URL?",
		"BARONG_CODES_OF_LAUNCH":         adviceUnknown,
		"DATABASE_HOST":                  setDatabaseURL,
		"DATABASE_PASS":                  setDatabaseURL,
		"BARONG_VAULT_ADDRESS":           "",            // an alias
		"BARONG_REQUIRED_DOCS_EXPIRE":    "",            // an alias
		"BARONG_STORAGE_BUCKET_NAME":     setStorageURL, // without a provider
		"REDIS_URL":                      adviceAbsent,
		"BARONG_REDIS_URL":               adviceAbsent,
		"EVENT_API_RABBITMQ_HOST":        "", // an alias
		"BARONG_EVENT_API_RABBITMQ_PORT": "", // an alias
		"EVENT_API_JWT_PRIVATE_KEY":      adviceAbsent,
		"BARONG_DOMAIN":                  adviceAbsent,
		"BARONG_SMTP_PASSWORD":           adviceAbsent,
		"DATABASE_ADAPTER":               setDatabaseURL + ": the database is PostgreSQL",
		"PASSWORD_MIN_ENTROPY":           fixedPasswordRules,
		"STORAGE_REGION":                 setStorageURL,
		"UPLOAD_SIZE_MAX_RANGE":          "documents have 1 byte to 10 MiB",
		"DOC_NUM_LIMIT":                  "the number of documents of a user is not a setting",
		"VAULT_ADRESS":                   "set VAULT_ADDR instead", //nolint:misspell // so spelt in Barong
		"RAILS_ENV":                      adviceAbsent,
		"RAILS_MASTER_KEY":               adviceAbsent,
		"BARONG_SESSION_CREATE_EVENT":    adviceAbsent,
		"BARONG_TWILIO_SERVICE":          adviceAbsent,
		"BARONG_DOC_NUM_LIMIT":           "the number of documents of a user is not a setting",
		"BARONG_APP_NAME":                "set BARONG_OTP_ISSUER instead",

		"PATH": "", "HOME": "", "DOMAIN": "", "APP_NAME": "", "URL_HOST": "", "VAULT_NAMESPACE": "", "AWS_REGION": "", "DATABASE_RETRIES": "",
		"BARONG_TEST_POSTGRES": "", "BARONG_URL": "", "BARONG_SIGNER": "", "BARONG_LISTEN": "", "DATABASE_URL_FILE": "",
	} {
		got := strayNames([]string{name + "=geheim"}, "")
		if want == "" {
			if got != nil {
				t.Errorf("%s: %v", name, got)
			}
		} else if !slices.Equal(got, []strayName{{name, want}}) {
			t.Errorf("%s: %v, want %q", name, got, want)
		}
		if got := strayNames([]string{name + "="}, ""); got != nil {
			t.Errorf("empty %s: %v", name, got)
		}
	}
}

func TestNamesThatOthersReadOrSetAreNotStray(t *testing.T) {
	t.Parallel()
	if got := strayNames([]string{"BARONG_APPLOGIC_KEY=x"}, `value: "<%= ENV['BARONG_APPLOGIC_KEY'] %>"`); got != nil {
		t.Errorf("what the keychain file reads: %v", got)
	}
	links := []string{
		"BARONG_SERVICE_HOST=10.0.0.1", "BARONG_SERVICE_PORT=80", "BARONG_SERVICE_PORT_HTTP=80", "BARONG_PORT=tcp://10.0.0.1:80",
		"BARONG_PORT_80_TCP=tcp://10.0.0.1:80", "BARONG_PORT_80_TCP_ADDR=10.0.0.1", "BARONG_ADMIN_SERVICE_HOST=10.0.0.2", "BARONG_ADMIN_PORT=tcp://10.0.0.2:80",
	}
	if got := strayNames(links, ""); got != nil {
		t.Errorf("the services of Kubernetes: %v", got)
	}
	if got := strayNames([]string{"BARONG_PORT=8080"}, ""); len(got) != 1 {
		t.Errorf("a port that Kubernetes did not set: %v", got)
	}
}

// Barong's names of a setting are read, unless the setting has a value under its own name.
func TestAnAliasHasEffectUnlessTheSettingIsSet(t *testing.T) {
	t.Parallel()
	bucket := []string{"BARONG_STORAGE_PROVIDER=AWS", "BARONG_STORAGE_BUCKET_NAME=kyc", "BARONG_STORAGE_REGION=eu-central-1"}
	if got := strayNames(bucket, ""); got != nil {
		t.Errorf("a bucket: %v", got)
	}
	for _, other := range []string{"BARONG_STORAGE_URL=s3://other", "BARONG_STORAGE_URL_FILE=/run/secrets/url"} {
		if got := strayNames(append(slices.Clone(bucket), other), ""); len(got) != len(bucket) || got[0].Advice != "BARONG_STORAGE_URL is set, and prevails" {
			t.Errorf("with %s: %v", other, got)
		}
	}
	if got := strayNames([]string{"BARONG_STORAGE_PROVIDER=Google", "BARONG_STORAGE_BUCKET_NAME=kyc"}, ""); len(got) != 2 || got[0].Advice != setStorageURL {
		t.Errorf("another provider: %v", got)
	}
	got := strayNames([]string{"VAULT_ADDR=https://vault", "BARONG_VAULT_ADDRESS=https://old"}, "")
	if !slices.Equal(got, []strayName{{"BARONG_VAULT_ADDRESS", "VAULT_ADDR is set, and prevails"}}) {
		t.Errorf("both: %v", got)
	}
}

// The advice must name existing settings.
func TestAdviceNamesSettingsThatExist(t *testing.T) {
	t.Parallel()
	known := config.Names()
	for name := range elsewhere {
		if slices.Contains(known, name) {
			t.Errorf("%s is a setting here", name)
		}
	}
	for _, name := range known {
		if got := strayNames([]string{name + "=x"}, ""); got != nil {
			t.Errorf("a setting: %v", got)
		}
	}
}
