// Package embeddedpg runs a private PostgreSQL server, so that a machine
// without a database can still run barong, and its tests.
//
// The binaries are the machine's own where it has some, else a pinned build
// that is downloaded once and verified. The server listens on a Unix socket in
// a folder that only its own user (and root) may enter, and on no TCP port at
// all: that is why its accounts need no password, and why any number of servers
// may run side by side.
//
// # Who starts it, who stops it
//
// Any number of processes may call Start with the same folder, one after the
// other or at once: the first one starts the server, the others find it and use
// it. The last of them to call Stop shuts it down. A process that dies without
// calling Stop leaves the server running; it no longer counts as a user, and
// whoever comes next takes the server over.
//
// Three files in the folder keep count, by flock(2), which the kernel undoes
// when a process ends, however it ends:
//
//	starting.lock  exclusive, while a process starts or stops the server
//	users.lock     shared, by every process that uses the server
//	running.lock   exclusive, by the server itself, which inherits it: it is
//	               free exactly when the last process of the server is gone
//
// Next to them are the data directory (data) and the server's log (postgres.log).
// A data directory is never deleted, and never opened by another major version
// than the one that made it.
//
// # Root
//
// PostgreSQL refuses to run as root. Started by root it therefore runs as the
// owner of the data directory; a new one goes to the user postgres, else nobody.
// Where a folder on the way is closed to them it runs, on Linux, in a user
// namespace, in which root goes by an ordinary user's name.
package embeddedpg
