package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"barong/config"
	"barong/documents"
)

// openStorage opens the document store of the settings, or a directory under the
// data directory where they name none. ownURL is where this server answers signed
// URLs, unless the settings say what others call it; a command that makes none has "".
func openStorage(ctx context.Context, c config.Config, ownURL string, log *slog.Logger) (*documents.Store, error) {
	storeURL := c.StorageURL
	if storeURL == "" {
		var err error
		if storeURL, err = documents.DirectoryURL(filepath.Join(c.DataDir, "documents")); err != nil {
			return nil, fmt.Errorf("BARONG_DATA_DIR: %w", err)
		}
	}
	key := []byte(c.StorageSigningKey)
	if len(key) == 0 {
		var err error
		if key, err = keptKey(filepath.Join(c.DataDir, "documents.key"), documents.NewSigningKey, log); err != nil {
			return nil, fmt.Errorf("the key that signs the URLs of documents: %w", err)
		}
	}
	return documents.Open(ctx, documents.Options{
		URL: storeURL, KeyURL: c.DocumentsKey, PublicURL: cmp.Or(c.PublicURL, ownURL), SigningKey: key, TTL: c.StorageURLTTL, Clock: time.Now,
	})
}

// ownURL is where this server answers: by the address that it listens on, and by the
// name of the machine where that is all of its addresses.
func ownURL(c config.Config, listen net.Addr) string {
	scheme := "http://"
	if c.TLSCert != "" {
		scheme = "https://"
	}
	if tcp, ok := listen.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			return fmt.Sprintf("%s%s:%d", scheme, name, tcp.Port)
		}
	}
	return scheme + listen.String()
}
