package bulk

import (
	"context"
	"errors"
	"slices"

	"barong/internal/identity"
	"barong/internal/problem"
	"barong/repository"
)

// maxFailures bounds how often a batch is tried again that the database could not
// store. One that lost against somebody else is tried again as long as it takes:
// each time a row less is in the way.
const maxFailures = 5

// errNoTurn ends a batch whose predecessor was not stored.
var errNoTurn = errors.New("the batch before was not stored")

// flight is a batch that is being stored.
type flight struct {
	batch   *batch
	refused []*row
	seen    *batchSeen
	to      repository.ImportRun
	done    chan struct{} // closed when err is final
	err     error
}

// storeAll stores the batches in their order. While the database writes one, the
// next one is looked up and written beside it; it is committed when the one
// before has been.
func (i *importing) storeAll(ctx context.Context, batches <-chan *batch) error {
	var before *flight
	for b := range batches {
		select {
		case <-b.checked:
		case <-ctx.Done():
			return ctx.Err()
		}
		if before != nil && before.isReferredTo(b) {
			// Whom the database does not show yet nobody can refer to.
			if err := i.land(ctx, before); err != nil {
				return err
			}
			before = nil
		}
		next, err := i.launch(ctx, b, before)
		if err != nil {
			return err
		}
		if before != nil {
			if err := i.land(ctx, before); err != nil {
				return err
			}
		}
		before = next
	}
	if before == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return i.land(ctx, before)
}

// launch begins to store a batch.
func (i *importing) launch(ctx context.Context, b *batch, before *flight) (*flight, error) {
	from, turn := i.Run, func() error { return nil }
	f := &flight{batch: b, done: make(chan struct{}), seen: newBatchSeen(i.seen)}
	if before != nil {
		from = before.to
		f.seen.flying = before.seen.keys
		turn = func() error {
			select {
			case <-before.done:
				if before.err != nil {
					return errNoTurn
				}
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	accepted, refused, referrers, err := i.judge(ctx, b, f.seen)
	if err != nil {
		return nil, err
	}
	f.refused, f.to = refused, from
	f.to.Position, f.to.Line, f.to.UpdatedAt = b.position, b.line, i.Clock().UTC()
	f.to.Imported += int64(len(accepted))
	f.to.Refused += int64(len(refused))
	if b.last {
		f.to.FinishedAt = &f.to.UpdatedAt
	}
	// Before the batch is committed: what the run knows of is in the file.
	if f.to.RefusedSize, err = i.refused.write(from.RefusedSize, refused, i.header); err != nil {
		return nil, err
	}
	if i.DryRun {
		close(f.done)
		return f, nil
	}
	// In the order of the input, which the writing does not keep.
	ids, err := i.Repository.ReserveUserIDs(ctx, len(accepted))
	if err != nil {
		return nil, err
	}
	i.flights.Go(func() {
		defer close(f.done)
		f.err = i.Repository.ImportUsers(ctx, accepted, ids, referrers, from, f.to, turn)
	})
	return f, nil
}

// land waits until a batch is stored. One that lost against somebody else, and
// one behind it, is looked at again.
func (i *importing) land(ctx context.Context, f *flight) error {
	for failures := 0; ; {
		<-f.done
		switch {
		case f.err == nil:
			i.Run = f.to
			i.report(f.refused)
			return nil
		case problem.KindOf(f.err) == problem.Unavailable && failures < maxFailures:
			failures++
		case problem.KindOf(f.err) != problem.InvalidRecord && !errors.Is(f.err, errNoTurn):
			return f.err
		}
		again, err := i.launch(ctx, f.batch, nil)
		if err != nil {
			return err
		}
		f = again
	}
}

// isReferredTo says whether a row of a batch names a user of this one.
func (f *flight) isReferredTo(b *batch) bool {
	return slices.ContainsFunc(b.rows, func(r *row) bool {
		return r.user.ReferralUID != nil && f.seen.hasOwn('u', *r.user.ReferralUID)
	})
}

func (i *importing) report(refused []*row) {
	list := make([]Refusal, len(refused))
	for n, r := range refused {
		list[n] = Refusal{Line: r.line, Sentences: r.sentences}
	}
	i.Report(i.Run, list)
}

// judge divides a batch. Of rows that want the same the first one gets it.
func (i *importing) judge(ctx context.Context, b *batch, seen *batchSeen) (accepted []repository.StoredUser, refused []*row, referrers map[string]int64, err error) {
	var emails, uids, numbers []string
	for _, r := range b.rows {
		if r.user.Email != "" {
			emails = append(emails, r.user.Email)
		}
		uids = append(uids, r.uids()...)
		numbers = append(numbers, r.validated()...)
	}
	taken, err := i.Repository.FindConflicts(ctx, emails, uids, numbers)
	if err != nil {
		return nil, nil, nil, err
	}
	// A referrer may stand anywhere in the batch, and must be accepted: rows are
	// looked at again until no more of them fall. What has fallen stays so.
	reasons := make([][]string, len(b.rows))
	for fell := true; fell; {
		fell = false
		clear(seen.keys)
		standing := make(map[string]bool, len(b.rows))
		for n, r := range b.rows {
			if len(reasons[n]) == 0 {
				standing[r.user.UID] = true
			}
		}
		for n, r := range b.rows {
			if len(reasons[n]) > 0 {
				continue
			}
			if reasons[n], err = i.reasons(ctx, r, taken, seen, standing); err != nil {
				return nil, nil, nil, err
			}
			fell = fell || len(reasons[n]) > 0
		}
		if !fell {
			seen.keep()
		}
	}
	for n, r := range b.rows {
		if len(reasons[n]) > 0 {
			each := *r
			each.sentences = reasons[n]
			refused = append(refused, &each)
		} else {
			accepted = append(accepted, r.user)
		}
	}
	return accepted, refused, taken.UIDs, nil
}

// reasons is why a row is refused: what it breaks by itself, after what others
// have. A row without any takes what it wants.
func (i *importing) reasons(ctx context.Context, r *row, taken repository.Conflicts, seen *batchSeen, standing map[string]bool) ([]string, error) {
	var reasons []string
	if r.user.Email != "" && (taken.HasEmail(r.user.Email) || seen.hasEmail(r.user.Email)) {
		reasons = append(reasons, identity.ErrUserAlreadyExists.Detail)
	}
	for r.ownUID && (taken.UIDs[r.user.UID] != 0 || seen.has('u', r.user.UID)) {
		r.user.UID = identity.NewUID(i.UIDPrefix)
		if err := i.seal(ctx, r); err != nil {
			return nil, err
		}
	}
	if r.user.UID != "" && (taken.UIDs[r.user.UID] != 0 || seen.has('u', r.user.UID)) {
		reasons = append(reasons, identity.UIDTaken.Message)
	}
	for _, number := range r.validated() {
		if taken.Numbers[number] || seen.has('n', number) {
			reasons = append(reasons, identity.PhoneTaken.Message)
		}
	}
	if referrer := r.user.ReferralUID; referrer != nil {
		if taken.UIDs[*referrer] == 0 && !standing[*referrer] && !seen.hadBefore('u', *referrer) {
			reasons = append(reasons, identity.ReferralUnknown.Message)
		}
	}
	reasons = append(reasons, r.sentences...)
	if len(reasons) == 0 {
		seen.addEmail(r.user.Email)
		seen.add('u', r.user.UID)
		for _, number := range r.validated() {
			seen.add('n', number)
		}
	}
	return reasons, nil
}

// uids are those that a row would have and name, as far as they could be any.
func (r *row) uids() []string {
	var uids []string
	if identity.IsUID(r.user.UID) {
		uids = append(uids, r.user.UID)
	}
	if referrer := r.user.ReferralUID; referrer != nil && identity.IsUID(*referrer) {
		uids = append(uids, *referrer)
	}
	return uids
}

// validated are the numbers that nobody else may have.
func (r *row) validated() []string {
	var numbers []string
	for _, p := range r.user.Phones {
		if p.ValidatedAt != nil && p.Number != "" && !slices.Contains(numbers, p.Number) {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}
