package auth_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"barong/internal/auth"
)

func TestAsManySignaturesAreReadAsThereAreSigners(t *testing.T) {
	t.Parallel()
	for _, signers := range []int{1, 16, 17, 18, 40} {
		var file, names strings.Builder
		file.WriteString("keychain:\n")
		parties := make([]party, signers)
		for i := range parties {
			parties[i] = newParty(fmt.Sprintf("party-%d", i), "HS256")()
			fmt.Fprintln(&file, parties[i].entry())
			fmt.Fprintf(&names, "party-%d, ", i)
		}
		fmt.Fprintf(&file, "scopes:\n  write_labels: {permitted_signers: [%s], mandatory_signers: [%s]}\n", &names, &names)
		k, err := auth.ParseKeychain([]byte(file.String()), os.Getenv)
		if err != nil {
			t.Fatal(err)
		}
		payload := b64(goodPayload)
		var by []sig
		for _, p := range parties {
			by = append(by, honest(t, p, payload))
		}
		got, who, err := authorize(t, k, envelope(t, payload, by...))
		if got != allowed || len(who) != signers {
			t.Errorf("%d signers: %s, %v", signers, got, err)
		}
		if signers > 1 {
			if got, _, err := authorize(t, k, envelope(t, payload, by[1:]...)); got != incomplete {
				t.Errorf("%d of %d signers: %s, %v", signers-1, signers, got, err)
			}
		}
		for len(by) < max(16, signers)+1 {
			by = append(by, by[0])
		}
		if got, _, err := authorize(t, k, envelope(t, payload, by...)); got != unreadable {
			t.Errorf("%d signatures of %d signers: %s, %v", len(by), signers, got, err)
		}
	}
}
