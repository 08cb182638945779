package bulk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"barong/internal/barongdb"
	"barong/internal/identity"
	"barong/internal/journal"
	"barong/internal/otp"
	"barong/repository"
)

// Options define an import.
type Options struct {
	Repo      *repository.Repository
	Record    func() *journal.Record // called for each batch that is stored
	Policy    identity.Policy
	UIDPrefix string
	// Seal encrypts a secret of one-time codes for the database; nil where the database stores
	// none.
	Seal  func(ctx context.Context, uid string, secret otp.Secret) ([]byte, error)
	Clock func() time.Time

	Source Source
	Batch  int  // rows in a transaction
	DryRun bool // nothing is stored
	Run    repository.ImportRun

	Lenient          bool // details that break a rule are left out, and their users imported
	HoldStates       bool // users get the label that keeps their state, where their labels do not give it
	OverwriteChanged bool // of a Database: users that changed here since an earlier run get the values of the source

	// ReportFile is the path of the report, with the findings as lines of JSON; "" for none. The rules
	// of Refused apply to it.
	ReportFile string
	// Refused is the path of the file of rejected rows; "" for none. An existing file is
	// overwritten only by the run that it belongs to, or with Overwrite.
	Refused   string
	Overwrite bool

	// Report is called after each batch, with the rows that it rejected.
	Report func(run repository.ImportRun, refused []RejectedRow)
}

// RejectedRow is the line of a rejected row, its uid, if any, and the reasons.
type RejectedRow struct {
	Line      int64
	UID       string
	Sentences []string
}

// row is a row that is being imported.
type row struct {
	line      int64 // in a file; users.id of a database
	raw       []byte
	barong    *barongdb.User // nil in a file
	user      repository.StoredUser
	secret    otp.Secret
	ownUID    bool // the uid is generated, and may be replaced
	sentences []string

	level   *int     // in the source
	notes   []string // of the source
	dropped []string // details that were left out
	held    string   // the label that keeps the state, the last one of the user
	found   []Finding

	// Of a user of a database.
	digest, stored []byte                  // of the record, and of the user; stored is nil until it is known
	imported       repository.ImportedUser // zero for a new user
	current        *identity.User          // nil unless the user is imported and changed
	currentDigest  []byte
}

// batch is a group of rows that are stored together.
type batch struct {
	rows     []*row
	position int64 // in the input, after these rows
	line     int64
	last     bool
	digest   string        // SHA-256 of the rows as read, in hexadecimal digits
	checked  chan struct{} // closed once the rules are applied
}

// Import stores the rows of the input. It returns its progress, also with an error: what the
// progress counts is committed, and nothing else is.
func Import(ctx context.Context, o Options) (repository.ImportRun, error) {
	input, err := o.Source.open(ctx, o.Run)
	if err != nil {
		return o.Run, err
	}
	defer input.close()
	summary, err := SummaryOf(o.Run)
	if err != nil {
		return o.Run, err
	}
	refused, err := openRejected(o.Refused, o.Run.RefusedSize, o.Overwrite)
	if err != nil {
		return o.Run, err
	}
	reported, err := openOutput("the report", "--report", o.ReportFile, summary.ReportSize, o.Overwrite)
	if err != nil {
		return o.Run, errors.Join(err, refused.close())
	}
	i := &importing{Options: o, header: input.layout(), refused: refused, reported: reported, seen: newSeen(o.DryRun)}
	if database, ok := o.Source.(Database); ok {
		i.sourceName = database.Name
	}

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
	return i.Run, errors.Join(err, refused.close(), reported.close())
}

// importing is an import in progress.
type importing struct {
	Options
	header     *layout // nil in NDJSON
	sourceName string  // of a database; "" in a file
	refused    *output
	reported   *output
	seen       *seen
	flights    sync.WaitGroup
}

// read splits the input into batches.
func (i *importing) read(ctx context.Context, input reader, outputs ...chan<- *batch) error {
	for {
		b := &batch{checked: make(chan struct{})}
		for len(b.rows) < i.Batch && !b.last {
			next, err := input.next()
			switch {
			case errors.Is(err, io.EOF):
				b.last = true
			case err != nil:
				return err
			default:
				b.rows = append(b.rows, next)
			}
		}
		b.position, b.line = input.place()
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
	digest := sha256.New()
	for _, r := range b.rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := i.checkRow(ctx, r, now); err != nil {
			return err
		}
		digest.Write(r.raw)
		digest.Write([]byte{'\n'})
	}
	b.digest = hex.EncodeToString(digest.Sum(nil))
	return nil
}

func (i *importing) checkRow(ctx context.Context, r *row, now time.Time) error {
	read, sentence, err := r.read(i.header)
	if err != nil {
		return err
	}
	if sentence != "" {
		r.sentences = []string{sentence}
		return nil
	}
	i.applyRules(r, read, now)
	if r.user.UID == "" {
		r.ownUID = true
		r.user.UID = identity.NewUID(i.UIDPrefix)
	}
	if len(r.sentences) > 0 {
		return nil
	}
	i.hold(r)
	r.found = i.findings(r)
	if i.sourceName != "" {
		if r.stored, err = storedDigest(r.user.User); err != nil {
			return err
		}
	}
	return i.seal(ctx, r)
}

// read returns the record of a row, or a message why there is none.
func (r *row) read(header *layout) (read record, sentence string, err error) {
	if r.barong == nil {
		read, sentence = parse(r.raw, header)
		r.level = read.Level
		return read, sentence, nil
	}
	read, r.notes = recordOfBarong(r.barong)
	r.level = read.Level
	r.raw, err = read.marshal()
	r.digest = digestOf(r.raw)
	r.barong = nil
	return read, "", err
}

// applyRules makes the user of a record, or notes all reasons against it.
func (i *importing) applyRules(r *row, read record, now time.Time) {
	in, times := read.imports()
	secret, secretSentence := read.secret()
	user, violations := i.Policy.ImportedUser(in, now)
	if i.Lenient && len(violations)+len(times) > 0 {
		r.dropped, times = times, nil
		lighter, dropped := i.Policy.WithoutInvalidDetails(in, now)
		for _, detail := range dropped {
			r.dropped = append(r.dropped, detail.Path+": "+detail.Message+quoted(detail.Field, read.value(detail.Field)))
		}
		user, violations = i.Policy.ImportedUser(lighter, now)
	}
	for _, violation := range violations {
		r.sentences = append(r.sentences, violation.Message+quoted(violation.Field, read.value(violation.Field)))
	}
	r.sentences = append(r.sentences, times...)
	if secretSentence != "" {
		r.sentences = append(r.sentences, secretSentence)
	}
	if secret != "" && i.Seal == nil {
		r.sentences = append(r.sentences, "Otp secret cannot be stored in Vault by an import of files: barong otp import does it")
	}
	r.user.User, r.secret = user, secret
}

// seal encrypts the secret for the user's uid.
func (i *importing) seal(ctx context.Context, r *row) (err error) {
	if r.secret == "" || i.Seal == nil || len(r.sentences) > 0 {
		return nil
	}
	r.user.Secret, err = i.Seal(ctx, r.user.UID, r.secret)
	return err
}
