package barongsql

import (
	"bufio"
	"context"
	"io"
	"time"

	"barong/repository"
)

// Summary counts what an export wrote and what Barong will not have of it.
type Summary struct {
	Users     int64 // written
	Documents int64 // rows written; their files are not in the script
	Refused   int64 // users that Barong's tables cannot hold; nothing of them is written
	Digests   int64 // users written whose password digest Barong cannot check
	Secrets   int64 // users written whose secret of one-time codes is in this server's database
}

// Options say what is exported, and who is told about it.
type Options struct {
	Dialect Dialect
	Since   *time.Time // only users that changed at this time or later; nil: all users
	// Refuse is called for each user that Barong's tables cannot hold, with the reasons. They contain
	// no personal data.
	Refuse func(uid string, reasons []string)
	// Report is called after each page with the number of users that are done.
	Report func(users int64)
}

// Export writes the script for users of one snapshot. Its memory use does not grow with the number
// of users. A script that ends early changes nothing in Barong, because the COMMIT is missing.
func Export(ctx context.Context, repo *repository.Repository, to io.Writer, o Options) (Summary, error) {
	w := writer{to: bufio.NewWriterSize(to, 1<<20), dialect: o.Dialect, tables: newTables(o.Dialect)}
	_, _ = w.to.WriteString(o.Dialect.before) // a bufio.Writer returns its first error again
	err := repo.ExportCompleteUsers(ctx, o.Since, func(page []repository.StoredUser) error {
		for i := range page {
			if reasons := o.Dialect.reasons(&page[i]); reasons != nil {
				w.summary.Refused++
				o.Refuse(page[i].UID, reasons)
				continue
			}
			if err := w.user(&page[i]); err != nil {
				return err
			}
		}
		o.Report(w.summary.Users + w.summary.Refused)
		return nil
	})
	if err != nil {
		return w.summary, err
	}
	for i := range w.tables {
		if err := w.tables[i].flush(w.to); err != nil {
			return w.summary, err
		}
	}
	_, _ = w.to.WriteString(o.Dialect.after)
	return w.summary, w.to.Flush()
}

type writer struct {
	to      *bufio.Writer
	dialect Dialect
	tables  [tableCount]table
	summary Summary
}

// user adds the rows of a user to the tables.
func (w *writer) user(u *repository.StoredUser) error {
	w.summary.Users++
	w.summary.Documents += int64(len(u.Documents))
	if !hasBarongDigest(u) {
		w.summary.Digests++
	}
	if u.Secret != nil {
		w.summary.Secrets++
	}
	if err := w.tables[users].add(w.to, w.dialect.userRow(u)...); err != nil {
		return err
	}
	for _, label := range u.Labels {
		if err := w.tables[labels].add(w.to, w.dialect.labelRow(u.ID, label)...); err != nil {
			return err
		}
	}
	for _, phone := range u.Phones {
		if err := w.tables[phones].add(w.to, w.dialect.phoneRow(u.ID, phone)...); err != nil {
			return err
		}
	}
	if p := u.CurrentProfile(); p != nil {
		if err := w.tables[profiles].add(w.to, w.dialect.profileRow(u.ID, p)...); err != nil {
			return err
		}
	}
	for _, row := range w.dialect.documentRows(u.ID, u.Documents) {
		if err := w.tables[documents].add(w.to, row...); err != nil {
			return err
		}
	}
	return nil
}
