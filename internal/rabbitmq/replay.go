package rabbitmq

import (
	"context"

	"barong/internal/events"
)

// Replay publishes the wanted messages of the rows with numbers above after and up to last once more,
// marked by the header x-barong-replay, with the identifiers that they had. The cursor stays. It returns
// how many the broker has confirmed. Messages of one run are in order; a server may publish new ones
// between them.
func (p *Publisher) Replay(ctx context.Context, after, last int64, wanted func(*events.Event) bool) (confirmed int, err error) {
	o := p.options
	published := o.Counts.Published
	o.Counts.Published = func(name string) { confirmed++; published(name) }
	link, err := connect(ctx, o.URL, o.Durable)
	if err != nil {
		return 0, err
	}
	defer link.close()
	w := newWindow(link, &o, after)
	var list []prepared
	send := func() error {
		if err := p.prepare(ctx, list); err != nil {
			return err
		}
		for i := range list {
			if err := w.send(ctx, &list[i], true); err != nil {
				return err
			}
		}
		list = list[:0]
		return nil
	}
	for row, err := range events.Rows(ctx, o.Store, after) {
		if err != nil {
			return confirmed, err
		}
		if row.Seq > last {
			break
		}
		messages, err := unprepared(row, wanted)
		if err != nil {
			return confirmed, err
		}
		if list = append(list, messages...); len(list) >= maxWindow {
			if err := send(); err != nil {
				return confirmed, err
			}
		}
	}
	if err := send(); err != nil {
		return confirmed, err
	}
	return confirmed, w.settle(ctx, 0)
}
