package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is an answer that is no success of the operation. docs/errors.md lists
// them all. To tell one from another:
//
//	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound {
type Error struct {
	Status     int
	Sentences  []string      // what the server says, as it says it; none where the answer is not one of its own
	RequestID  string        // under which the server's log has the request; it may be empty
	RetryAfter time.Duration // with 429 and 503, after which it makes sense to try again

	request string // as POST /api/v2/management/users/get
}

// Error is one line with all of it.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s answered %d", e.request, e.Status)
	if name := http.StatusText(e.Status); name != "" {
		text.WriteString(" " + name)
	}
	if len(e.Sentences) > 0 {
		text.WriteString(": " + strings.Join(e.Sentences, ", "))
	}
	if e.RequestID != "" {
		fmt.Fprintf(&text, " (request %s)", e.RequestID)
	}
	return text.String()
}

// maxErrorBody is how much of an error is read: many times what the server writes.
const maxErrorBody = 1 << 20

// refusal is nil for the success of an operation: 200 for PUT, 201 for POST, and
// JSON. The generated client decodes nothing else.
func refusal(request *http.Request, response *http.Response) error {
	success := http.StatusCreated
	if request.Method == http.MethodPut {
		success = http.StatusOK
	}
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	isJSON := err == nil && (media == "application/json" || media == "application/problem+json")
	if response.StatusCode == success && isJSON {
		return nil
	}
	refused := &Error{
		Status:    response.StatusCode,
		RequestID: response.Header.Get("X-Request-Id"),
		request:   request.Method + " " + request.URL.Path,
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		refused.RetryAfter = time.Duration(seconds) * time.Second
	}
	if body, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody)); err == nil && isJSON {
		refused.Sentences = sentences(body)
	}
	return refused
}

// sentences reads an error's body: one sentence or several, or the details of a
// problem (RFC 9457) where a request editor asked for that. Anything else has none.
func sentences(body []byte) []string {
	var answer struct {
		Error  json.RawMessage `json:"error"`
		Detail string          `json:"detail"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil
	}
	var one string
	var several []string
	switch {
	case json.Unmarshal(answer.Error, &several) == nil:
		return several
	case json.Unmarshal(answer.Error, &one) == nil:
		return []string{one}
	case answer.Detail != "":
		return []string{answer.Detail}
	default:
		return nil
	}
}
