// Package webhooks delivers events to HTTP endpoints by Standard Webhooks 1.0: signed messages, retries for
// three days, in order for each user. Events are read from the journal; lanes, dead letters and the state of
// endpoints are in the database, and River runs the jobs.
package webhooks

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"barong/internal/webhooks/endpoints"
)

// sign adds the headers of Standard Webhooks 1.0 to a message: its identifier, the time of the attempt, and
// a signature by each secret (v1) and each Ed25519 key (v1a) that signs at that time.
func sign(header http.Header, endpoint *endpoints.Endpoint, id string, at time.Time, body []byte) error {
	var signatures []string
	for _, secret := range endpoint.Secrets(at) {
		signer, err := standardwebhooks.NewWebhookRaw(secret)
		if err != nil {
			return err
		}
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return err
		}
		signatures = append(signatures, signature)
	}
	signed := fmt.Appendf(nil, "%s.%d.%s", id, at.Unix(), body)
	for _, key := range endpoint.Keys(at) {
		signatures = append(signatures, "v1a,"+base64.StdEncoding.EncodeToString(ed25519.Sign(key, signed)))
	}
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}
