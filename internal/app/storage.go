package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"barong/internal/config"
	"barong/internal/documents"
)

func documentsDir(c config.Config) string { return filepath.Join(c.DataDir, "documents") }

// openServerStorage opens the document store for a server, which makes what is missing
// under the data directory: the key of its URLs, and the directory of the files where
// the settings name no other store. ownURL is where this server answers signed URLs,
// unless the settings say what others call it.
func openServerStorage(ctx context.Context, c config.Config, ownURL string, log *slog.Logger) (*documents.Store, error) {
	key := []byte(c.StorageSigningKey)
	if len(key) == 0 {
		var err error
		if key, err = loadOrCreateKey(filepath.Join(c.DataDir, "documents.key"), documents.NewSigningKey, log); err != nil {
			return nil, fmt.Errorf("the key that signs the URLs of documents: %w", err)
		}
	}
	return openStorage(ctx, c, key, cmp.Or(c.PublicURL, ownURL))
}

// openExistingStorage opens the document store for a command, which makes no URLs and
// nothing under the data directory.
func openExistingStorage(ctx context.Context, c config.Config) (*documents.Store, error) {
	if c.StorageURL == "" {
		if _, err := os.Stat(documentsDir(c)); err != nil {
			return nil, fmt.Errorf("BARONG_STORAGE_URL is empty, and the documents of a server are not in %s: set the one, or BARONG_DATA_DIR to the server's folder: %w", documentsDir(c), err)
		}
	}
	key, err := documents.NewSigningKey()
	if err != nil {
		return nil, err
	}
	return openStorage(ctx, c, key, "")
}

func openStorage(ctx context.Context, c config.Config, signingKey []byte, publicURL string) (*documents.Store, error) {
	storeURL := c.StorageURL
	if storeURL == "" {
		var err error
		if storeURL, err = documents.DirectoryURL(documentsDir(c)); err != nil {
			return nil, fmt.Errorf("BARONG_DATA_DIR: %w", err)
		}
	}
	return documents.Open(ctx, documents.Options{
		URL: storeURL, KeyURL: c.DocumentsKey, PublicURL: publicURL, SigningKey: signingKey, TTL: c.StorageURLTTL, Clock: time.Now,
	})
}

// addressURL is the URL of a listener, without a path: it names the machine where
// the listener has all of its addresses.
func addressURL(scheme string, listen net.Addr) string {
	if tcp, ok := listen.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			return fmt.Sprintf("%s%s:%d", scheme, name, tcp.Port)
		}
	}
	return scheme + listen.String()
}
