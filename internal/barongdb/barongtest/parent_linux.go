package barongtest

import (
	"runtime"
	"syscall"
)

// dieWithParent makes the kernel kill a process that the calling goroutine starts when this process ends in
// any way. The kernel watches the thread, so the goroutine keeps it for as long as it waits for the process.
func dieWithParent(attr *syscall.SysProcAttr) {
	runtime.LockOSThread()
	attr.Pdeathsig = syscall.SIGKILL
}
