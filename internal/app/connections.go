package app

import (
	"log/slog"

	"barong/internal/config"
)

// connectionLimit is how many connections the public listener takes: what the
// setting says, but at most half of the files that the process may open. The other
// half is for the database, the admin listener, documents, and the files that are
// read again.
func connectionLimit(c config.Config, log *slog.Logger) int {
	files := openFileLimit()
	if files == 0 || c.Connections <= files/2 {
		return c.Connections
	}
	log.Warn("BARONG_MAX_CONNECTIONS is more than half of the files that the process may open: taking that", "connections", files/2, "files", files)
	return files / 2
}
