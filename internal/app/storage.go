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

// openServerStorage opens the document store for a server. It creates what is missing in the
// data directory: the key that signs URLs, and the directory for files if no other store is
// configured. ownURL is the base of signed URLs unless BARONG_PUBLIC_URL is set.
func openServerStorage(ctx context.Context, c config.Config, ownURL string, log *slog.Logger) (*documents.Store, error) {
	key := []byte(c.StorageSigningKey)
	if len(key) == 0 {
		var err error
		if key, err = loadOrCreateKey(storageKeyFile(c), documents.NewSigningKey, log); err != nil {
			return nil, fmt.Errorf("the key that signs the URLs of documents: %w", err)
		}
	}
	return openStorage(ctx, c, key, cmp.Or(c.PublicURL, ownURL))
}

// openExistingStorage opens the document store for a command. It makes no URLs, and creates
// nothing in the data directory.
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

// openSigningStorage opens the document store for a command that makes URLs: with the signing key
// of the settings, or the one that a server created. Without BARONG_PUBLIC_URL, the URLs contain the
// address of BARONG_LISTEN.
func openSigningStorage(ctx context.Context, c config.Config) (*documents.Store, error) {
	key := []byte(c.StorageSigningKey)
	if len(key) == 0 {
		var err error
		if key, err = existingKey(storageKeyFile(c), "BARONG_STORAGE_SIGNING_KEY"); err != nil {
			return nil, fmt.Errorf("the key that signs the URLs of documents: %w", err)
		}
	}
	ownURL := ""
	if c.PublicURL == "" {
		listen, err := net.ResolveTCPAddr("tcp", c.Listen)
		if err != nil {
			return nil, fmt.Errorf("BARONG_LISTEN: %w", err)
		}
		ownURL = addressURL(scheme(c), listen)
	}
	return openStorage(ctx, c, key, cmp.Or(c.PublicURL, ownURL))
}

func storageKeyFile(c config.Config) string { return filepath.Join(c.DataDir, "documents.key") }

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

// scheme returns the beginning of the URLs of the public listener.
func scheme(c config.Config) string {
	if c.TLSCert != "" {
		return "https://"
	}
	return "http://"
}

// addressURL returns the base URL of a listener. It contains the host name of the machine if
// the listener accepts connections on all addresses.
func addressURL(scheme string, listen net.Addr) string {
	if tcp, ok := listen.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			return fmt.Sprintf("%s%s:%d", scheme, name, tcp.Port)
		}
	}
	return scheme + listen.String()
}
