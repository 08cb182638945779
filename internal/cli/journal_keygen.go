package cli

import (
	"fmt"

	"barong/internal/journal"
)

type journalKeygenCommand struct{}

func (journalKeygenCommand) Help() string {
	return `The key is printed: it is the value of BARONG_JOURNAL_SIGNING_KEY on every server. Who has it can sign checkpoints of a journal that
was rewritten, so keep it from whoever can write to the database.

Example:
  (umask 077; barong journal keygen >journal_signing_key)`
}

func (journalKeygenCommand) Run(p *program) error {
	key, err := journal.NewSigningKey()
	if err == nil {
		_, err = fmt.Fprintln(p.stdout, string(key))
	}
	return err
}
