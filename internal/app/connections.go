package app

import (
	"log/slog"

	"barong/internal/config"
)

// connectionLimit returns the maximum number of connections of the public listener: the
// setting, but at most half of the process's limit of open files. The other half is for the
// database, the admin listener, documents and reloaded files.
func connectionLimit(c config.Config, log *slog.Logger) int {
	files := openFileLimit()
	if files == 0 || c.Connections <= files/2 {
		return c.Connections
	}
	log.Warn("BARONG_MAX_CONNECTIONS is more than half of the files that the process may open: taking that", "connections", files/2, "files", files)
	return files / 2
}
