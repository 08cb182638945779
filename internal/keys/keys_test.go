package keys

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeysThatWouldBeForgottenAreRefusedAndNoErrorTellsAKey(t *testing.T) {
	t.Parallel()
	const key = "c2hvcnQ"
	for _, text := range []string{
		"", "base64key://", "base64key://" + key, key, key + "://", "unknown://" + key, "awskms", "base64key:" + key, "base64key://%" + key,
		"base64key://" + key + "?" + key + "=1", "base64key://" + key + "\n", " base64key://" + key,
	} {
		keeper, err := Open(t.Context(), text)
		if err == nil {
			keeper.Close()
			t.Errorf("%q was opened", text)
		} else if strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "base64key://") {
			t.Errorf("the error of %q: %v", text, err)
		}
	}
	keeper, err := Open(t.Context(), NewURL())
	if err != nil {
		t.Fatal(err)
	}
	defer keeper.Close()
	sealed, err := keeper.Encrypt(t.Context(), []byte("secret"))
	if err != nil || strings.Contains(string(sealed), "secret") {
		t.Errorf("%q %v", sealed, err)
	}
}

func TestAKeyMayBeInAFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file://" + filepath.ToSlash(path)
	}
	key := make([]byte, Size)
	rand.Read(key)
	inFile, err := Open(t.Context(), write("key", base64.StdEncoding.EncodeToString(key)+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer inFile.Close()
	inURL, err := Open(t.Context(), "base64key://"+base64.URLEncoding.EncodeToString(key))
	if err != nil {
		t.Fatal(err)
	}
	defer inURL.Close()
	sealed, err := inFile.Encrypt(t.Context(), []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := inURL.Decrypt(t.Context(), sealed); err != nil || string(opened) != "secret" {
		t.Errorf("the same key in a URL gives %q, %v", opened, err)
	}
	for _, url := range []string{write("short", "c2hvcnQ="), write("words", "no base64"), "file://" + filepath.ToSlash(folder), "file:///nowhere/hidden-name"} {
		keeper, err := Open(t.Context(), url)
		if err == nil {
			keeper.Close()
			t.Errorf("%s was opened", url)
		} else if strings.Contains(err.Error(), "c2hvcnQ") || strings.Contains(err.Error(), "hidden-name") {
			t.Errorf("the error tells the content or the name: %v", err)
		}
	}
}

func TestNoPartOfAURLIsLeftInAnError(t *testing.T) {
	t.Parallel()
	for text, secrets := range map[string][]string{
		"s3://barong:geh%65im@bucket?token=hush%21": {"geheim", "geh%65im", "hush!", "hush%21"},
		"plain-secret": {"plain-secret"},
	} {
		parsed, _ := url.Parse(text)
		for _, failure := range []error{
			fmt.Errorf("open %q: %w", text, errors.New("no")), fmt.Errorf("the password of %v", parsed), fmt.Errorf("%v", parsed.Query()), fmt.Errorf("%v", parsed.User),
		} {
			for _, secret := range secrets {
				if got := Redact(failure, text).Error(); strings.Contains(got, secret) {
					t.Errorf("%q is left in %q", secret, got)
				}
			}
		}
	}
}
