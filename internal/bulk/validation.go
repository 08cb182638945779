package bulk

import (
	"context"
	"slices"

	"barong/internal/identity"
	"barong/repository"
)

// validateBatch splits a batch into accepted and rejected rows. Of rows with the same unique value,
// the first one gets it.
func (i *importing) validateBatch(ctx context.Context, b *batch, seen *batchSeen) (accepted []repository.StoredUser, refused []*row, referrers map[string]int64, err error) {
	var emails, uids, numbers []string
	for _, r := range b.rows {
		if r.user.Email != "" {
			emails = append(emails, r.user.Email)
		}
		uids = append(uids, r.uids()...)
		numbers = append(numbers, r.validated()...)
	}
	taken, err := i.Repo.FindConflicts(ctx, emails, uids, numbers)
	if err != nil {
		return nil, nil, nil, err
	}
	// A referrer may be anywhere in the batch, and must be accepted: validation is repeated until
	// it rejects no more rows. A rejected row stays rejected.
	reasons := make([][]string, len(b.rows))
	for rejectedAny := true; rejectedAny; {
		rejectedAny = false
		clear(seen.keys)
		candidates := make(map[string]bool, len(b.rows))
		for n, r := range b.rows {
			if len(reasons[n]) == 0 {
				candidates[r.user.UID] = true
			}
		}
		for n, r := range b.rows {
			if len(reasons[n]) > 0 {
				continue
			}
			if reasons[n], err = i.rejectionReasons(ctx, r, taken, seen, candidates); err != nil {
				return nil, nil, nil, err
			}
			rejectedAny = rejectedAny || len(reasons[n]) > 0
		}
		if !rejectedAny {
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

// rejectionReasons returns why a row is rejected: first conflicts with other users, then the
// violations of the row itself. A row without reasons reserves its unique values.
func (i *importing) rejectionReasons(ctx context.Context, r *row, taken repository.Conflicts, seen *batchSeen, candidates map[string]bool) ([]string, error) {
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
		if taken.UIDs[*referrer] == 0 && !candidates[*referrer] && !seen.hadBefore('u', *referrer) {
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

// uids returns the uid of a row and that of its referrer, as far as they are valid.
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

// validated returns the row's validated numbers, which must be unique.
func (r *row) validated() []string {
	var numbers []string
	for _, p := range r.user.Phones {
		if p.ValidatedAt != nil && p.Number != "" && !slices.Contains(numbers, p.Number) {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}
