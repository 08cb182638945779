//go:build !linux

package cli

// releasePages is for Linux alone.
func releasePages() {}
