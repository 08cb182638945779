package keys

import (
	"errors"
	"fmt"
	"net/url"
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
