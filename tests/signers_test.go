package tests

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"barong/clients/go/signing"
	"barong/internal/auth"
)

// party is somebody who signs.
type party struct {
	signer  *signing.Signer
	private []byte
	value   string // its public half, as the keychain has it
}

func newParty(name, algorithm string) func() party {
	return sync.OnceValue(func() party {
		private, value, err := signing.GenerateKey(algorithm)
		if err != nil {
			panic(err)
		}
		signer, err := signing.NewSigner(name, algorithm, private)
		if err != nil {
			panic(err)
		}
		return party{signer: signer, private: private, value: value}
	})
}

// The signers of the tests. backend must sign everything, and labels are to be
// signed by audit too where a test says so; stranger is known and permitted
// nowhere; impostor uses the name of backend and has another key; self is the server.
var (
	backend  = newParty("backend", "RS256")
	audit    = newParty("audit", "ES256")
	stranger = newParty("stranger", "EdDSA")
	impostor = newParty("backend", "RS256")
	self     = newParty("barong", "RS256")
)

func keychainFile(mandatory ...string) string {
	var file strings.Builder
	file.WriteString("keychain:\n")
	for name, entry := range map[string]struct{ algorithm, value string }{
		"backend":  {"RS256", backend().value},
		"audit":    {"ES256", audit().value},
		"stranger": {"EdDSA", stranger().value},
	} {
		file.WriteString(auth.KeychainEntry(name, entry.algorithm, entry.value) + "\n")
	}
	file.WriteString("jwt: {}\nscopes:\n")
	for _, scope := range []string{"tools", "write_labels", "read_labels", "read_users", "write_users", "otp_sign", "write_documents", "read_phones", "write_phones", "read_service_accounts", "write_service_accounts", "write_apikeys", "write_attachments"} {
		fmt.Fprintf(&file, "  %s: {permitted_signers: [backend, audit], mandatory_signers: [%s]}\n", scope, strings.Join(append([]string{"backend"}, mandatory...), ", "))
	}
	return file.String()
}

var counter atomic.Int64

// unique is a name that nothing else in this run has.
func unique(prefix string) string { return fmt.Sprintf("%s%d", prefix, counter.Add(1)) }
