package spelling_test

import (
	"testing"

	"barong/internal/spelling"
)

func TestNearestIsTheNameThatWasMostLikelyMeant(t *testing.T) {
	t.Parallel()
	known := []string{"uid", "email", "phone", "phones", "password_digest", "first_name", "replace", "importUser"}
	for given, want := range map[string]string{
		"replce":          "replace",
		"Email ":          "email",
		"emial":           "email",
		"e-mail":          "email",
		"phone":           "phone",
		"first name":      "first_name",
		"First-Name":      "first_name",
		"passwrd_digset":  "password_digest",
		"importuser":      "importUser",
		"ui":              "uid",
		"nickname":        "",
		"":                "",
		"x":               "",
		"password":        "",
		"completely else": "",
	} {
		got, found := spelling.Nearest(given, known)
		if got != want || found != (want != "") {
			t.Errorf("nearest to %q is %q, %t; want %q", given, got, found, want)
		}
	}
	if got := spelling.Suggestion("replce", known); got != `, did you mean "replace"?` {
		t.Errorf("the suggestion is %s", got)
	}
	if got := spelling.Suggestion("nickname", known); got != "" {
		t.Errorf("there is nothing to suggest, and the suggestion is %s", got)
	}
}
