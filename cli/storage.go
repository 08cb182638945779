package cli

import (
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
// data directory where they name none. listen is the address at which this server
// answers signed URLs, unless the settings say what others call it.
func openStorage(ctx context.Context, c config.Config, listen net.Addr, log *slog.Logger) (*documents.Store, error) {
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
		URL: storeURL, KeyURL: c.DocumentsKey, PublicURL: publicURL(c.PublicURL, listen), SigningKey: key, TTL: c.StorageURLTTL, Clock: time.Now,
	})
}

// publicURL is what URLs of this server begin with: as configured, else by the
// address that it listens on, and by the name of the machine where that is all of
// its addresses.
func publicURL(configured string, listen net.Addr) string {
	if configured != "" || listen == nil {
		return configured
	}
	if tcp, ok := listen.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			return fmt.Sprintf("http://%s:%d", name, tcp.Port)
		}
	}
	return "http://" + listen.String()
}
