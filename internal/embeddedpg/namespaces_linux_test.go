package embeddedpg

import "testing"

// requireNamespaces skips a test where the kernel or the container forbids user namespaces: the
// server cannot run in one there.
func requireNamespaces(t *testing.T) {
	t.Helper()
	a := inNamespace()[0]
	if err := run(a.command(t.Context(), t.TempDir(), "/bin/sh", "-c", "true")); err != nil {
		t.Skipf("no user namespaces here: %v", err)
	}
}
