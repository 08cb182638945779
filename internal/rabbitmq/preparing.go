package rabbitmq

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"barong/internal/eventapi"
	"barong/internal/events"
	"barong/internal/identity"
	"barong/internal/journal"
)

// unprepared returns the messages of a row in order, or one entry without a name.
func unprepared(row *journal.Row, wanted func(*events.Event) bool) ([]prepared, error) {
	all, err := events.Of(row)
	if err != nil {
		return nil, err
	}
	var list []prepared
	for _, message := range eventapi.Of(all) {
		if wanted == nil || wanted(&message.Event) {
			list = append(list, prepared{Message: message, seq: row.Seq})
		}
	}
	if len(list) == 0 {
		list = []prepared{{seq: row.Seq}}
	}
	list[len(list)-1].last = true
	return list, nil
}

// prepare signs messages: it reads the users in one query, and signs in parallel on half of the
// processors, since a signature takes a millisecond and requests need the others.
func (p *Publisher) prepare(ctx context.Context, list []prepared) error {
	users, err := p.users(ctx, list)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	failures := make([]error, len(list))
	turns := make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))
	for i := range list {
		if list[i].Name == "" {
			continue
		}
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			failures[i] = p.sign(ctx, &list[i], users[list[i].Event.UID])
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

// sign makes the body of a message, and leaves it nil where what the message is about is gone.
func (p *Publisher) sign(ctx context.Context, m *prepared, user *identity.User) (err error) {
	m.signedAt = p.options.Signer.Clock()
	if user != nil {
		m.body, err = p.options.Signer.Body(ctx, &m.Message, user)
	}
	if user == nil || errors.Is(err, eventapi.ErrGone) {
		p.options.Counts.Gone(m.Name)
		return nil
	}
	return err
}

func (p *Publisher) users(ctx context.Context, list []prepared) (map[string]*identity.User, error) {
	known := map[string]*identity.User{}
	var uids []string
	for i := range list {
		uid := list[i].Event.UID
		if _, asked := known[uid]; list[i].Name != "" && !asked {
			known[uid] = nil
			uids = append(uids, uid)
		}
	}
	if len(uids) == 0 {
		return known, nil
	}
	found, err := p.options.Store.EventUsers(ctx, uids)
	for i := range found {
		known[found[i].UID] = &found[i]
	}
	return known, err
}
