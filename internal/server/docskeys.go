package server

import (
	"crypto/rand"
	"crypto/subtle"
	"sync"
)

// docsKeys holds the keys that the documentation page exchanges for a token. The key from the
// URL, which a terminal or a browser's history may show, works once: the page then gets a key
// of its own. It is safe for concurrent use.
type docsKeys struct {
	mutex sync.Mutex
	url   string // empty once it has been used
	page  string // set when url is used
}

// exchange returns the page's own key for a valid key of either kind.
func (k *docsKeys) exchange(key string) (page string, ok bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	switch {
	case same(key, k.url):
		k.url, k.page = "", rand.Text()
		return k.page, true
	case same(key, k.page):
		return k.page, true
	default:
		return "", false
	}
}

func same(input, key string) bool {
	return key != "" && subtle.ConstantTimeCompare([]byte(input), []byte(key)) == 1
}
