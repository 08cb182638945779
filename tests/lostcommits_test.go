package tests

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"barong/internal/config"
	"barong/internal/long"
	"barong/repository"
)

// cuts breaks a connection to the database at the next write, before or after the database has executed it.
type cuts struct{ before, after atomic.Bool }

type cutConn struct {
	net.Conn
	cuts *cuts
}

func (c cutConn) Write(p []byte) (int, error) {
	switch {
	case c.cuts.before.CompareAndSwap(true, false):
		_ = c.Close()
		return 0, errors.New("cut before the write")
	case c.cuts.after.CompareAndSwap(true, false):
		n, err := c.Conn.Write(p)
		if err != nil {
			return n, err
		}
		_, _ = c.Read(make([]byte, 1)) // the database has answered, and so executed the transaction
		_ = c.Close()
		return n, nil
	}
	return c.Conn.Write(p)
}

// Guards that a write whose commit is not confirmed is executed once, and that the caller gets the truth.
func TestALostCommitIsExecutedOnce(t *testing.T) {
	long.Test(t)
	t.Parallel()
	cut := &cuts{}
	pool := newPool(t, newDatabase(t), repository.Timeouts(0), func(c *pgxpool.Config) {
		dial := c.ConnConfig.DialFunc
		c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return cutConn{conn, cut}, err
		}
	})
	a := start(t, func(s *setup) { s.pool = pool; s.idempotency = config.On })
	uid := a.user(nil)
	const times = 40
	for i := range times {
		armed := &cut.before
		if i%2 == 1 {
			armed = &cut.after
		}
		armed.Store(true)
		got := a.call(envelopeForm, "createLabel", parameters{"user_uid": uid, "key": fmt.Sprintf("label-%d", i), "value": "verified"})
		if got.status != http.StatusCreated || got.header.Get("Idempotent-Replayed") != "" || armed.Load() {
			t.Errorf("%d: %s", i, got)
		}
	}
	labels, rows, spent := a.count("SELECT count(*) FROM labels"), a.count("SELECT count(*) FROM journal_inbox WHERE record LIKE '%createLabel%'"), a.count("SELECT count(*) FROM idempotency_keys")
	if labels != times || rows != times || spent != times+1 { // the user has a key too
		t.Errorf("%d labels, %d rows and %d keys after %d requests", labels, rows, spent, times)
	}
}
