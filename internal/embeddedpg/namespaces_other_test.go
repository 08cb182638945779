//go:build !linux

package embeddedpg

import "testing"

// requireNamespaces skips a test that needs Linux.
func requireNamespaces(t *testing.T) {
	t.Helper()
	t.Skip("user namespaces are Linux's")
}
