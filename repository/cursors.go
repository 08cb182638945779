package repository

import (
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	// Where a page starts is remembered as long as a caller may take from one page
	// to the next.
	cursorKept = time.Minute
	maxCursors = 10_000
	// A user of the list of all users is settled once it is this old: whoever was
	// given a lower id has been committed, or has failed.
	cursorSafeAge = 10 * time.Second
)

// cursorCache remembers where pages start that are likely to be asked for: whoever
// reads a list from page to page. Losing an entry costs time and changes no
// answer.
type cursorCache struct {
	known *otter.Cache[pageOf, cursor]
}

// pageOf is a page of a list.
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

// rememberNext remembers that the page after this one starts after last, the cursor
// of its last user.
//
// In the list of all users a page is a matter of numbers: page 3 of 100 has the
// users 201 to 300, by the counts. That holds after a cursor only when no user
// can appear before it any more, which is when the user there is settled. Lists
// with a filter change in all places; there a key is what makes a crawl whole.
func (s *cursorCache) rememberNext(l listQuery, page Page, last cursor) {
	if !l.labelled && !l.ranged && time.Since(last.at) < cursorSafeAge {
		return
	}
	s.known.Set(pageOf{l, Page{Number: page.Number + 1, Size: page.Size}}, last)
}
