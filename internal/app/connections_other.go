//go:build !unix

package app

// openFileLimit returns the process's limit of open files, or 0 if it is unknown.
func openFileLimit() int { return 0 }
