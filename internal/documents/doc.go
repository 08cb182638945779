// Package documents stores the content of documents and attachments in a blob store, encrypts it if a key is
// configured, and signs the URLs under which it can be read for a short time.
package documents
