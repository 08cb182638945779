//go:build clients

package tests

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	sdk "barong/clients/go"
	"barong/clients/go/signing"
	"barong/generated"
	"barong/handlers"
	"barong/internal/auth"
	"barong/internal/spec"
)

// prism is the validating proxy that somebody else wrote.
const prism = "@stoplight/prism-cli@5.16.0"

// TestClientsOfOtherLanguages runs the test suite of every client in clients/
// against a real server: directly, and through a proxy that holds each request and
// each answer against openapi.yaml. What they find in the environment:
//
//	BARONG_API         base URL of the operations
//	BARONG_URL         of the server itself, for what is no operation
//	BARONG_KEYS        folder with a private key for each signer, NAME.pem:
//	                   backend-1 (RS256) must sign everything, and labels
//	                   backend-2 (ES256) too
//	BARONG_OTP_UID     an active user with one-time codes
//	BARONG_OTP_SECRET  whose secret this is, in base32
func TestClientsOfOtherLanguages(t *testing.T) {
	keys, keychain := clientKeys(t)
	settings := map[string]string{
		"DATABASE_URL": newDatabase(t), "BARONG_DATA_DIR": t.TempDir(), "BARONG_MANAGEMENT_API": keychain,
	}
	origin := "http://" + serve(t, settings).public
	routes := map[string]string{
		"direct": origin + handlers.BasePath,
		"prism":  belowBasePath(t, startPrism(t, origin+handlers.BasePath)),
	}
	suites, err := filepath.Glob("../clients/*/Makefile")
	if err != nil || len(suites) < 3 {
		t.Fatalf("there are clients in more languages than %v (%v)", suites, err)
	}
	for _, suite := range suites {
		folder := filepath.Dir(suite)
		for route, api := range routes {
			t.Run(filepath.Base(folder)+"/"+route, func(t *testing.T) {
				uid, secret := enrolled(t, settings, origin, keys)
				run := exec.Command("make", "--no-print-directory", "-C", folder, "test")
				run.Env = append(os.Environ(), "BARONG_API="+api, "BARONG_URL="+origin, "BARONG_KEYS="+keys,
					"BARONG_OTP_UID="+uid, "BARONG_OTP_SECRET="+secret)
				output, err := run.CombinedOutput()
				t.Logf("%s", output)
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestTheGoClientThroughPrism has the proxy judge the Go client, too. It does
// not let through what the tests of refusals send.
func TestTheGoClientThroughPrism(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *api, *sdk.Client){
		"calls every operation": callEveryOperation, "reads pages": readPages, "one-time codes": signOneTimeCodes,
	} {
		t.Run(name, func(t *testing.T) { inEachSigning(t, throughPrism, test) })
	}
}

// belowBasePath is the URL of a proxy's operations where a server has them: Prism
// has them at its root, and to the clients a URL without a path is a server's.
func belowBasePath(t *testing.T, proxy string) string {
	t.Helper()
	target, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix(handlers.BasePath, httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(server.Close)
	return server.URL + handlers.BasePath
}

// throughPrism sends to a proxy what was meant for the server: it knows the
// operations by their paths in openapi.yaml alone.
func throughPrism(a *api) http.RoundTripper {
	proxy, err := url.Parse(startPrism(a.t, a.url))
	if err != nil {
		a.t.Fatal(err)
	}
	return routed(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Host, r.URL.Path = proxy.Host, strings.TrimPrefix(r.URL.Path, handlers.BasePath)
		return http.DefaultTransport.RoundTrip(r)
	})
}

type routed func(*http.Request) (*http.Response, error)

func (f routed) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// clientKeys makes the signers and the keychain file that knows them.
func clientKeys(t *testing.T) (folder, keychain string) {
	t.Helper()
	folder = t.TempDir()
	var file strings.Builder
	file.WriteString("keychain:\n")
	for name, algorithm := range map[string]string{"backend-1": "RS256", "backend-2": "ES256"} {
		private, value, err := signing.GenerateKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+".pem"), private, 0o600); err != nil {
			t.Fatal(err)
		}
		file.WriteString(auth.KeychainEntry(name, algorithm, value) + "\n")
	}
	file.WriteString("scopes:\n")
	for _, scope := range []string{"tools", "write_labels", "read_labels", "read_users", "write_users", "otp_sign", "write_documents", "read_phones", "write_phones", "read_service_accounts", "write_service_accounts", "write_apikeys", "write_attachments"} {
		mandatory := "backend-1"
		if scope == "write_labels" {
			mandatory = "backend-1, backend-2"
		}
		fmt.Fprintf(&file, "  %s: {permitted_signers: [backend-1, backend-2], mandatory_signers: [%s]}\n", scope, mandatory)
	}
	keychain = filepath.Join(t.TempDir(), "management_api.yml")
	if err := os.WriteFile(keychain, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder, keychain
}

// enrolled makes an active user with one-time codes.
func enrolled(t *testing.T, settings map[string]string, origin, keys string) (uid, secret string) {
	t.Helper()
	call := func(arguments ...string) map[string]any {
		arguments = append([]string{"call"}, append(arguments, "--server", origin,
			"--signer", "backend-1="+filepath.Join(keys, "backend-1.pem"), "--signer", "backend-2="+filepath.Join(keys, "backend-2.pem"))...)
		stdout, stderr, status := barong(t, nil, arguments...)
		if status != 0 {
			t.Fatalf("%v: %s %s", arguments, stdout, stderr)
		}
		return decode[map[string]any](t, []byte(stdout))
	}
	user := call("importUser", "email="+unique("enrolled")+"@example.com", "password_digest="+digest)
	uid = user["uid"].(string)
	call("createLabel", "user_uid="+uid, "key=email", "value=verified")
	stdout, stderr, status := barong(t, settings, "otp", "enroll", uid, "--json", "--yes")
	if status != 0 {
		t.Fatalf("%s %s", stdout, stderr)
	}
	return uid, decode[map[string]string](t, []byte(stdout))["secret"]
}

// documentForPrism is openapi.yaml with the envelope as an alternative of the JSON
// parameters, and problem details as one of plain errors. Prism compares media types by
// what follows the plus sign, so that application/jose+json, application/problem+json
// and application/json are one for it.
func documentForPrism(t testing.TB) string {
	t.Helper()
	document, err := generated.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	for operation := range spec.Operations(document) {
		content := operation.RequestBody.Value.Content
		parameters, envelope := content["application/json"], content["application/jose+json"]
		if parameters == nil || envelope == nil {
			t.Fatalf("%s %s takes no JSON or no envelope", operation.Method, operation.Path)
		}
		parameters.Schema = openapi3.NewSchemaRef("", &openapi3.Schema{AnyOf: openapi3.SchemaRefs{parameters.Schema, envelope.Schema}})
		delete(content, "application/jose+json")
		for _, response := range operation.Responses.Map() {
			content := response.Value.Content
			plain, problem := content["application/json"], content["application/problem+json"]
			if problem == nil { // a success, or a response that another operation has had already
				continue
			}
			plain.Schema = openapi3.NewSchemaRef("", &openapi3.Schema{AnyOf: openapi3.SchemaRefs{plain.Schema, problem.Schema}})
			delete(content, "application/problem+json")
		}
	}
	text, err := document.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startPrism returns the base URL of the operations through the proxy. It answers
// an error of its own in place of any request or answer that breaks the
// specification.
func startPrism(t testing.TB, upstream string) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(freeAddress(t))
	proxy := exec.Command("npx", "--yes", "--package", prism, "--", "prism", "proxy", "--errors", "--host", "127.0.0.1", "--port", port, documentForPrism(t), upstream)
	proxy.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // npx does not pass signals on
	printed, err := proxy.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	proxy.Stderr = proxy.Stdout
	if err := proxy.Start(); err != nil {
		t.Fatalf("the proxy needs Node: %v", err)
	}
	log := &logBuffer{}
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		for lines := bufio.NewScanner(printed); lines.Scan(); {
			fmt.Fprintln(log, lines.Text())
		}
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-proxy.Process.Pid, syscall.SIGTERM)
		<-logged
		_ = proxy.Wait()
		if t.Failed() {
			t.Logf("the proxy's log:\n%s", log)
		}
	})
	origin := "http://127.0.0.1:" + port
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // npm may have to fetch it
	defer cancel()
	for ctx.Err() == nil {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+"/timestamp", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
			return origin
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("the proxy does not answer:\n%s", log)
	return ""
}
