package webhooks

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"barong/internal/webhooks/endpoints"
)

// Test sends a message of the type [TestType] to an endpoint, and returns the status of the answer. Another
// one than 2xx is an error. The error may tell the address, and is for the operator only.
func Test(ctx context.Context, endpoint *endpoints.Endpoint) (status int, err error) {
	now := time.Now()
	content, err := testBody(now)
	if err != nil {
		return 0, err
	}
	result := newSender(endpoint, TransportOptions{}).send(ctx, uuid.NewString(), now, content, false)
	switch {
	case result.err != nil:
		return 0, result.err
	case !result.ok():
		return result.status, fmt.Errorf("it answered %d", result.status)
	}
	return result.status, nil
}
