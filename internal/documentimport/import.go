package documentimport

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"barong/internal/bulk"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/internal/journal"
	"barong/internal/problem"
	"barong/repository"
)

// Options define an import.
type Options struct {
	Repo   *repository.Repository
	Record func() *journal.Record // called for each batch that is stored
	Store  *documents.Store       // where contents are stored; not used by a dry run
	Files  *documents.Files       // the contents in the other system
	Policy identity.Policy
	Clock  func() time.Time

	Rows    iter.Seq2[Row, error]
	Source  string // the name of the system, for rows that have none
	Workers int    // files that are copied at once
	DryRun  bool   // nothing is stored
	Refused string // path of the file of rejected rows, which must not exist; "" for none

	// Report is called after each batch, with the rows that it rejected.
	Report func(progress Progress, refused []Rejected)
}

// Progress counts the documents of an import. What it counts as imported or updated is committed.
type Progress struct {
	Imported  int64
	Updated   int64
	Unchanged int64 // imported by an earlier run
	Refused   int64
	Bytes     int64            // of the contents that were imported or updated
	Position  int64            // of the source, in the unit of its size
	Dropped   map[string]int64 // documents with a value in a column that has no place here, by column
}

// Rows is the number of rows that are done.
func (p Progress) Rows() int64 { return p.Imported + p.Updated + p.Unchanged + p.Refused }

// Rejected is a rejected row, and the reasons.
type Rejected struct {
	Line      int64 // 0 for a row of a database
	ID        string
	Sentences []string
}

const (
	batchRows = 64      // in a transaction
	batchSize = 2 << 20 // bytes of the rows in a transaction

	// maxFailures limits how often a batch is stored again after the database was unavailable.
	maxFailures = 5
)

// item is a row that is being imported.
type item struct {
	row       Row
	document  repository.ImportedDocument
	sentences []string
	unchanged bool
}

func (i *item) accepted() bool { return !i.unchanged && len(i.sentences) == 0 }

// batch is a group of rows of one source, with different ids, that are stored together.
type batch struct {
	items []*item
	todo  sync.WaitGroup // items whose contents are being copied
	size  int
	keys  map[string]bool
}

// takes reports whether a row may be added.
func (b *batch) takes(r *Row) bool {
	return len(b.items) == 0 ||
		len(b.items) < batchRows && b.size < batchSize && b.items[0].row.Source == r.Source && !b.keys[r.ID]
}

// Import stores the documents of the rows. It returns its progress, also with an error.
//
// The content of a document is durable in the store before the transaction of its row begins. An
// import that ends at any point therefore leaves no row without its content, and at most contents
// without a row. Rows that an earlier import has stored are skipped unless they have changed.
func Import(ctx context.Context, o Options) (Progress, error) {
	refused, err := bulk.CreateRejectedRows(o.Refused)
	if err != nil {
		return Progress{}, err
	}
	i := &importing{Options: o, refused: refused, progress: Progress{Dropped: map[string]int64{}}}
	if o.DryRun {
		i.usage = repository.DocumentUsage{}
	}
	// One goroutine reads rows and finds those that are known, workers copy contents, and one
	// goroutine stores the batches in order. The channels limit how many batches are in memory.
	group, ctx := errgroup.WithContext(ctx)
	read, copied, toCopy := make(chan *batch), make(chan *batch, 1), make(chan copying)
	group.Go(func() error {
		defer close(read)
		return i.read(ctx, read)
	})
	group.Go(func() error {
		defer close(toCopy)
		defer close(copied)
		return i.distribute(ctx, read, toCopy, copied)
	})
	for range o.Workers {
		group.Go(func() error { return i.work(ctx, toCopy) })
	}
	group.Go(func() error { return i.storeAll(ctx, copied) })
	err = group.Wait()
	return i.progress, errors.Join(err, refused.Close())
}

// importing is an import in progress.
type importing struct {
	Options
	refused  *bulk.RejectedRows
	progress Progress
	usage    repository.DocumentUsage // of a dry run; else nil
	reads    reads
}

// copying is an item whose content is to be copied.
type copying struct {
	item *item
	done func()
}

// read splits the rows into batches.
func (i *importing) read(ctx context.Context, batches chan<- *batch) error {
	b := &batch{keys: map[string]bool{}}
	send := func() error {
		if len(b.items) == 0 {
			return nil
		}
		select {
		case batches <- b:
			b = &batch{keys: map[string]bool{}}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for row, err := range i.Rows {
		if err != nil {
			return err
		}
		if row.Source == "" {
			row.Source = i.Source
		}
		if !b.takes(&row) {
			if err := send(); err != nil {
				return err
			}
		}
		b.items = append(b.items, &item{row: row, sentences: row.sentences()})
		b.size += row.size()
		b.keys[row.ID] = true
	}
	return send()
}

// distribute finds the rows of each batch that need no copy, and passes the others to the workers.
func (i *importing) distribute(ctx context.Context, batches <-chan *batch, toCopy chan<- copying, copied chan<- *batch) error {
	for b := range batches {
		if err := i.prepare(ctx, b); err != nil {
			return err
		}
		for _, each := range b.items {
			if !each.accepted() {
				continue
			}
			b.todo.Add(1)
			select {
			case toCopy <- copying{each, b.todo.Done}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case copied <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// prepare decides on the rows of a batch before their contents are copied. The decision is made
// again when the batch is stored.
func (i *importing) prepare(ctx context.Context, b *batch) error {
	for _, each := range b.items {
		digest, err := each.row.digest()
		if err != nil {
			return err
		}
		r := &each.row
		each.document = repository.ImportedDocument{Source: r.Source, SourceID: r.ID, UID: r.UID, Digest: digest}
		each.document.Document.Metadata = r.Metadata
	}
	return i.decide(b, func(list []repository.ImportedDocument) ([]repository.DocumentDecision, error) {
		return i.Repo.DecideDocuments(ctx, list, nil)
	}, nil)
}

// decide asks for the decisions on the accepted items of a batch, marks those that are not to be
// stored, and passes the others to stored.
func (i *importing) decide(b *batch, ask func([]repository.ImportedDocument) ([]repository.DocumentDecision, error), stored func(*item, repository.DocumentDecision)) error {
	var asked []*item
	var list []repository.ImportedDocument
	for _, each := range b.items {
		if each.accepted() {
			asked, list = append(asked, each), append(list, each.document)
		}
	}
	decisions, err := ask(list)
	if err != nil {
		return err
	}
	for n, each := range asked {
		switch decisions[n].Outcome {
		case repository.DocumentUnchanged:
			each.unchanged = true
		case repository.DocumentOfNobody:
			each.sentences = []string{identity.DocumentUserUnknown.Message}
		case repository.DocumentOfAnother:
			each.sentences = []string{identity.DocumentOfAnotherUser.Message}
		case repository.DocumentWithoutRoom:
			each.sentences = []string{identity.TooManyDocuments.Message}
		case repository.DocumentInserted, repository.DocumentUpdated:
		}
		if stored != nil {
			stored(each, decisions[n])
		}
	}
	return nil
}

// storeAll stores the batches in order, each when its contents are copied.
func (i *importing) storeAll(ctx context.Context, batches <-chan *batch) error {
	for b := range batches {
		b.todo.Wait()
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := i.store(ctx, b); err != nil {
			return err
		}
		if err := i.finish(b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// store commits the rows of a batch, and removes contents that belong to no row. Where that fails,
// barong documents sweep finds them.
func (i *importing) store(ctx context.Context, b *batch) error {
	return i.decide(b, func(list []repository.ImportedDocument) (decisions []repository.DocumentDecision, err error) {
		if i.DryRun {
			return i.Repo.DecideDocuments(ctx, list, i.usage)
		}
		for failures := 0; ; failures++ {
			decisions, err = i.Repo.Recorded(i.Record()).ImportDocuments(ctx, list, b.recorded(list))
			if err == nil || problem.KindOf(err) != problem.Unavailable || failures == maxFailures || ctx.Err() != nil {
				return decisions, err
			}
		}
	}, func(each *item, decision repository.DocumentDecision) {
		switch {
		case decision.Outcome == repository.DocumentUpdated:
			i.progress.Updated++
		case each.accepted():
			i.progress.Imported++
		}
		if each.accepted() {
			i.progress.Bytes += each.document.Document.Size
		}
		if i.DryRun {
			return
		}
		abandoned := decision.Replaced
		if !each.accepted() {
			abandoned = each.document.Document.Object
		}
		if abandoned != "" {
			_ = i.Store.Remove(ctx, abandoned)
		}
	})
}

// recorded is the batch as the journal has it, of which list is stored.
func (b *batch) recorded(list []repository.ImportedDocument) journal.Batch {
	digest := sha256.New()
	for _, document := range list {
		digest.Write(document.Digest)
	}
	first, last := &b.items[0].row, &b.items[len(b.items)-1].row
	return journal.Batch{
		Name: first.Source, First: cmp.Or(first.Line, first.Position), Last: cmp.Or(last.Line, last.Position),
		Digest: hex.EncodeToString(digest.Sum(nil)),
	}
}

// finish counts a batch, writes its rejected rows and reports it.
func (i *importing) finish(b *batch) error {
	var refused []Rejected
	var rows []bulk.RejectedNDJSON
	for _, each := range b.items {
		i.progress.Position = max(i.progress.Position, each.row.Position)
		if each.unchanged {
			i.progress.Unchanged++
		}
		if len(each.sentences) == 0 {
			for _, column := range each.row.Dropped {
				i.progress.Dropped[column]++
			}
			continue
		}
		i.progress.Refused++
		raw, err := each.row.raw()
		if err != nil {
			return err
		}
		rows = append(rows, bulk.RejectedNDJSON{Line: each.row.Line, Raw: raw, Sentences: each.sentences})
		refused = append(refused, Rejected{Line: each.row.Line, ID: each.row.ID, Sentences: each.sentences})
	}
	if err := i.refused.Add(rows); err != nil {
		return fmt.Errorf("the file of refused rows: %w", err)
	}
	i.Report(i.progress, refused)
	return nil
}

// DroppedColumns returns the names of the columns of Dropped, sorted.
func (p Progress) DroppedColumns() []string { return slices.Sorted(maps.Keys(p.Dropped)) }
