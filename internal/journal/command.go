package journal

import (
	"os/user"
	"time"

	"github.com/google/uuid"
)

// NewCommand is the record of a write by a command of this program, or by the server itself under the name
// of that command.
func NewCommand(operation string) (*Record, error) {
	entry, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	name := "unknown"
	if who, err := user.Current(); err == nil {
		name = who.Username
	}
	return &Record{Entry: entry, At: time.Now(), Operation: operation, Form: Command, Signers: []string{"cli:" + name}}, nil
}
