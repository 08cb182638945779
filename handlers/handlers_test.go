package handlers

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/internal/documents"
	"barong/internal/otp"
	"barong/repository"
)

func TestHandlersAreNotMadeWithoutAPart(t *testing.T) {
	t.Parallel()
	whole := Options{
		Repo: &repository.Repository{}, Documents: &documents.Store{}, Passwords: NewPasswords(4), UIDPrefix: "ID",
		OTP: &otp.Verifier{}, Signer: &signing.Signer{}, Clock: time.Now,
	}
	if _, err := New(whole); err != nil {
		t.Fatal(err)
	}
	for part, remove := range map[string]func(*Options){
		"Repo":      func(o *Options) { o.Repo = nil },
		"Documents": func(o *Options) { o.Documents = nil },
		"Passwords": func(o *Options) { o.Passwords = nil },
		"UIDPrefix": func(o *Options) { o.UIDPrefix = "" },
		"OTP":       func(o *Options) { o.OTP = nil },
		"Signer":    func(o *Options) { o.Signer = nil },
		"Clock":     func(o *Options) { o.Clock = nil },
	} {
		broken := whole
		remove(&broken)
		if _, err := New(broken); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("without %s: %v", part, err)
		}
	}
}

// Guards that a new operation that writes gets a replay: by their methods, all that change something and
// are not named here have one.
func TestOperationsThatWriteHaveAReplay(t *testing.T) {
	t.Parallel()
	operations := reflect.TypeFor[generated.StrictServerInterface]()
	for i := range operations.NumMethod() {
		name := operations.Method(i).Name
		reads := strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Filter")
		if _, ok := replays[name]; ok == (reads || name == "SignOTP") {
			t.Errorf("%s has a replay: %t", name, ok)
		}
	}
}
