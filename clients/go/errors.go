package barong

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

// Error is a response that is not the success of an operation. docs/errors.md of the
// server lists them all. To tell one from another:
//
//	if failure, ok := errors.AsType[*barong.Error](err); ok && failure.Code == "not_found" {
type Error struct {
	Status     int
	Code       string        // the kind of error, which stays the same: not_found, invalid_record; empty if the response is not the server's
	Messages   []string      // sentences for people; none if the response is not the server's
	Violations []Violation   // the parameters that break a rule, if the server names them
	RequestID  string        // by which the server's log has the request; it may be empty
	RetryAfter time.Duration // with 429 and 503: when another attempt may succeed

	request string // POST /api/v2/management/users/get
}

// Violation is one rule that a request breaks.
type Violation struct {
	Field   string // the parameter; empty if it is about several
	Code    string // stays the same: email_taken
	Message string // a sentence for people
}

// Error is one line with all but the violations, which the messages repeat.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s answered %d", e.request, e.Status)
	if name := http.StatusText(e.Status); name != "" {
		text.WriteString(" " + name)
	}
	if len(e.Messages) > 0 {
		text.WriteString(": " + strings.Join(e.Messages, ", "))
	}
	if e.RequestID != "" {
		fmt.Fprintf(&text, " (request %s)", e.RequestID)
	}
	return text.String()
}

// maxErrorBody is how much of an error is read, many times what the server writes.
const maxErrorBody = 1 << 20

func mediaType(response *http.Response) string {
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

// isSuccess reports whether the response is the success of an operation: 200 for PUT,
// 201 for POST, and JSON. The generated client decodes nothing else.
func isSuccess(request *http.Request, response *http.Response) bool {
	success := http.StatusCreated
	if request.Method == http.MethodPut {
		success = http.StatusOK
	}
	return response.StatusCode == success && mediaType(response) == "application/json"
}

// newError returns nil for the success of an operation, an [Error] for anything else.
func newError(request *http.Request, response *http.Response) error {
	if isSuccess(request, response) {
		return nil
	}
	e := &Error{
		Status:     response.StatusCode,
		RequestID:  response.Header.Get("X-Request-Id"),
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), time.Now()),
		request:    request.Method + " " + request.URL.Path,
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	if err != nil {
		return e
	}
	switch mediaType(response) {
	case "application/problem+json":
		e.readProblem(body)
	case "application/json":
		e.Messages = messages(body)
	}
	return e
}

// retryAfter reads the header of the same name (RFC 9110 §10.2.3): a number of seconds or
// a date. It is 0 if there is none, or the date has passed.
func retryAfter(header string, now time.Time) time.Duration {
	const most = 365 * 24 * time.Hour
	if seconds, err := strconv.ParseInt(header, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), int64(most/time.Second))) * time.Second
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), most)
}

// problemType is how the types of the server's problems begin; the code follows.
const problemType = "urn:barong:error:"

// readProblem reads problem details (RFC 9457). A record that breaks several rules has a
// message for each; other problems have one, which names all that is wrong.
func (e *Error) readProblem(body []byte) {
	var problem struct {
		Type   string `json:"type"`
		Detail string `json:"detail"`
		Errors []struct {
			Pointer string `json:"pointer"`
			Code    string `json:"code"`
			Detail  string `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return
	}
	if code, ours := strings.CutPrefix(problem.Type, problemType); ours {
		e.Code = code
	}
	for _, each := range problem.Errors {
		e.Violations = append(e.Violations, Violation{strings.TrimPrefix(each.Pointer, "/"), each.Code, each.Detail})
		if e.Code == "invalid_record" {
			e.Messages = append(e.Messages, each.Detail)
		}
	}
	if e.Messages == nil && problem.Detail != "" {
		e.Messages = []string{problem.Detail}
	}
}

// messages reads an error as a server without problem details has it: one sentence or
// several.
func messages(body []byte) []string {
	var answer struct {
		Error json.RawMessage `json:"error"`
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
	default:
		return nil
	}
}
