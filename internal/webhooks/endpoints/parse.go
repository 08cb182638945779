package endpoints

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"barong/internal/events"
)

// entry is an endpoint as the file has it.
type entry struct {
	Name               string        `yaml:"name"`
	URL                string        `yaml:"url"`
	Types              []events.Type `yaml:"types"`
	Full               bool          `yaml:"full"`
	Secret             string        `yaml:"secret"`
	SecretFile         string        `yaml:"secret_file"`
	PreviousSecret     string        `yaml:"previous_secret"`
	PreviousSecretFile string        `yaml:"previous_secret_file"`
	Key                string        `yaml:"key"`
	KeyFile            string        `yaml:"key_file"`
	PreviousKey        string        `yaml:"previous_key"`
	PreviousKeyFile    string        `yaml:"previous_key_file"`
	RotatedAt          *time.Time    `yaml:"rotated_at"`
	AllowNetworks      []string      `yaml:"allow_networks"`
	Enabled            *bool         `yaml:"enabled"`
}

// Parse parses the file. readFile reads the files that it names. All errors are reported together; none
// contains a value that may be secret.
func Parse(content []byte, readFile func(path string) ([]byte, error)) ([]*Endpoint, error) {
	var file struct {
		Endpoints []entry `yaml:"endpoints"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, withoutValues(err)
	}
	if decoder.Decode(new(yaml.Node)) == nil {
		return nil, errors.New("the file has more than one YAML document")
	}
	var wrong []error
	var list []*Endpoint
	known := map[string]bool{}
	for i, written := range file.Endpoints {
		name := fmt.Sprintf("the endpoint %s", written.Name)
		if len(written.Name) > 40 || !validName.MatchString(written.Name) {
			name = fmt.Sprintf("endpoint %d of the file", i+1)
			wrong = append(wrong, fmt.Errorf("%s: name must be 1 to 40 lowercase letters and digits, with single hyphens between them", name))
		} else if known[written.Name] {
			wrong = append(wrong, fmt.Errorf("%s stands in the file twice", name))
		}
		known[written.Name] = true
		endpoint, errs := written.endpoint(readFile)
		for _, err := range errs {
			wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
		}
		list = append(list, endpoint)
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return list, nil
}

var (
	validName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

	quotedValue = regexp.MustCompile("`[^`]*`")
	goType      = regexp.MustCompile(` (in|into) type \S+| into \S+$`)
)

// withoutValues removes what an error of the YAML library quotes from the file.
func withoutValues(err error) error {
	var typed *yaml.TypeError
	if !errors.As(err, &typed) {
		return errors.New("the file is not valid YAML")
	}
	lines := make([]string, len(typed.Errors))
	for i, line := range typed.Errors {
		lines[i] = strings.Join(strings.Fields(goType.ReplaceAllString(quotedValue.ReplaceAllString(line, ""), "")), " ")
	}
	return errors.New(strings.Join(lines, "; "))
}

// endpoint checks an entry.
func (w *entry) endpoint(readFile func(string) ([]byte, error)) (*Endpoint, []error) {
	e := &Endpoint{Name: w.Name, Types: w.Types, Full: w.Full, Enabled: w.Enabled == nil || *w.Enabled}
	var wrong []error
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	var err error
	e.Networks, err = networks(w.AllowNetworks)
	note(err)
	e.URL, err = destination(w.URL, len(w.AllowNetworks) > 0)
	note(err)
	for _, t := range w.Types {
		if !slices.Contains(events.Types, t) {
			note(fmt.Errorf("types names %q, which is no type of event: %s", string(t), typeNames()))
		}
	}
	reader := credentialReader{readFile: readFile}
	e.Secret = reader.secret("secret", w.Secret, w.SecretFile)
	if e.Secret == nil && len(reader.wrong) == 0 {
		note(errors.New("secret or secret_file is missing"))
	}
	e.Key = reader.key("key", w.Key, w.KeyFile)
	e.previous.secret = reader.secret("previous_secret", w.PreviousSecret, w.PreviousSecretFile)
	e.previous.key = reader.key("previous_key", w.PreviousKey, w.PreviousKeyFile)
	wrong = append(wrong, reader.wrong...)
	hasPrevious := w.PreviousSecret+w.PreviousSecretFile+w.PreviousKey+w.PreviousKeyFile != ""
	switch {
	case hasPrevious && w.RotatedAt == nil:
		note(errors.New("rotated_at is missing: the previous secret and key sign until 24 hours after it"))
	case w.RotatedAt != nil:
		e.previous.until = w.RotatedAt.Add(Rotation)
	}
	return e, wrong
}

func typeNames() string {
	names := make([]string, len(events.Types))
	for i, t := range events.Types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// Ports are the ports of public endpoints.
var Ports = []uint16{443, 8443}

// destination checks a URL. Its error does not repeat it: a URL may contain a token.
func destination(text string, inside bool) (*url.URL, error) {
	parsed, err := url.Parse(text)
	switch {
	case err != nil || parsed.Host == "" || parsed.Hostname() == "":
		return nil, errors.New("url must be a URL, as https://hooks.example.com/barong")
	case parsed.User != nil:
		return nil, errors.New("url must not contain a user or a password: the signature authenticates the server")
	case parsed.Fragment != "":
		return nil, errors.New("url must not contain a fragment")
	case parsed.Scheme != "https" && (parsed.Scheme != "http" || !inside):
		return nil, errors.New("url must begin with https://; http:// is for endpoints with allow_networks")
	}
	if port := parsed.Port(); !inside && port != "" && port != "443" && port != "8443" {
		return nil, errors.New("url must have port 443 or 8443; other ports are for endpoints with allow_networks")
	}
	return parsed, nil
}

// neverAllowed are networks that no endpoint is in: addresses of this link, where clouds serve their
// credentials, and those of groups.
var neverAllowed = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("fd00:ec2::/32"),
	netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("ff00::/8"), netip.MustParsePrefix("::ffff:0:0/96"),
}

func networks(texts []string) ([]netip.Prefix, error) {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("allow_networks: %q is no network, as 10.1.0.0/16", text)
		}
		for _, refused := range neverAllowed {
			if prefix.Overlaps(refused) {
				return nil, fmt.Errorf("allow_networks: %s overlaps %s, which is never allowed", text, refused)
			}
		}
		list[i] = prefix.Masked()
	}
	return list, nil
}
