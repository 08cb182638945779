package bulk

import (
	"context"
	"errors"
	"io"
	"iter"

	"barong/internal/barongdb"
	"barong/repository"
)

// Source is where the rows of an import come from: a File or a Database.
type Source interface {
	// open starts behind the rows that a run has done.
	open(ctx context.Context, run repository.ImportRun) (reader, error)
}

// reader returns the rows of a source in order.
type reader interface {
	// next returns the next row, or io.EOF after the last one.
	next() (*row, error)
	// place returns the position behind the last row, and its line.
	place() (position, line int64)
	// layout describes rows of CSV; it is nil for others.
	layout() *layout
	close()
}

// File is a file of rows.
type File struct {
	Input  io.Reader // from its beginning
	Format Format
	// Delimiter separates the columns of CSV; 0 detects it.
	Delimiter rune
}

func (f File) open(_ context.Context, run repository.ImportRun) (reader, error) {
	r, err := openRows(f.Input, f.Format, f.Delimiter, run.Position, run.Line)
	if err != nil {
		return nil, err
	}
	return fileReader{r}, nil
}

type fileReader struct{ *rows }

func (r fileReader) next() (*row, error) {
	raw, err := r.rows.next()
	if err != nil {
		return nil, err
	}
	return &row{line: r.line, raw: raw}, nil
}

func (r fileReader) place() (position, line int64) { return r.position, r.line }

func (r fileReader) layout() *layout { return r.header }

func (r fileReader) close() {}

// Database is the database of a Barong installation. The position of a row is its users.id, and so
// is its line.
type Database struct {
	Name  string // identifies the database in later runs
	Users func(ctx context.Context, afterID int64) iter.Seq2[barongdb.User, error]
}

func (d Database) open(ctx context.Context, run repository.ImportRun) (reader, error) {
	if d.Name == "" {
		return nil, errors.New("the database has no name under which its users could be remembered")
	}
	pull, stop := iter.Pull2(d.Users(ctx, run.Position))
	return &databaseReader{pull: pull, stop: stop, last: run.Position}, nil
}

type databaseReader struct {
	pull func() (barongdb.User, error, bool)
	stop func()
	last int64
}

func (r *databaseReader) next() (*row, error) {
	user, err, ok := r.pull()
	switch {
	case !ok:
		return nil, io.EOF
	case err != nil:
		return nil, err
	case user.ID <= r.last:
		return nil, errors.New("the users of the database do not come in the order of their ids")
	}
	r.last = user.ID
	return &row{line: user.ID, barong: &user}, nil
}

func (r *databaseReader) place() (position, line int64) { return r.last, r.last }

func (r *databaseReader) layout() *layout { return nil }

func (r *databaseReader) close() { r.stop() }
