package handlers

import "syscall"

// hasPriorities says whether one thread can be preferred to another.
const hasPriorities = true

// leastPriority is the highest value of nice(2).
const leastPriority = 19

// yieldToOthers gives the calling thread the least priority. Nobody is refused
// that; where it fails all the same, the thread only competes as it would have.
func yieldToOthers() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), leastPriority) }
