package handlers

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"barong/generated"
	"barong/internal/journal"
	"barong/internal/problem"
	"barong/repository"
)

// KeyResult is what became of a request with an idempotency key.
type KeyResult string

// The results.
const (
	KeyFirst    KeyResult = "first"     // executed
	KeyReplayed KeyResult = "replayed"  // answered as the first request was
	KeyReused   KeyResult = "reused"    // rejected: the key is that of another request
	KeyInFlight KeyResult = "in_flight" // rejected: the first request is not finished
	KeyObserved KeyResult = "observed"  // executed, although a key that is only observed was spent
)

// KeyResults returns all results.
func KeyResults() []KeyResult {
	return []KeyResult{KeyFirst, KeyReplayed, KeyReused, KeyInFlight, KeyObserved}
}

// answerLife is how long a repetition gets the answer of the first request.
const answerLife = 24 * time.Hour

// waitingPart of the rest of a request's time is spent on waiting for the first one.
const waitingPart = 3

// The errors of repetitions.
var (
	errKeyReused       = problem.New(problem.Rejected, "Idempotency key was used for another request")
	errAlreadyExecuted = problem.New(problem.Conflict, "The request was already executed")
)

// Once is the middleware that lets a request with enforced keys be executed once. A request without them
// passes unchanged. One of several with the same key is executed; the others wait for it and get its answer
// (replays). A request that fails for whatever reason asks once whether its key was spent meanwhile, for
// example by a request at another server, or by its own transaction whose commit was not confirmed. A
// repetition of an operation without a replay is executed: what it wants is refused by the operation's own
// rules, or by its spent key.
func (h *Handlers) Once(next generated.StrictHandlerFunc, operation string) generated.StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		record := journal.RecordOf(ctx)
		if record == nil || len(record.Keys) == 0 {
			return next(ctx, w, r, request)
		}
		o := once{h: h, record: record, replay: replays[operation], w: w, request: request}
		run := func() (any, error) { return next(ctx, w, r, request) }
		response, err := any(nil), error(nil)
		if record.Enforced() {
			response, err = o.execute(ctx, run)
		} else {
			response, err = run()
		}
		if err == nil && record.Repeated {
			h.keyResult(ctx, record, KeyObserved)
		}
		return response, err
	}
}

// once is one request with enforced keys.
type once struct {
	h       *Handlers
	record  *journal.Record
	replay  replay
	w       http.ResponseWriter
	request any
}

// execute runs the request, or returns the answer of an earlier one.
func (o once) execute(ctx context.Context, run func() (any, error)) (any, error) {
	waiting, cancel := o.waitingTime(ctx)
	defer cancel()
	for {
		leave, busy := o.h.inFlight.enter(o.record)
		if busy == nil {
			defer leave()
			return o.first(ctx, run)
		}
		select {
		case <-busy:
		case <-waiting.Done():
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			o.h.keyResult(ctx, o.record, KeyInFlight)
			return nil, repository.ErrKeySpent
		}
		if o.replay == nil {
			continue
		}
		known, response, err := o.lookUp(ctx)
		if known || err != nil {
			return response, err
		}
	}
}

// waitingTime ends when the request has waited for another one long enough.
func (o once) waitingTime(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/waitingPart)
}

// first runs a request of whose keys this server executes no other request.
func (o once) first(ctx context.Context, run func() (any, error)) (any, error) {
	if o.replay == nil { // it may use up something outside of the database, as a code in Vault
		spent, err := o.h.Repo.Recorded(o.record).SpentKeys(ctx)
		if err == nil {
			err = o.checkReuse(ctx, o.live(spent))
		}
		if err != nil {
			return nil, err
		}
	}
	response, err := run()
	if err != nil {
		if o.replay == nil && !errors.Is(err, repository.ErrKeySpent) {
			return nil, err
		}
		known, answer, failure := o.lookUp(ctx)
		switch {
		case known:
			return answer, failure
		case failure != nil || !errors.Is(err, repository.ErrKeySpent) || problem.KindOf(err) != problem.Conflict:
			return nil, err
		}
		if response, err = run(); err != nil { // the key had expired, and is forgotten now
			return nil, err
		}
	}
	o.h.keyResult(ctx, o.record, KeyFirst)
	return response, nil
}

// lookUp asks whether a key of the request is spent. If it is, known is true, and response or err is what
// the caller gets. Keys whose time is over are forgotten. Another error means that the database did not
// answer.
func (o once) lookUp(ctx context.Context) (known bool, response any, err error) {
	repo := o.h.Repo.Recorded(o.record)
	spent, err := repo.SpentKeys(ctx)
	if err != nil {
		return false, nil, err
	}
	live := o.live(spent)
	if len(live) == 0 {
		if len(spent) > 0 {
			err = repo.ForgetExpiredKeys(ctx)
		}
		return false, nil, err
	}
	if err := o.checkReuse(ctx, live); err != nil {
		return true, nil, err
	}
	response, err = o.respond(ctx, live[0])
	return true, response, err
}

// live returns those of the spent keys whose time is not over.
func (o once) live(spent []repository.SpentKey) []repository.SpentKey {
	return slices.DeleteFunc(slices.Clone(spent), func(k repository.SpentKey) bool { return k.Until.Before(o.record.At) })
}

// checkReuse returns errKeyReused where another request has spent one of the keys.
func (o once) checkReuse(ctx context.Context, live []repository.SpentKey) error {
	for _, found := range live {
		if own := o.keyOf(found); !bytes.Equal(found.Fingerprint, own.Fingerprint[:]) {
			o.h.keyResult(ctx, o.record, KeyReused)
			return errKeyReused
		}
	}
	return nil
}

// keyOf returns the request's own key with the ID of a spent one.
func (o once) keyOf(found repository.SpentKey) *journal.Key {
	i := slices.IndexFunc(o.record.Keys, func(k journal.Key) bool { return bytes.Equal(k.ID[:], found.ID) })
	return &o.record.Keys[i]
}

// respond returns the answer of the request that has spent a key. It may be this request itself, whose
// commit was not confirmed; else the response says that it is a repetition.
func (o once) respond(ctx context.Context, found repository.SpentKey) (any, error) {
	result := KeyReplayed
	if found.Entry == o.record.Entry {
		result = KeyFirst
	}
	o.h.keyResult(ctx, o.record, result)
	if o.replay == nil || found.SpentAt.Add(answerLife).Before(o.record.At) {
		return nil, errAlreadyExecuted
	}
	response, err := o.replay(ctx, o.h, repetition{o.request, found, o.keyOf(found)})
	if err == nil && result == KeyReplayed {
		o.w.Header().Set("Idempotent-Replayed", "true")
	}
	return response, err
}

// keyResult reports what became of a request with keys.
func (h *Handlers) keyResult(ctx context.Context, record *journal.Record, result KeyResult) {
	if h.OnKey != nil {
		h.OnKey(ctx, record, result)
	}
}

// writes returns the repository for the write of a request: it is recorded, and spends the request's keys.
func (h *Handlers) writes(ctx context.Context) *repository.Repository {
	if record := journal.RecordOf(ctx); record != nil {
		return h.Repo.Recorded(record)
	}
	return h.Repo
}
