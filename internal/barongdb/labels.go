package barongdb

import (
	"context"
	"slices"
	"time"

	"barong/internal/identity"
)

// addLabels reads the labels of a page.
func (r *userReader) addLabels(ctx context.Context, page []User) error {
	all := make([]Label, 0, 4*len(page))
	ends := make([]int, len(page)) // where the labels of each user end
	err := r.related(ctx, r.labels, page, func(i int, c cells) error {
		u := &page[i]
		l := Label{Key: r.words.of(c[2]), Value: r.words.of(c[3]), Scope: r.words.of(c[4]), Description: c.optional(5)}
		l.CreatedAt, l.UpdatedAt = r.times(c, 6, u.CreatedAt, u, "a label")
		all = append(all, l)
		ends[i] = len(all)
		return nil
	})
	if err != nil {
		return err
	}
	start := 0
	for i, end := range ends {
		if end > start {
			r.setLabels(&page[i], all[start:end:end])
			start = end
		}
	}
	return nil
}

// labelName is what makes labels of a user equal in this server, and the age of one of them.
type labelName struct {
	key, scope string
	updatedAt  time.Time
}

// setLabels stores the labels, which are sorted by id, and of equal ones the newest.
func (r *userReader) setLabels(u *User, labels []Label) {
	names := r.names[:0]
	for _, l := range labels {
		names = append(names, labelName{normalize(l.Key), normalize(l.Scope), l.UpdatedAt})
	}
	r.names = names
	kept := labels[:0]
	for i, name := range names {
		if name.isOutdated(names[:i], false) || name.isOutdated(names[i+1:], true) {
			u.note("an older label with the key %q and the scope %q is left out", name.key, name.scope)
			continue
		}
		kept = append(kept, labels[i])
	}
	u.Labels = kept
}

// isOutdated reports whether one of the other labels is equal and newer. Later ids are newer at the same time.
func (n labelName) isOutdated(others []labelName, later bool) bool {
	return slices.ContainsFunc(others, func(other labelName) bool {
		return other.key == n.key && other.scope == n.scope &&
			(other.updatedAt.After(n.updatedAt) || (later && other.updatedAt.Equal(n.updatedAt)))
	})
}

// normalize is identity.NormalizeLabel, which most texts need not be changed by.
func normalize(text string) string {
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return identity.NormalizeLabel(text)
		}
	}
	return text
}
