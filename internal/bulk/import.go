package bulk

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"barong/internal/identity"
	"barong/internal/otp"
	"barong/repository"
)

// Options define an import.
type Options struct {
	Repo      *repository.Repository
	Policy    identity.Policy
	UIDPrefix string
	// Seal encrypts a secret of one-time codes for the database; nil where the database stores
	// none.
	Seal  func(ctx context.Context, uid string, secret otp.Secret) ([]byte, error)
	Clock func() time.Time

	Input  io.Reader // from its beginning; Import skips the part that Run has done
	Format Format
	// Delimiter separates the columns of CSV; 0 detects it.
	Delimiter rune
	Batch     int  // rows in a transaction
	DryRun    bool // nothing is stored
	Run       repository.ImportRun
	// Refused is the path of the file of rejected rows; "" for none. An existing file is
	// overwritten only by the run that it belongs to, or with Overwrite.
	Refused   string
	Overwrite bool

	// Report is called after each batch, with the rows that it rejected.
	Report func(run repository.ImportRun, refused []RejectedRow)
}

// RejectedRow is the line of a rejected row, and the reasons.
type RejectedRow struct {
	Line      int64
	Sentences []string
}

// row is a row that is being imported.
type row struct {
	line      int64
	raw       []byte
	user      repository.StoredUser
	secret    otp.Secret
	ownUID    bool // the uid is generated, and may be replaced
	sentences []string
}

// batch is a group of rows that are stored together.
type batch struct {
	rows     []*row
	position int64 // in the input, after these rows
	line     int64
	last     bool
	checked  chan struct{} // closed once the rules are applied
}

// Import stores the rows of the input. It returns its progress, also with an error: what the
// progress counts is committed, and nothing else is.
func Import(ctx context.Context, o Options) (repository.ImportRun, error) {
	input, err := openRows(o.Input, o.Format, o.Delimiter, o.Run.Position, o.Run.Line)
	if err != nil {
		return o.Run, err
	}
	refused, err := openRejectedFile(o.Refused, o.Run.RefusedSize, o.Overwrite)
	if err != nil {
		return o.Run, err
	}
	i := &importing{Options: o, header: input.header, refused: refused, seen: newSeen(o.DryRun)}

	// One goroutine reads, one per processor validates, and one stores the batches in the order of
	// the input. The channels limit how many batches are in memory.
	group, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	inOrder, toCheck := make(chan *batch, workers), make(chan *batch, workers)
	group.Go(func() error {
		defer close(inOrder)
		defer close(toCheck)
		return i.read(ctx, input, inOrder, toCheck)
	})
	for range workers {
		group.Go(func() error {
			for b := range toCheck {
				if err := i.check(ctx, b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error { return i.storeAll(ctx, inOrder) })
	err = group.Wait()
	i.flights.Wait() // no batch is committed after Import returns
	return i.Run, errors.Join(err, refused.close())
}

// importing is an import in progress.
type importing struct {
	Options
	header  *layout // nil in NDJSON
	refused *rejectedFile
	seen    *seen
	flights sync.WaitGroup
}

// read splits the input into batches.
func (i *importing) read(ctx context.Context, input *rows, outputs ...chan<- *batch) error {
	for {
		b := &batch{checked: make(chan struct{})}
		for len(b.rows) < i.Batch && !b.last {
			raw, err := input.next()
			switch {
			case errors.Is(err, io.EOF):
				b.last = true
			case err != nil:
				return err
			default:
				b.rows = append(b.rows, &row{line: input.line, raw: raw})
			}
		}
		b.position, b.line = input.position, input.line
		for _, output := range outputs {
			select {
			case output <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if b.last {
			return nil
		}
	}
}

// check applies the rules that do not depend on other rows or users.
func (i *importing) check(ctx context.Context, b *batch) error {
	defer close(b.checked)
	now := i.Clock().UTC().Truncate(time.Second)
	for _, r := range b.rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		read, sentence := parse(r.raw, i.header)
		if sentence != "" {
			r.sentences = []string{sentence}
			continue
		}
		in, secret, sentences := read.imports()
		user, violations := i.Policy.ImportedUser(in, now)
		for _, violation := range violations {
			r.sentences = append(r.sentences, violation.Message+quoted(violation.Field, read.value(violation.Field)))
		}
		r.sentences = append(r.sentences, sentences...)
		if secret != "" && i.Seal == nil {
			r.sentences = append(r.sentences, "Otp secret cannot be stored in Vault by an import of files: barong otp import does it")
		}
		r.user.User, r.secret = user, secret
		if user.UID == "" {
			r.ownUID = true
			r.user.UID = identity.NewUID(i.UIDPrefix)
		}
		if err := i.seal(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// seal encrypts the secret for the user's uid.
func (i *importing) seal(ctx context.Context, r *row) (err error) {
	if r.secret == "" || i.Seal == nil || len(r.sentences) > 0 {
		return nil
	}
	r.user.Secret, err = i.Seal(ctx, r.user.UID, r.secret)
	return err
}
