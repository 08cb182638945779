package cli

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// releasePages takes the pages of the program's own file out of the memory of the
// process, but those that were written to. The system has them in its cache, and
// gives back each that is used again, at about a microsecond. What cannot be
// released stays.
func releasePages() {
	program, err := os.Executable()
	if err != nil {
		return
	}
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer file.Close()
	var start, end uint64
	ours := false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 6: // the head of a mapping: addresses, rights, offset, device, inode, path
			from, to, _ := strings.Cut(fields[0], "-")
			start, err = strconv.ParseUint(from, 16, 64)
			if err == nil {
				end, err = strconv.ParseUint(to, 16, 64)
			}
			ours = err == nil && fields[5] == program && fields[1][1] == '-' // not writable
		case ours && len(fields) == 3 && fields[0] == "Anonymous:" && fields[1] == "0": // and never was
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, uintptr(start), uintptr(end-start), syscall.MADV_DONTNEED)
		}
	}
}
