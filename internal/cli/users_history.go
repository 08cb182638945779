package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"barong/internal/identity"
	"barong/internal/journal"
	"barong/repository"
)

// searchedHistory is the number of newest rows of the journal in which the writes are searched.
const searchedHistory = 1000

// showHistory prints the writes that gave a user its level and its state, with the labels that did it, by
// the newest rows of the journal.
func showHistory(ctx context.Context, to io.Writer, repo *repository.Repository, user identity.User) error {
	rows, err := repo.NewestSealedOf(ctx, user.UID, searchedHistory)
	if err != nil {
		return err
	}
	level, state := "", ""
	for i := range rows {
		changes, err := rows[i].Changes()
		if err != nil {
			return err
		}
		if changes.Level != nil && level == "" {
			level = fmt.Sprintf("%d -> %d %s", changes.Level.Old, changes.Level.New, causeOf(&rows[i], &changes))
		}
		if changes.State != nil && state == "" {
			state = fmt.Sprintf("%s -> %s %s", changes.State.Old, changes.State.New, causeOf(&rows[i], &changes))
		}
		if level != "" && state != "" {
			break
		}
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{{"level changed", level}, {"state changed", state}} {
		if line[1] == "" {
			line[1] = "not in the journal"
			if len(rows) == searchedHistory {
				line[1] = fmt.Sprintf("not in the newest %d rows of the journal", searchedHistory)
			}
		}
		fmt.Fprintf(table, "%s\t%s\n", line[0], printable(line[1]))
	}
	return table.Flush()
}

// causeOf says which write a row is of, and which labels it set.
func causeOf(row *journal.Sealed, changes *journal.Changes) string {
	cause := fmt.Sprintf("by %s of %s at %s (row %d)", row.Operation, strings.Join(row.Signers, ", "), timestamp(row.WrittenAt), row.Seq)
	if len(changes.Labels) > 0 {
		labels := journal.Changes{Labels: changes.Labels}
		cause += ": " + labels.Text()
	}
	return cause
}
