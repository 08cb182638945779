package webhooks

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"

	"barong/internal/webhooks/endpoints"
	"barong/repository"
)

// Options are what a service needs.
type Options struct {
	Pool      *pgxpool.Pool
	Repo      *repository.Repository
	Source    *endpoints.Source
	Records   Records
	Registry  prometheus.Registerer
	Log       *slog.Logger
	Transport TransportOptions

	Clock  func() time.Time // nil: time.Now
	Random func() float64   // spreads attempts, at least 0 and less than 1; nil: at random
}

// Service delivers the events of the journal to the endpoints in force. Several servers share the work: one
// at a time dispatches an endpoint's events, and all send them.
type Service struct {
	pool     *pgxpool.Pool
	repo     *repository.Repository
	source   *endpoints.Source
	metrics  *metrics
	log      *slog.Logger
	delivery *Delivery
	holder   string
	queue    *river.Client[pgx.Tx] // nil: no endpoint was configured so far
}

// New returns a service. [Service.Run] runs it.
func New(o Options) *Service {
	m := newMetrics(o.Registry)
	for _, endpoint := range o.Source.Endpoints() {
		m.open(endpoint.Name)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Random == nil {
		o.Random = random
	}
	return &Service{
		pool: o.Pool, repo: o.Repo, source: o.Source, metrics: m, log: o.Log, holder: uuid.NewString(),
		delivery: &Delivery{
			repo: o.Repo, source: o.Source, records: o.Records, senders: newSenders(o.Transport), metrics: m, log: o.Log, clock: o.Clock, random: o.Random,
		},
	}
}

// Deliver does what the job of a user's events does, without the queue: it returns the wait before the next
// attempt; 0: no event is left.
func (s *Service) Deliver(ctx context.Context, endpoint, uid string) (wait time.Duration, err error) {
	return s.delivery.lane(ctx, endpoint, uid, func(context.Context, pgx.Tx) error { return nil })
}

// Intervals of a service.
const (
	lookInterval = time.Second      // between two looks at the endpoints in force
	stopTimeout  = 20 * time.Second // in which running attempts end; then they are broken off
)

// Run delivers until ctx ends, then lets running attempts end.
func (s *Service) Run(ctx context.Context) {
	var dispatchers sync.WaitGroup
	running := map[string]context.CancelFunc{}
	queues := map[string]bool{}
	logged := false
	counted := time.Time{}
	for ctx.Err() == nil {
		err := s.follow(ctx, running, queues, &dispatchers)
		if err == nil && s.queue != nil && time.Since(counted) > countInterval {
			counted = time.Now()
			err = s.countDead(ctx)
		}
		if err != nil && ctx.Err() == nil && !logged {
			s.log.Error("webhooks are not delivered, and will be tried again", "error", err)
		}
		logged = err != nil
		select {
		case <-ctx.Done():
		case <-time.After(lookInterval):
		}
	}
	dispatchers.Wait()
	s.stop(ctx)
}

// follow starts what the endpoints in force need, and ends what they no longer need.
func (s *Service) follow(ctx context.Context, running map[string]context.CancelFunc, queues map[string]bool, dispatchers *sync.WaitGroup) error {
	wanted := map[string]bool{}
	for _, endpoint := range s.source.Endpoints() {
		if endpoint.Enabled {
			wanted[endpoint.Name] = true
		}
	}
	for name, cancel := range running {
		if !wanted[name] {
			cancel()
			delete(running, name)
		}
	}
	for name := range wanted {
		if running[name] != nil {
			continue
		}
		if err := s.open(ctx, name, queues); err != nil {
			return err
		}
		dispatching, cancel := context.WithCancel(ctx)
		running[name] = cancel
		dispatchers.Go(func() { (&dispatcher{service: s, name: name}).run(dispatching) })
	}
	return nil
}

// open makes what the jobs of an endpoint need.
func (s *Service) open(ctx context.Context, name string, queues map[string]bool) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	if err := s.repo.OpenWebhookEndpoint(ctx, name); err != nil {
		return err
	}
	if err := s.repo.OpenEventCursor(ctx, endpoints.Sink(name)); err != nil {
		return err
	}
	if queues[name] {
		return nil
	}
	err := s.queue.Queues().Add(name, river.QueueConfig{MaxWorkers: workers})
	queues[name] = err == nil
	return err
}

// start makes the schema of the queue, and starts its client.
func (s *Service) start(ctx context.Context) error {
	if s.queue != nil {
		return nil
	}
	if err := makeSchema(ctx, s.pool, s.log); err != nil {
		return err
	}
	queue, err := newQueue(s.pool, s.log, s.delivery)
	if err != nil {
		return err
	}
	// Run stops the client: the end of ctx alone must not break off attempts.
	if err := queue.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	s.queue = queue
	return nil
}

func (s *Service) stop(ctx context.Context) {
	if s.queue == nil {
		return
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := s.queue.Stop(ending); err != nil {
		broken, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookInterval)
		defer cancel()
		if err := s.queue.StopAndCancel(broken); err != nil {
			s.log.Warn("attempts to deliver events did not end", "error", err)
		}
	}
}

func (s *Service) countDead(ctx context.Context) error {
	counts, err := s.repo.CountDeadEvents(ctx)
	if err != nil {
		return err
	}
	s.metrics.dead.Reset()
	for _, endpoint := range s.source.Endpoints() {
		s.metrics.dead.WithLabelValues(endpoint.Name)
	}
	for _, each := range counts {
		s.metrics.dead.WithLabelValues(each.Endpoint).Set(float64(each.Events))
	}
	return nil
}
