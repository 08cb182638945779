package tests

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	pquerna "github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"barong/internal/otp"
	"barong/repository"
)

// vaultServer answers as the TOTP engine of Vault and OpenBao does, word for word:
// a code is used once it was looked at, a wrong one too. It checks codes with
// another implementation than ours.
type vaultServer struct {
	*httptest.Server
	clock func() time.Time

	mutex sync.Mutex
	keys  map[string]string // secrets by name
	used  map[string]bool   // name and code
	fault http.HandlerFunc  // answers everything, unless it is nil
}

const vaultToken = "s.recorded"

func newVaultServer(t testing.TB, clock func() time.Time) *vaultServer {
	v := &vaultServer{clock: clock, keys: map[string]string{}, used: map[string]bool{}}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /v1/totp/keys/{name}", v.create)
	routes.HandleFunc("GET /v1/totp/keys/{name}", v.show)
	routes.HandleFunc("DELETE /v1/totp/keys/{name}", v.remove)
	routes.HandleFunc("POST /v1/totp/code/{name}", v.validate)
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mutex.Lock()
		fault := v.fault
		v.mutex.Unlock()
		switch {
		case fault != nil:
			fault(w, r)
		case r.Header.Get("X-Vault-Token") != vaultToken:
			refuse(w, http.StatusForbidden, "permission denied")
		default:
			v.mutex.Lock()
			defer v.mutex.Unlock()
			routes.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(v.Close)
	return v
}

func refuse(w http.ResponseWriter, status int, reasons ...string) {
	if reasons == nil {
		reasons = []string{}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": reasons})
}

func (v *vaultServer) create(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Key, Issuer, Algorithm string
		AccountName            string `json:"account_name"`
		Period, Digits, Skew   int
	}
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil || given.Key == "" || given.Issuer == "" || given.AccountName == "" ||
		given.Period != 30 || given.Digits != 6 || given.Skew != 1 || given.Algorithm != "SHA1" {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("not what the test wants: %+v %v", given, err))
		return
	}
	v.keys[r.PathValue("name")] = given.Key
	w.WriteHeader(http.StatusNoContent)
}

func (v *vaultServer) show(w http.ResponseWriter, r *http.Request) {
	if v.keys[r.PathValue("name")] == "" {
		refuse(w, http.StatusNotFound)
		return
	}
	_, _ = fmt.Fprint(w, `{"request_id":"1","lease_id":"","renewable":false,"data":{"account_name":"x","algorithm":"SHA1","digits":6,"issuer":"Barong","period":30},"warnings":null}`)
}

func (v *vaultServer) remove(w http.ResponseWriter, r *http.Request) {
	delete(v.keys, r.PathValue("name"))
	w.WriteHeader(http.StatusNoContent)
}

func (v *vaultServer) validate(w http.ResponseWriter, r *http.Request) {
	var given struct{ Code string }
	_ = json.NewDecoder(r.Body).Decode(&given)
	name := r.PathValue("name")
	secret, ok := v.keys[name]
	if !ok {
		refuse(w, http.StatusBadRequest, "unknown key: "+name)
		return
	}
	if v.used[name+given.Code] {
		refuse(w, http.StatusBadRequest, "code already used; wait until the next time period")
		return
	}
	valid, _ := totp.ValidateCustom(given.Code, secret, v.clock(), totp.ValidateOpts{Period: 30, Skew: 1, Digits: pquerna.DigitsSix})
	v.used[name+given.Code] = true
	_, _ = fmt.Fprintf(w, `{"request_id":"1","lease_id":"","renewable":false,"lease_duration":0,"data":{"valid":%t},"wrap_info":null,"warnings":null,"auth":null}`, valid)
}

func (v *vaultServer) fail(fault http.HandlerFunc) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.fault = fault
}

// inVault is a server's backend in Vault.
func inVault(address func(clock func() time.Time) string, token string) func(*repository.Repository, func() time.Time) otp.Backend {
	return func(repo *repository.Repository, clock func() time.Time) otp.Backend {
		return &otp.Vault{
			Address: address(clock), Token: func() (string, error) { return token, nil }, Issuer: "Barong",
			Accounts: repo, Clock: clock, Client: http.DefaultClient,
		}
	}
}

// startWithVault is a server whose codes are in Vault, and that Vault.
func startWithVault(t testing.TB) (a *api, v *vaultServer) {
	t.Helper()
	a = start(t, func(s *setup) {
		s.codes = inVault(func(clock func() time.Time) string {
			v = newVaultServer(t, clock)
			return v.URL + "/"
		}, vaultToken)
	})
	return a, v
}

func TestOTPInVault(t *testing.T) {
	t.Parallel()
	a, _ := startWithVault(t)
	uid, secret := a.enrolled()
	a.verifiedAs(attested, a.sign(envelopeForm, uid, a.code(secret, 0), ""))
	a.sign(jsonForm, uid, a.code(secret, 0), "").refused(t, http.StatusUnprocessableEntity, usedCode)
	guess := a.wrong(secret)
	a.sign(formForm, uid, guess, "").refused(t, http.StatusUnprocessableEntity, wrongCode)
	a.sign(formForm, uid, guess, "").refused(t, http.StatusUnprocessableEntity, usedCode) // so Vault says
	for range 4 {
		a.sign(formForm, uid, "12345", "").refused(t, http.StatusUnprocessableEntity, wrongCode)
	}
	a.clock.Advance(30 * time.Second)
	a.sign(jsonForm, uid, a.code(secret, 0), "").refused(t, http.StatusTooManyRequests, lockedOut)
	a.lockShortened(time.Minute)
	a.verifiedAs(attested, a.sign(jsonForm, uid, a.code(secret, 0), ""))
	if err := a.codes.Disable(t.Context(), uid); err != nil {
		t.Error(err)
	}
	a.sign(jsonForm, uid, a.code(secret, 0), "").refused(t, http.StatusUnprocessableEntity, notEnabled)
}

func TestOneOfManyWinsTheSameOTPCodeInVault(t *testing.T) {
	t.Parallel()
	a, _ := startWithVault(t)
	uid, secret := a.enrolled()
	answers := concurrently(func(i int) answer { return a.sign(forms[i%3], uid, a.code(secret, 0), "") })
	if won, lost := count(answers, http.StatusCreated), count(answers, http.StatusUnprocessableEntity); won != 1 || won+lost != clients {
		t.Errorf("%d won, %d lost", won, lost)
	}
}

func TestOTPWithVaultInTrouble(t *testing.T) {
	t.Parallel()
	a, v := startWithVault(t)
	uid, secret := a.enrolled()
	try := func(name, want, logged string) {
		t.Helper()
		began := time.Now()
		a.sign(jsonForm, uid, a.code(secret, 0), "").refused(t, http.StatusUnprocessableEntity, want)
		if took := time.Since(began); took > 14*time.Second {
			t.Errorf("%s: the caller waited %s", name, took)
		}
		if !strings.Contains(a.log.String(), logged) {
			t.Errorf("%s: the operator learns nothing", name)
		}
	}
	answering := func(status int, reasons ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, reasons...) }
	}
	// More of them than failures that lock: trouble is nobody's guess.
	for _, c := range []struct {
		name, logged string
		fault        http.HandlerFunc
	}{
		{"no right to it", "403: permission denied", answering(http.StatusForbidden, "permission denied")},
		{"sealed", "503: Vault is sealed", answering(http.StatusServiceUnavailable, "Vault is sealed")},
		{"standby", "with 473", answering(473)},
		{"fault", "500: internal error", answering(http.StatusInternalServerError, "internal error")},
		{"no engine", "no handler for route", answering(http.StatusNotFound, `no handler for route "totp/code/x". route entry not found.`)},
		{"another refusal", "400: out of order", answering(http.StatusBadRequest, "out of order")},
		{"no JSON", "not JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }},
		{"no verdict", "with 200", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }},
		{"hung up", "EOF", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"hanging", "deadline", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the end of the connection is noticed
			select {
			case <-r.Context().Done():
			case <-time.After(15 * time.Second):
			}
		}},
	} {
		v.fail(c.fault)
		try(c.name, maintenance, c.logged)
	}
	v.fail(answering(http.StatusInternalServerError, "1 error occurred:\n\t* error adding code to used cache: Item x already exists\n\n"))
	try("two at the same moment", usedCode, "")
	v.fail(nil)
	a.verifiedAs(attested, a.sign(jsonForm, uid, a.code(secret, 0), ""))

	v.mutex.Lock()
	clear(v.keys)
	v.mutex.Unlock()
	try("unknown key", wrongCode, "Vault has no key for it")
	v.Close()
	try("refused", maintenance, "connection refused")
	if strings.Contains(a.log.String(), vaultToken) {
		t.Error("the token is in the log")
	}
}
