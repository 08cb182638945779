package repository

import (
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	// cursorKept is how long a cursor stays cached: the time that a client may take from one page
	// to the next.
	cursorKept = time.Minute
	maxCursors = 10_000
	// cursorSafeAge is the age from which a user is a safe cursor in the list of all users: by then
	// every transaction with a lower id has committed or failed.
	cursorSafeAge = 10 * time.Second
)

// cursorCache caches the cursors of pages that are likely to be requested next, because a client
// reads a list page by page. Losing an entry costs time and changes no response.
type cursorCache struct {
	known *otter.Cache[pageOf, cursor]
}

// pageOf is one page of a list.
type pageOf struct {
	list listQuery
	page Page
}

func newCursorCache() *cursorCache {
	return &cursorCache{known: otter.Must(&otter.Options[pageOf, cursor]{
		MaximumSize:      maxCursors,
		ExpiryCalculator: otter.ExpiryWriting[pageOf, cursor](cursorKept),
	})}
}

// of returns the cursor after which a page starts.
func (s *cursorCache) of(l listQuery, page Page) (cursor, bool) {
	if page.Number == 1 {
		return l.start(), true
	}
	return s.known.GetIfPresent(pageOf{l, page})
}

// rememberNext caches last, the cursor of the last user of this page, as the start of the next
// page.
//
// In the list of all users, page numbers define the content: page 3 of 100 has users 201 to 300, by
// the counts. That holds after a cursor only when no user can be committed before it any more, that
// is, when the user at the cursor is old enough. Filtered lists change at any position; there,
// continuing from a cursor makes a crawl complete.
func (s *cursorCache) rememberNext(l listQuery, page Page, last cursor) {
	if !l.labelled && !l.ranged && time.Since(last.at) < cursorSafeAge {
		return
	}
	s.known.Set(pageOf{l, Page{Number: page.Number + 1, Size: page.Size}}, last)
}
