package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/mod/sumdb/note"

	"barong/internal/checkpoints"
	"barong/internal/config"
	"barong/internal/journal"
	"barong/repository"
)

const (
	sealInterval    = 200 * time.Millisecond // between passes on an empty inbox
	sealRetry       = 2 * time.Second        // after an error
	journalGauges   = 5 * time.Second        // between measurements for the metrics
	pruneInterval   = time.Hour
	lastSealTimeout = 5 * time.Second // of the last pass of a server that stops
)

// sealer seals the journal of this server's database. Any number of servers may do so at once. Its methods
// belong to one goroutine.
type sealer struct {
	settings  config.Config
	repo      *repository.Repository
	signer    note.Signer
	store     *checkpoints.Store // nil: checkpoints stay here
	published func(signed string)
	metrics   *journalMetrics
	log       *slog.Logger
	now       func() time.Time

	head repository.JournalHead // the longest that this server has seen
	seen journal.Checkpoint     // the newest
	// exported is the newest one that is known to be in the store.
	exported journal.Checkpoint
	forked   bool
	failed   bool // the last pass; the log says it once
	due      struct{ checkpoint, gauges, prune time.Time }
}

func (s *Server) openSealer(ctx context.Context) (err error) {
	sealing := &sealer{
		settings: s.Settings, repo: s.Repo, published: s.admin.PublishCheckpoint, log: s.Log, now: time.Now,
		metrics: newJournalMetrics(s.registry),
	}
	if sealing.signer, err = openJournalSigner(s.Settings, s.Log); err != nil {
		return err
	}
	if sealing.store, err = s.OpenCheckpoints(ctx); err != nil {
		return err
	}
	s.sealer = sealing
	return nil
}

// run seals until ctx ends, and once more then: the requests of this server have ended by then.
func (s *sealer) run(ctx context.Context) {
	for wait := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSealTimeout)
			defer cancel()
			s.seal(last)
			s.report(s.checkpoint(last, 0))
			return
		case <-time.After(wait):
		}
		wait = s.step(ctx)
	}
}

// step does what is due, and returns how long to wait for the next one.
func (s *sealer) step(ctx context.Context) time.Duration {
	if s.seen.Size == 0 && s.due.checkpoint.IsZero() {
		newest, signed, err := NewestCheckpoint(ctx, s.settings, s.repo, s.store)
		if err != nil {
			s.report(err)
			return sealRetry
		}
		if signed != "" {
			s.seen = newest
			s.head = repository.JournalHead{Size: newest.Size, Epoch: newest.Epoch}
			s.published(signed)
		}
		s.due.checkpoint = s.now()
	}
	moved, ok := s.seal(ctx)
	if now := s.now(); !s.forked && !now.Before(s.due.checkpoint) {
		s.due.checkpoint = now.Add(checkpoints.Interval)
		s.report(s.checkpoint(ctx, checkpoints.Interval/2))
	}
	s.measure(ctx, moved > 0 && moved < repository.SealingPass)
	s.prune(ctx)
	switch {
	case !ok || s.forked:
		return sealRetry
	case moved >= repository.SealingPass:
		return 0
	default:
		return sealInterval
	}
}

// seal makes one pass, and returns how many rows of the inbox it has moved.
func (s *sealer) seal(ctx context.Context) (moved int, ok bool) {
	head, moved, err := s.repo.Seal(ctx, s.head)
	s.report(err)
	if err != nil {
		return 0, false
	}
	s.head = head
	s.metrics.size.Set(float64(head.Size))
	return moved, true
}

// report logs an error when it is new, and that there is none any more.
func (s *sealer) report(err error) {
	forked := errors.Is(err, repository.ErrForked)
	switch {
	case forked && !s.forked:
		s.log.Error("the journal has lost rows: nothing is sealed until `barong journal fork` opens another epoch, and writes go on", "error", err)
	case err != nil && !forked && !s.failed && !errors.Is(err, context.Canceled):
		s.log.Error("the journal is not sealed", "error", err)
	case err == nil && (s.failed || s.forked):
		s.log.Info("the journal is sealed again")
	}
	s.forked, s.failed = forked, err != nil && !forked
	s.metrics.forked.Set(map[bool]float64{true: 1}[forked])
}

// measure sets the metrics of what waits; emptied says that the pass has left nothing in the inbox.
func (s *sealer) measure(ctx context.Context, emptied bool) {
	now := s.now()
	if now.Before(s.due.gauges) {
		return
	}
	s.due.gauges = now.Add(journalGauges)
	if emptied { // counting would read past the dead rows of the inbox once more
		s.metrics.unsealed.Set(0)
		s.metrics.oldest.Set(0)
		return
	}
	rows, oldest, err := s.repo.Unsealed(ctx)
	if err != nil {
		return // the pass reports the same
	}
	s.metrics.unsealed.Set(float64(rows))
	age := 0.0
	if !oldest.IsZero() {
		age = max(0, now.Sub(oldest).Seconds())
	}
	s.metrics.oldest.Set(age)
}

// journalMetrics are the metrics of the sealing.
type journalMetrics struct {
	unsealed, oldest, size, forked prometheus.Gauge
}

func newJournalMetrics(registry *prometheus.Registry) *journalMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "barong_journal_" + name, Help: help})
		registry.MustRegister(g)
		return g
	}
	return &journalMetrics{
		unsealed: gauge("unsealed", "Rows of the journal that wait to be sealed, at most 100,000."),
		oldest:   gauge("oldest_unsealed_seconds", "How long the oldest of them has waited."),
		size:     gauge("size", "Rows of the journal that were ever sealed."),
		forked:   gauge("forked", "1 while nothing is sealed because the journal has lost rows."),
	}
}
