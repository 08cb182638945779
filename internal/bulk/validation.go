package bulk

import (
	"context"
	"slices"

	"barong/internal/identity"
	"barong/repository"
)

// validateBatch decides what becomes of the rows of a batch. Of rows with the same unique value,
// the first one gets it. after is the position before the batch.
func (i *importing) validateBatch(ctx context.Context, b *batch, after int64, seen *batchSeen) (done outcome, err error) {
	rows, err := i.compare(ctx, b, after, &done)
	if err != nil {
		return done, err
	}
	v := &validation{importing: i, seen: seen}
	if v.taken, err = i.findTaken(ctx, rows); err != nil {
		return done, err
	}
	// A referrer may be anywhere in the batch, and must be accepted, and so must a user who gives up a
	// value: validation is repeated until it rejects no more rows. A rejected row stays rejected.
	reasons := make([][]string, len(rows))
	for rejectedAny := true; rejectedAny; {
		rejectedAny = false
		clear(seen.keys)
		v.setCandidates(rows, reasons)
		for n, r := range rows {
			if len(reasons[n]) > 0 {
				continue
			}
			if reasons[n], err = v.rejectionReasons(ctx, r); err != nil {
				return done, err
			}
			rejectedAny = rejectedAny || len(reasons[n]) > 0
		}
	}
	for n, r := range rows {
		switch {
		case len(reasons[n]) > 0:
			each := *r
			each.sentences = reasons[n]
			done.refused = append(done.refused, &each)
		case r.imported.UserID != 0:
			done.changed = append(done.changed, r)
		default:
			done.accepted = append(done.accepted, r)
		}
	}
	seen.keep()
	seen.release(done.changed)
	done.referrers = v.taken.UIDs
	return done, nil
}

// findTaken looks up the unique values and the referrers of rows.
func (i *importing) findTaken(ctx context.Context, rows []*row) (repository.Conflicts, error) {
	var emails, uids, numbers []string
	for _, r := range rows {
		if r.user.Email != "" {
			emails = append(emails, r.user.Email)
		}
		uids = append(uids, r.uids()...)
		numbers = append(numbers, r.validated()...)
	}
	return i.Repo.FindConflicts(ctx, emails, uids, numbers)
}

// validation compares the rows of a batch with each other, and with the users that exist.
type validation struct {
	*importing
	taken repository.Conflicts
	seen  *batchSeen

	// The rows that are not rejected so far.
	candidates map[string]bool // by uid
	changing   map[int64]*row  // by the id of the existing user
}

func (v *validation) setCandidates(rows []*row, reasons [][]string) {
	v.candidates, v.changing = make(map[string]bool, len(rows)), map[int64]*row{}
	for n, r := range rows {
		if len(reasons[n]) > 0 {
			continue
		}
		v.candidates[r.user.UID] = true
		if r.imported.UserID != 0 {
			v.changing[r.imported.UserID] = r
		}
	}
}

// rejectionReasons returns why a row is rejected: first conflicts with other users, then the
// violations of the row itself. A row without reasons reserves its unique values.
func (v *validation) rejectionReasons(ctx context.Context, r *row) ([]string, error) {
	var reasons []string
	if r.user.Email != "" && v.emailTaken(r) {
		reasons = append(reasons, identity.ErrUserAlreadyExists.Detail)
	}
	uidTaken, err := v.uidTaken(ctx, r)
	if err != nil {
		return nil, err
	}
	if uidTaken {
		reasons = append(reasons, identity.UIDTaken.Message)
	}
	for _, number := range r.validated() {
		switch {
		case !v.numberTaken(r, number):
		case v.Lenient:
			v.leaveUnvalidated(r, number)
		default:
			reasons = append(reasons, identity.PhoneTaken.Message)
		}
	}
	if r.user.ReferralUID != nil && !v.isUser(*r.user.ReferralUID) {
		if v.Lenient {
			r.user.ReferralUID = nil
			v.drop(r, "referral_uid: "+identity.ReferralUnknown.Message)
		} else {
			reasons = append(reasons, identity.ReferralUnknown.Message)
		}
	}
	reasons = append(reasons, r.sentences...)
	if len(reasons) == 0 {
		v.seen.addEmail(r.user.Email)
		v.seen.add('u', r.user.UID)
		for _, number := range r.validated() {
			v.seen.add('n', number)
		}
	}
	return reasons, nil
}

func (v *validation) emailTaken(r *row) bool {
	folded, key := identity.FoldEmail(r.user.Email), identity.MailboxKey(r.user.Email)
	return v.isOthers(r, v.taken.Emails[folded], folded) || v.isOthers(r, v.taken.Emails[key], key) || v.seen.hasEmail(r.user.Email) ||
		v.taken.AccountHasEmail(r.user.Email)
}

func (v *validation) numberTaken(r *row, number string) bool {
	return v.isOthers(r, v.taken.Numbers[number], number) || v.seen.has('n', number)
}

// isOthers reports whether a unique value belongs to another user than the row's, and stays with
// that user.
func (v *validation) isOthers(r *row, owner int64, value string) bool {
	if owner == 0 || owner == r.imported.UserID || v.seen.wasReleased(value) {
		return false
	}
	other := v.changing[owner]
	return other == nil || slices.Contains(other.uniqueValues(), value)
}

// uidTaken reports whether another user or a service account has the row's uid. A uid that was generated is replaced.
// The user of an earlier run keeps its own.
func (v *validation) uidTaken(ctx context.Context, r *row) (bool, error) {
	if r.imported.UserID != 0 {
		return r.user.UID != r.imported.UID, nil
	}
	isTaken := func() bool {
		return v.taken.UIDs[r.user.UID] != 0 || v.taken.AccountUIDs[r.user.UID] != 0 || v.seen.has('u', r.user.UID)
	}
	for r.ownUID && isTaken() {
		r.user.UID, r.stored = identity.NewUID(v.UIDPrefix), nil
		if err := v.seal(ctx, r); err != nil {
			return false, err
		}
	}
	return r.user.UID != "" && isTaken(), nil
}

func (v *validation) isUser(uid string) bool {
	return v.taken.UIDs[uid] != 0 || v.candidates[uid] || v.seen.hadBefore('u', uid)
}

// leaveUnvalidated keeps a number as one that is not validated.
func (v *validation) leaveUnvalidated(r *row, number string) {
	for n := range r.user.Phones {
		if phone := &r.user.Phones[n]; phone.Number == number && phone.ValidatedAt != nil {
			phone.ValidatedAt = nil
			v.drop(r, "phones.validated_at: "+identity.PhoneTaken.Message)
		}
	}
}

// drop notes a detail that was left out because of another user.
func (v *validation) drop(r *row, detail string) {
	r.dropped = append(r.dropped, detail)
	r.stored = nil
	if len(r.sentences) == 0 {
		r.found = v.findings(r)
	}
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

// givenUID returns the uid of the source, "" without a valid one.
func (r *row) givenUID() string {
	if r.ownUID || !identity.IsUID(r.user.UID) {
		return ""
	}
	return r.user.UID
}

// validated returns the row's validated numbers, which must be unique.
func (r *row) validated() []string { return validatedNumbers(&r.user.User) }

func validatedNumbers(u *identity.User) []string {
	var numbers []string
	for _, p := range u.Phones {
		if p.ValidatedAt != nil && p.Number != "" && !slices.Contains(numbers, p.Number) {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}

// uniqueValues returns the values of the row that no other user may have.
func (r *row) uniqueValues() []string { return uniqueValues(&r.user.User) }

func uniqueValues(u *identity.User) []string {
	return append(validatedNumbers(u), identity.FoldEmail(u.Email), identity.MailboxKey(u.Email))
}
