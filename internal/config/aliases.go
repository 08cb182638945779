package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
)

// aliases lists the names under which Barong reads settings that have another name here, in the
// order in which they are taken. A setting's own name prevails.
var aliases = map[string][]string{
	"VAULT_ADDR":           {"BARONG_VAULT_ADDRESS", "VAULT_ADDRESS", "VAULT_URL"},
	"VAULT_TOKEN":          {"BARONG_VAULT_TOKEN"},
	"VAULT_APP_NAME":       {"BARONG_VAULT_APP_NAME"},
	"REQUIRED_DOCS_EXPIRE": {"BARONG_REQUIRED_DOCS_EXPIRE"},
}

// Barong's settings of a bucket, which together are one URL here.
const (
	storageProvider  = "BARONG_STORAGE_PROVIDER"
	storageBucket    = "BARONG_STORAGE_BUCKET_NAME"
	storageEndpoint  = "BARONG_STORAGE_ENDPOINT"
	storageRegion    = "BARONG_STORAGE_REGION"
	storageSignature = "BARONG_STORAGE_SIGNATURE_VERSION"
	storagePathStyle = "BARONG_STORAGE_PATHSTYLE"
	storageAccessKey = "BARONG_STORAGE_ACCESS_KEY"
	storageSecretKey = "BARONG_STORAGE_SECRET_KEY" //nolint:gosec // the name of a setting
)

var storageAliases = []string{
	storageProvider, storageBucket, storageEndpoint, storageRegion, storageSignature, storagePathStyle, storageAccessKey, storageSecretKey,
}

// Alias is a variable of Barong's that this server reads, and what it sets.
type Alias struct {
	Name    string
	Setting string
	Used    bool // false: the setting's own name is set too, and prevails
}

// Aliases returns those of Barong's variables in an environment that stand for a setting here,
// sorted by name.
func Aliases(environment map[string]string) []Alias {
	var found []Alias
	for setting, names := range aliases {
		used := !IsSet(environment, setting)
		for _, name := range names {
			if environment[name] != "" {
				found = append(found, Alias{name, setting, used})
				used = false
			}
		}
	}
	for _, name := range storageAliases {
		if environment[name] != "" {
			found = append(found, Alias{name, "BARONG_STORAGE_URL", describesBucket(environment)})
		}
	}
	found = append(found, brokerAliases(environment)...)
	slices.SortFunc(found, func(a, b Alias) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

// IsSet reports whether a setting has a value, in the environment or in a file.
func IsSet(environment map[string]string, setting string) bool {
	return environment[setting] != "" || environment[setting+fileSuffix] != ""
}

// describesBucket reports whether Barong's settings describe the bucket of documents: those of S3 and
// servers like it do. Other providers need a URL of their own.
func describesBucket(environment map[string]string) bool {
	return strings.EqualFold(environment[storageProvider], "AWS") && !IsSet(environment, "BARONG_STORAGE_URL")
}

// withAliases returns the environment with the settings that Barong's variables stand for. The keys
// of a bucket become AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, unless those are set. Errors
// contain no value.
func withAliases(environment map[string]string) (map[string]string, error) {
	filled := maps.Clone(environment)
	for _, alias := range Aliases(environment) {
		switch {
		case !alias.Used || alias.Setting == "BARONG_STORAGE_URL":
		case alias.Setting == eventsURL:
			filled[eventsURL] = brokerURL(environment)
		default:
			filled[alias.Setting] = environment[alias.Name]
		}
	}
	if !describesBucket(environment) {
		return filled, nil
	}
	bucket, err := storageURL(environment)
	if err != nil {
		return filled, err
	}
	filled["BARONG_STORAGE_URL"] = bucket
	if environment[awsAccessKey] == "" && environment[storageAccessKey] != "" {
		filled[awsAccessKey], filled[awsSecretKey] = environment[storageAccessKey], environment[storageSecretKey]
	}
	return filled, nil
}

// The variables from which the SDK of S3 reads the keys of a bucket.
const (
	awsAccessKey = "AWS_ACCESS_KEY_ID"
	awsSecretKey = "AWS_SECRET_ACCESS_KEY" //nolint:gosec // the name of a variable
)

// exportKeys sets the keys of a bucket in the environment of the process, where the SDK reads them.
func exportKeys(environment map[string]string) error {
	for _, name := range []string{awsAccessKey, awsSecretKey} {
		if value := environment[name]; value != "" && os.Getenv(name) != value {
			if err := os.Setenv(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// defaultRegion is what servers that are not Amazon's accept, and Barong's default.
const defaultRegion = "us-east-1"

// storageURL returns the URL of the bucket that Barong's settings describe.
func storageURL(environment map[string]string) (string, error) {
	if environment[storageBucket] == "" {
		return "", fmt.Errorf("%s is set and %s is empty", storageProvider, storageBucket)
	}
	if version := environment[storageSignature]; version != "" && version != "4" {
		return "", fmt.Errorf("%s: only version 4 of the signature is supported", storageSignature)
	}
	if (environment[storageAccessKey] == "") != (environment[storageSecretKey] == "") {
		return "", fmt.Errorf("%s and %s belong together, and one is empty", storageAccessKey, storageSecretKey)
	}
	query := url.Values{"region": {cmp.Or(environment[storageRegion], defaultRegion)}}
	if endpoint := environment[storageEndpoint]; endpoint != "" {
		if _, ok := webURL(endpoint); !ok {
			return "", errors.New(storageEndpoint + " must be a URL, for example https://minio.example")
		}
		query.Set("endpoint", endpoint)
		// Other servers may not know the checksums that the SDK adds by default.
		query.Set("request_checksum_calculation", "when_required")
	}
	if strings.EqualFold(environment[storagePathStyle], "true") {
		query.Set("use_path_style", "true")
	}
	return "s3://" + url.PathEscape(environment[storageBucket]) + "?" + query.Encode(), nil
}
