package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"barong/internal/eventapi"
)

// maxWindow is the largest number of messages that wait for the broker's confirms.
const maxWindow = 64

var (
	errSilent = errors.New("the broker does not confirm")
	errNacked = errors.New("the broker refuses messages: a queue may be full")
)

// heldError is reported where no queue is bound to the name of a message that must not be lost.
type heldError struct{ name string }

func (e *heldError) Error() string { return "no queue is bound to " + e.name }

// window are the messages that a connection has taken and not confirmed, in order.
type window struct {
	*connection
	required []string
	silence  time.Duration
	counts   Counts
	open     []pending
	size     int             // how many messages may be open: grows with confirms, so that a refusal meets few
	routed   map[string]bool // the required names that had a queue since the connection was opened
	unrouted map[string]bool // identifiers of open messages that the broker has returned
	done     int64           // all messages of rows up to this number are confirmed
}

// pending is an open message, or the end of a row without messages.
type pending struct {
	confirm *amqp.DeferredConfirmation // nil: nothing was sent
	id      string
	name    string
	seq     int64
	last    bool // of its row
}

func newWindow(c *connection, o *Options, done int64) *window {
	return &window{
		connection: c, required: o.Required, silence: o.Pace.Silence, counts: o.Counts, size: 1,
		routed: map[string]bool{}, unrouted: map[string]bool{}, done: done,
	}
}

// send publishes a message. It waits while the window is full. The first message of a required name is
// sent alone: if nobody takes it, no later message has overtaken it.
func (w *window) send(ctx context.Context, m *prepared, replay bool) error {
	alone := m.body != nil && slices.Contains(w.required, m.Name) && !w.routed[m.Name]
	if alone {
		if err := w.settle(ctx, 0); err != nil {
			return err
		}
	}
	next := pending{seq: m.seq, last: m.last}
	if m.body != nil {
		if err := w.settle(ctx, w.size-1); err != nil {
			return err
		}
		confirm, err := w.channel.PublishWithDeferredConfirm(m.Exchange(), m.RoutingKey(), true, false, publishing(m, replay))
		if err != nil {
			return err
		}
		next.confirm, next.id, next.name = confirm, m.ID.String(), m.Name
	}
	w.push(next)
	if alone {
		return w.settle(ctx, 0)
	}
	return nil
}

// push appends an entry, or extends the last one over a row without messages.
func (w *window) push(next pending) {
	if n := len(w.open); next.confirm == nil && n > 0 && w.open[n-1].last {
		w.open[n-1].seq = next.seq
		return
	}
	w.open = append(w.open, next)
}

func publishing(m *prepared, replay bool) amqp.Publishing {
	headers := amqp.Table{"x-barong-sequence": m.seq, "x-barong-index": int32(m.Index)} //nolint:gosec // a row has few messages
	if replay {
		headers["x-barong-replay"] = true
	}
	return amqp.Publishing{
		ContentType: "application/octet-stream", DeliveryMode: amqp.Persistent, MessageId: m.ID.String(), Timestamp: m.signedAt,
		Headers: headers, Body: m.body,
	}
}

// settle waits until at most so many messages are open.
func (w *window) settle(ctx context.Context, most int) error {
	for w.sent() > most {
		if err := w.settleFirst(ctx); err != nil {
			return err
		}
	}
	for len(w.open) > 0 && w.open[0].confirm == nil { // rows without messages at the front
		if err := w.settleFirst(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sent is the number of open messages.
func (w *window) sent() (n int) {
	for i := range w.open {
		if w.open[i].confirm != nil {
			n++
		}
	}
	return n
}

func (w *window) settleFirst(ctx context.Context) error {
	first := w.open[0]
	if first.confirm != nil {
		if err := w.confirmed(ctx, first); err != nil {
			return err
		}
	}
	w.open = w.open[1:]
	if first.last {
		w.done = first.seq
	}
	return nil
}

// confirmed waits for the confirm of a message. The broker returns a message before it confirms it.
func (w *window) confirmed(ctx context.Context, p pending) error {
	silent := time.NewTimer(w.silence)
	defer silent.Stop()
	select {
	case <-p.confirm.Done():
	case <-silent.C:
		return errSilent
	case <-ctx.Done():
		return ctx.Err()
	}
	if !p.confirm.Acked() {
		return w.refusal()
	}
	w.takeReturns()
	if w.unrouted[p.id] {
		delete(w.unrouted, p.id)
		w.counts.Unroutable(p.name)
		if slices.Contains(w.required, p.name) {
			return &heldError{p.name}
		}
		return nil
	}
	w.routed[p.name] = true
	w.size = min(w.size+1, maxWindow)
	w.counts.Published(p.name)
	return nil
}

func (w *window) takeReturns() {
	for {
		select {
		case r, ok := <-w.returned:
			if !ok {
				return
			}
			w.unrouted[r.MessageId] = true
		default:
			return
		}
	}
}

// refusal is why a message is not confirmed: the end of the channel, or the broker refused it.
func (w *window) refusal() error {
	select {
	case err := <-w.closed:
		if err != nil {
			return fmt.Errorf("the broker has closed the channel: %w", err)
		}
		return amqp.ErrClosed
	default:
		return errNacked
	}
}

// prepared is a message that can be sent, or a row that has none.
type prepared struct {
	eventapi.Message
	body     []byte // nil: nothing is sent
	signedAt time.Time
	seq      int64
	last     bool // of its row
}
