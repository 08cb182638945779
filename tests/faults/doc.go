// Package faults breaks what the server stands on while it is under load, and
// holds it to four promises: no write that was acknowledged is lost, no user is
// half written, nobody gets a 500, and the server serves again by itself.
package faults
