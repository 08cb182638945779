//go:build !linux

package handlers

// hasPriorities says whether one thread can be preferred to another: not in a way
// that is the same on all other systems.
const hasPriorities = false

func yieldToOthers() {}
