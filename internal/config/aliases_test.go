package config

import (
	"os"
	"strings"
	"testing"
)

func TestBarongsNamesOfSettingsAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		given, wanted map[string]string
	}{
		{
			"the first of several names counts",
			map[string]string{"VAULT_URL": "https://c", "BARONG_VAULT_ADDRESS": "https://a", "VAULT_ADDRESS": "https://b"},
			map[string]string{"VAULT_ADDR": "https://a"},
		},
		{
			"the own name prevails",
			map[string]string{"VAULT_ADDR": "https://own", "BARONG_VAULT_ADDRESS": "https://a", "BARONG_VAULT_APP_NAME": "app"},
			map[string]string{"VAULT_ADDR": "https://own", "VAULT_APP_NAME": "app"},
		},
		{
			"a file of the token prevails",
			map[string]string{"VAULT_TOKEN_FILE": "/run/token", "BARONG_VAULT_TOKEN": "s.old"},
			map[string]string{"VAULT_TOKEN": ""},
		},
		{"documents that must expire", map[string]string{"BARONG_REQUIRED_DOCS_EXPIRE": "true"}, map[string]string{"REQUIRED_DOCS_EXPIRE": "true"}},
		{
			"a bucket of Amazon's",
			map[string]string{storageProvider: "AWS", storageBucket: "kyc", storageRegion: "eu-central-1", storageAccessKey: "id", storageSecretKey: "key", storageSignature: "4"},
			map[string]string{"BARONG_STORAGE_URL": "s3://kyc?region=eu-central-1", awsAccessKey: "id", awsSecretKey: "key"},
		},
		{
			"a bucket of another server, without keys",
			map[string]string{storageProvider: "aws", storageBucket: "kyc", storageEndpoint: "https://minio.example", storagePathStyle: "true"},
			map[string]string{
				"BARONG_STORAGE_URL": "s3://kyc?endpoint=https%3A%2F%2Fminio.example&region=us-east-1&request_checksum_calculation=when_required&use_path_style=true",
				awsAccessKey:         "",
			},
		},
		{
			"the own URL and keys prevail",
			map[string]string{storageProvider: "AWS", storageBucket: "kyc", "BARONG_STORAGE_URL": "s3://own", awsAccessKey: "own", storageAccessKey: "id", storageSecretKey: "key"},
			map[string]string{"BARONG_STORAGE_URL": "s3://own", awsAccessKey: "own", awsSecretKey: ""},
		},
		{"another provider", map[string]string{storageProvider: "Google", storageBucket: "kyc"}, map[string]string{"BARONG_STORAGE_URL": ""}},
	} {
		got, err := withAliases(c.given)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for name, want := range c.wanted {
			if got[name] != want {
				t.Errorf("%s: %s is %q, want %q", c.name, name, got[name], want)
			}
		}
	}
}

func TestABucketThatIsHalfDescribedIsAnErrorWithoutItsKeys(t *testing.T) {
	t.Parallel()
	for _, given := range []map[string]string{
		{storageProvider: "AWS"},
		{storageProvider: "AWS", storageBucket: "kyc", storageSignature: "2"},
		{storageProvider: "AWS", storageBucket: "kyc", storageSecretKey: "geheim"},
		{storageProvider: "AWS", storageBucket: "kyc", storageEndpoint: "geheim"},
	} {
		if _, err := withAliases(given); err == nil || !strings.Contains(err.Error(), "BARONG_STORAGE_") || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v: %v", given, err)
		}
	}
}

// The SDK of S3 reads the keys from the environment of the process.
func TestKeysOfABucketAreExported(t *testing.T) {
	for _, name := range []string{awsAccessKey, awsSecretKey} {
		t.Setenv(name, "")
	}
	for name, value := range map[string]string{
		storageProvider: "AWS", storageBucket: "kyc", storageAccessKey: "id", storageSecretKey: "key", "BARONG_STORAGE_URL": "", "BARONG_STORAGE_URL_FILE": "",
	} {
		t.Setenv(name, value)
	}
	settings, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	if settings.StorageURL != "s3://kyc?region=us-east-1" || os.Getenv(awsAccessKey) != "id" || os.Getenv(awsSecretKey) != "key" {
		t.Errorf("%s with the key %s", settings.StorageURL, os.Getenv(awsAccessKey))
	}
}
