// Package documents keeps the content of documents in a blob store, encrypts it
// there when it is told to, and makes the signed URLs under which it can be read
// for a short time.
package documents
