//go:build !linux

package embeddedpg

// inNamespace returns no accounts: only Linux has user namespaces.
func inNamespace() []account { return nil }
