package journal

import (
	"os/user"
	"time"

	"github.com/google/uuid"
)

// NewCommand returns the record of one write of a command of the program, such as "users import". Its
// signer is the user of the machine who runs the command; a name that the system does not know is its
// number.
func NewCommand(operation string) *Record {
	return &Record{
		Entry: uuid.Must(uuid.NewV7()), // fails without randomness only, which ends the process
		At:    time.Now(), Operation: operation, Form: Command, Signers: []string{"cli:" + machineUser()},
	}
}

func machineUser() string {
	current, err := user.Current()
	switch {
	case err != nil:
		return "unknown"
	case current.Username == "":
		return current.Uid
	default:
		return current.Username
	}
}
