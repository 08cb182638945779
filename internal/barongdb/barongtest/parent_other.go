//go:build !linux

package barongtest

import "syscall"

// dieWithParent is possible on Linux only.
func dieWithParent(*syscall.SysProcAttr) {}
