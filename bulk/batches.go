package bulk

import (
	"context"
	"hash/maphash"
	"slices"

	"barong/identity"
	"barong/repository"
)

// maxRaces bounds how often a batch is looked at again because somebody else took
// what one of its users was to have.
const maxRaces = 5

// store finds out what is taken, refuses the rows that would have it and stores
// the others, the file of refused rows first.
func (i *importing) store(ctx context.Context, b *batch) error {
	for races := 0; ; races++ {
		accepted, refused, referrers, err := i.judge(ctx, b)
		if err != nil {
			return err
		}
		to := i.Run
		to.Position, to.Line, to.UpdatedAt = b.position, b.line, i.Clock().UTC()
		to.Imported += int64(len(accepted))
		to.Refused += int64(len(refused))
		if b.last {
			to.FinishedAt = &to.UpdatedAt
		}
		if to.RefusedSize, err = i.refused.write(i.Run.RefusedSize, refused, i.header); err != nil {
			return err
		}
		if !i.DryRun {
			err = i.Repository.ImportUsers(ctx, accepted, referrers, i.Run, to)
		}
		switch {
		case err == nil:
			i.Run = to
			i.report(refused)
			return nil
		case identity.KindOf(err) != identity.InvalidRecord || races == maxRaces:
			return err
		}
	}
}

func (i *importing) report(refused []*row) {
	list := make([]Refusal, len(refused))
	for n, r := range refused {
		list[n] = Refusal{Line: r.line, Sentences: r.sentences}
	}
	i.Report(i.Run, list)
}

// judge divides a batch. Of rows that want the same the first one gets it.
func (i *importing) judge(ctx context.Context, b *batch) (accepted []repository.ImportedUser, refused []*row, referrers map[string]int64, err error) {
	var emails, uids, numbers []string
	for _, r := range b.rows {
		if r.user.Email != "" {
			emails = append(emails, identity.FoldEmail(r.user.Email))
		}
		uids = append(uids, r.uids()...)
		numbers = append(numbers, r.validated()...)
	}
	taken, err := i.Repository.FindTaken(ctx, emails, uids, numbers)
	if err != nil {
		return nil, nil, nil, err
	}
	// A referrer may stand anywhere in the batch, and must be accepted: rows are
	// looked at again until no more of them fall. What has fallen stays so.
	reasons := make([][]string, len(b.rows))
	for fell := true; fell; {
		fell = false
		batchSeen := newBatchSeen(i.seen)
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
			if reasons[n], err = i.reasons(ctx, r, taken, batchSeen, standing); err != nil {
				return nil, nil, nil, err
			}
			fell = fell || len(reasons[n]) > 0
		}
		if !fell {
			batchSeen.keep()
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
func (i *importing) reasons(ctx context.Context, r *row, taken repository.Taken, seen *batchSeen, standing map[string]bool) ([]string, error) {
	var reasons []string
	email := identity.FoldEmail(r.user.Email)
	if r.user.Email != "" && (taken.Emails[email] || seen.has('e', email)) {
		reasons = append(reasons, identity.ErrUserAlreadyExists.Message)
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
		seen.add('e', email)
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

// seen is what the rows of earlier batches took that a dry run did not store: it
// keeps 128 bits of each, at some hundred bytes for a row.
type seen struct {
	keys  map[[2]uint64]struct{} // nil unless it is a dry run
	seeds [2]maphash.Seed
}

func newSeen(dryRun bool) *seen {
	s := &seen{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	if dryRun {
		s.keys = map[[2]uint64]struct{}{}
	}
	return s
}

func (s *seen) key(text string) [2]uint64 {
	return [2]uint64{maphash.String(s.seeds[0], text), maphash.String(s.seeds[1], text)}
}

// batchSeen adds what the rows of one batch take.
type batchSeen struct {
	before *seen
	keys   map[string]struct{}
}

func newBatchSeen(before *seen) *batchSeen {
	return &batchSeen{before: before, keys: map[string]struct{}{}}
}

func (s *batchSeen) has(kind byte, text string) bool {
	_, ok := s.keys[string(kind)+text]
	return ok || s.hadBefore(kind, text)
}

func (s *batchSeen) hadBefore(kind byte, text string) bool {
	if s.before.keys == nil {
		return false
	}
	_, ok := s.before.keys[s.before.key(string(kind)+text)]
	return ok
}

func (s *batchSeen) add(kind byte, text string) { s.keys[string(kind)+text] = struct{}{} }

// keep leaves the keys to the batches that follow.
func (s *batchSeen) keep() {
	if s.before.keys == nil {
		return
	}
	for key := range s.keys {
		s.before.keys[s.before.key(key)] = struct{}{}
	}
}
