//go:build !unix

package app

// openFileLimit is how many files the process may open; 0 where nobody knows.
func openFileLimit() int { return 0 }
