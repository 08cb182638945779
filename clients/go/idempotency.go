package barong

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"

	"barong/clients/go/api"
)

// idempotencyKey is the header of draft-ietf-httpapi-idempotency-key-header.
const idempotencyKey = "Idempotency-Key"

// IdempotencyKey sets the idempotency key of a single call, for a program that repeats the call
// itself, such as after a restart:
//
//	client.CreateLabelWithResponse(ctx, parameters, barong.IdempotencyKey(job.ID))
//
// The server executes the requests of a signer with the same key once and repeats the first
// response for 24 hours. The key is 1 to 255 visible ASCII characters, and must not be
// guessable for createUser and importUser. Without it, a [Client] gives each call of a write a
// random UUID; all attempts of a call have the same key.
func IdempotencyKey(key string) api.RequestEditorFn {
	return func(_ context.Context, request *http.Request) error {
		request.Header.Set(idempotencyKey, quoted(key))
		return nil
	}
}

// Keyed gives a write a random idempotency key, unless it has one. It is an
// [api.RequestEditorFn]; a [Client] does this by itself.
func Keyed(_ context.Context, request *http.Request) error {
	if isWrite(operationOf(request)) && request.Header.Get(idempotencyKey) == "" {
		request.Header.Set(idempotencyKey, quoted(randomUUID()))
	}
	return nil
}

// Replayed reports whether a response repeats that of an earlier request with the same
// idempotency key, as with the HTTPResponse of a result. This is also the case if the response
// to an earlier attempt of the same call was lost.
func Replayed(response *http.Response) bool {
	return response.Header.Get("Idempotent-Replayed") == "true"
}

// quoted returns a string of RFC 9651 §3.3.3.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// randomUUID returns a UUID of version 4 (RFC 9562 §5.4).
func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
