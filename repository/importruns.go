package repository

import (
	"context"
	"errors"
	"time"

	sq "github.com/Masterminds/squirrel"
)

// ImportRun is the progress of the import of a file.
type ImportRun struct {
	Name        string
	Position    int64 // bytes of the input that are done
	Line        int64 // lines of the input that are done
	Imported    int64
	Refused     int64
	RefusedSize int64 // bytes of the file of rejected rows
	StartedAt   time.Time
	UpdatedAt   time.Time
	FinishedAt  *time.Time // nil until the end of the input
	Findings    []byte     // JSON of the importer's own
}

// ErrImportMoved is reported when another process has advanced the same run.
var ErrImportMoved = errors.New("another process imports the same file")

var (
	runs = importRunsTable

	isRun = sq.Eq{runs.runName: importRunColumns.arg(runs.runName)}

	insertImportRun = compile(sq.Insert(runs.name).Columns(importRunColumns.names()...).
			Select(importRunColumns.selectArgs(sq.Select())).Suffix(onConflictDoNothing(runs.runName)))

	selectImportRun = compile(sq.Select(importRunColumns.names()...).From(runs.name).Where(isRun))

	deleteImportRun = compile(sq.Delete(runs.name).Where(isRun))

	updateImportRun = compile(importRunColumns.only(runs.position, runs.line, runs.imported, runs.refused, runs.refusedSize, runs.updatedAt, runs.finishedAt, runs.findings).
			set(sq.Update(runs.name)).Where(isRun).Where(runs.position+" = ?", arg("from position")).Where(runs.finishedAt + " IS NULL"))
)

func (run ImportRun) args() args {
	given := args{}
	importRunColumns.bind(given, &run)
	return given
}

// OpenImportRun finds the run with a name, or creates it; then isNew is true.
func (r *Repository) OpenImportRun(ctx context.Context, name string, now time.Time) (run ImportRun, isNew bool, err error) {
	given := ImportRun{Name: name, StartedAt: now, UpdatedAt: now}.args()
	inserted, err := r.exec(ctx, insertImportRun, given)
	if err != nil {
		return run, false, err
	}
	run, err = one(ctx, r, selectImportRun, given, importRunColumns.targets)
	return run, inserted == 1, err
}

// ForgetImportRun deletes a run, so that the next run of that name starts at the beginning.
func (r *Repository) ForgetImportRun(ctx context.Context, name string) error {
	_, err := r.exec(ctx, deleteImportRun, ImportRun{Name: name}.args())
	return err
}

// moveImportRun stores the progress to of a run whose stored position is that of from. Another
// stored position is ErrImportMoved.
func (r *Repository) moveImportRun(ctx context.Context, from, to ImportRun) error {
	to.Name = from.Name
	given := to.args()
	given["from position"] = from.Position
	moved, err := r.exec(ctx, updateImportRun, given)
	if err == nil && moved == 0 {
		return ErrImportMoved
	}
	return err
}
