package bulk

import (
	"hash/maphash"
	"slices"

	"barong/internal/identity"
)

// seen holds the unique values of the rows of earlier batches, which a dry run does not store. It
// keeps a 128-bit hash of each, at about a hundred bytes for a row.
type seen struct {
	keys  map[[2]uint64]struct{} // nil unless it is a dry run
	seeds [2]maphash.Seed
	// released are values that users of earlier batches have given up.
	released map[[2]uint64]struct{}
}

func newSeen(dryRun bool) *seen {
	s := &seen{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	if dryRun {
		s.keys, s.released = map[[2]uint64]struct{}{}, map[[2]uint64]struct{}{}
	}
	return s
}

func (s *seen) key(text string) [2]uint64 {
	return [2]uint64{maphash.String(s.seeds[0], text), maphash.String(s.seeds[1], text)}
}

// batchSeen adds the unique values of the rows of one batch, and those of the previous batch while
// its transaction is not visible yet.
type batchSeen struct {
	before *seen
	keys   map[string]struct{}
	flying map[string]struct{}
}

func newBatchSeen(before *seen) *batchSeen {
	return &batchSeen{before: before, keys: map[string]struct{}{}}
}

func (s *batchSeen) has(kind byte, text string) bool {
	_, isPending := s.flying[string(kind)+text]
	return isPending || s.hasOwn(kind, text) || s.hadBefore(kind, text)
}

func (s *batchSeen) hasOwn(kind byte, text string) bool {
	_, ok := s.keys[string(kind)+text]
	return ok
}

func (s *batchSeen) hadBefore(kind byte, text string) bool {
	if s.before.keys == nil {
		return false
	}
	_, ok := s.before.keys[s.before.key(string(kind)+text)]
	return ok
}

func (s *batchSeen) add(kind byte, text string) { s.keys[string(kind)+text] = struct{}{} }

// keep makes the keys available to later batches.
func (s *batchSeen) keep() {
	if s.before.keys == nil {
		return
	}
	for key := range s.keys {
		s.before.keys[s.before.key(key)] = struct{}{}
	}
}

// release notes the unique values that users give up, which a dry run does not store.
func (s *batchSeen) release(changed []*row) {
	if s.before.keys == nil {
		return
	}
	for _, r := range changed {
		kept := r.uniqueValues()
		for _, value := range uniqueValues(r.current) {
			if !slices.Contains(kept, value) {
				s.before.released[s.before.key(value)] = struct{}{}
			}
		}
	}
}

func (s *batchSeen) wasReleased(value string) bool {
	_, ok := s.before.released[s.before.key(value)]
	return ok
}

// hasEmail reports whether a row has this e-mail in any spelling. The folded e-mail and the mailbox
// key are both unique, and two addresses may share only one of them.
func (s *batchSeen) hasEmail(email string) bool {
	return s.has('f', identity.FoldEmail(email)) || s.has('e', identity.MailboxKey(email))
}

func (s *batchSeen) addEmail(email string) {
	s.add('f', identity.FoldEmail(email))
	s.add('e', identity.MailboxKey(email))
}
