package server

import (
	"crypto/rand"
	"crypto/subtle"
	"sync"
)

// docsKeys are what the page of the documentation shows for a token. The key of
// the URL is good once: for the page's own, which nobody has read in a terminal or
// in a browser's history. They are safe for concurrent use.
type docsKeys struct {
	mutex sync.Mutex
	url   string // empty once it was used
	page  string // empty until then
}

// exchange returns the page's own key for either of the two.
func (k *docsKeys) exchange(given string) (page string, ok bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	switch {
	case same(given, k.url):
		k.url, k.page = "", rand.Text()
		return k.page, true
	case same(given, k.page):
		return k.page, true
	default:
		return "", false
	}
}

func same(given, key string) bool {
	return key != "" && subtle.ConstantTimeCompare([]byte(given), []byte(key)) == 1
}
