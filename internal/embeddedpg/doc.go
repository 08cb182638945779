// Package embeddedpg runs a private PostgreSQL server, so that barong and its tests run on a machine
// without a database.
//
// It uses the machine's binaries where there are any, and otherwise downloads and verifies a pinned
// build once. The server listens on a Unix socket in a folder that only its own user and root may
// enter, and on no TCP port. Its accounts therefore need no password, and any number of servers can
// run side by side.
//
// # Starting and stopping
//
// Any number of processes may call Start with the same folder, concurrently or one after the other:
// the first one starts the server, the others find and use it. The last of them to call Stop shuts
// it down. When a process dies without calling Stop, the server keeps running. The dead process no
// longer counts as a user, and the next process that calls Start takes over the server.
//
// Three files in the folder record the users, with flock(2). The kernel releases these locks
// whenever a process ends, for any reason:
//
//	starting.lock  exclusive, while a process starts or stops the server
//	users.lock     shared, by every process that uses the server
//	running.lock   exclusive, by the server itself, which inherits it: it is
//	               free exactly when the last process of the server is gone
//
// The folder also contains the data directory (data) and the server's log (postgres.log). A data
// directory is never deleted, and never opened by another major version than the one that made it.
//
// # Root
//
// PostgreSQL refuses to run as root. When root starts it, it runs as the owner of the data
// directory; a new data directory belongs to the user postgres, or else to nobody. On Linux, where
// that user cannot enter a folder on the path, it runs in a user namespace, in which root has the id
// of an ordinary user.
package embeddedpg
