package rabbitmq

import (
	"context"
	"time"

	"barong/internal/events"
)

// Publisher publishes events. [Publisher.Run] does so for as long as a server runs.
type Publisher struct {
	options Options
	status  status
}

// New returns a publisher.
func New(o Options) *Publisher {
	if o.Pace == (Pace{}) {
		o.Pace = DefaultPace
	}
	return &Publisher{options: o, status: status{log: o.Log}}
}

// Run publishes until ctx ends. After a failure it waits, longer each time without progress, and goes on
// at the cursor. While another server has the lease, it waits for that.
func (p *Publisher) Run(ctx context.Context) {
	wait := p.options.Pace.Retry
	for ctx.Err() == nil {
		progress, err := p.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		if progress {
			wait = p.options.Pace.Retry
		}
		if p.status.report(err) {
			sleep(ctx, p.options.Pace.Lease)
			continue
		}
		sleep(ctx, wait)
		wait = min(2*wait, p.options.Pace.Max)
	}
}

// turn takes the lease, publishes until something fails, and gives the lease back, so that another
// server may try. progress tells that the cursor has moved.
func (p *Publisher) turn(ctx context.Context) (progress bool, err error) {
	o := &p.options
	if err = o.Store.OpenEventCursor(ctx, Sink); err != nil {
		return false, err
	}
	seq, err := o.Store.LeaseEventCursor(ctx, Sink, o.Holder)
	if err != nil {
		return false, err
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		_ = o.Store.ReleaseEventCursor(last, Sink, o.Holder) // without it, the lease ends by itself
	}()
	link, err := connect(ctx, o.URL, o.Durable)
	if err != nil {
		return false, err
	}
	defer link.close()
	s := &stream{Publisher: p, window: newWindow(link, o, seq), stored: seq}
	err = s.run(ctx)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	_ = s.advance(last, false) // what is confirmed and not recorded is sent again
	return s.stored > seq, err
}

// stream publishes over one connection, under one lease.
type stream struct {
	*Publisher
	window   *window
	stored   int64 // the cursor
	extended time.Time
}

func (s *stream) run(ctx context.Context) error {
	s.extended = time.Now()
	for {
		at := s.window.done
		if err := s.publishAll(ctx, at); err != nil {
			return err
		}
		if err := s.advance(ctx, time.Since(s.extended) >= s.options.Pace.Lease); err != nil {
			return err
		}
		s.status.report(nil)
		timer := time.NewTimer(s.options.Pace.Poll)
		select {
		case <-timer.C:
		case err := <-s.window.closed:
			timer.Stop()
			return closedBy(err)
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// publishAll publishes the rows after a number that there are now, and waits for the confirms.
func (s *stream) publishAll(ctx context.Context, after int64) error {
	var list []prepared
	for row, err := range events.Rows(ctx, s.options.Store, after) {
		if err != nil {
			return err
		}
		messages, err := unprepared(row, nil)
		if err != nil {
			return err
		}
		if len(list)+len(messages) > maxWindow {
			if err := s.publish(ctx, list); err != nil {
				return err
			}
			list = list[:0]
		}
		list = append(list, messages...)
	}
	if err := s.publish(ctx, list); err != nil {
		return err
	}
	return s.window.settle(ctx, 0)
}

// publish sends messages, after the confirms of those before them have come and the cursor is stored there:
// what comes twice after an interruption are the messages of one call.
func (s *stream) publish(ctx context.Context, list []prepared) error {
	if len(list) == 0 {
		return nil
	}
	if err := s.prepare(ctx, list); err != nil { // while confirms come
		return err
	}
	if err := s.window.settle(ctx, 0); err != nil {
		return err
	}
	// A server that was stopped for longer than its lease may not be the publisher any more.
	if err := s.advance(ctx, time.Since(s.extended) >= s.options.Pace.Lease); err != nil {
		return err
	}
	for i := range list {
		if err := s.window.send(ctx, &list[i], false); err != nil {
			return err
		}
	}
	return nil
}

// advance stores the cursor where it has moved, or always with extend, and extends the lease.
func (s *stream) advance(ctx context.Context, extend bool) error {
	if s.window.done == s.stored && !extend {
		return nil
	}
	if err := s.options.Store.AdvanceEventCursor(ctx, Sink, s.options.Holder, s.window.done); err != nil {
		return err
	}
	s.stored, s.extended = s.window.done, time.Now()
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
