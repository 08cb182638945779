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

// Error is a response other than the success of an operation. The server's docs/errors.md lists
// all errors. To recognise one:
//
//	if failure, ok := errors.AsType[*barong.Error](err); ok && failure.Code == "not_found" {
type Error struct {
	Status     int
	Code       string        // the kind of error, stable: not_found, invalid_record; empty if the response is not from the server
	Messages   []string      // sentences for people; none if the response is not from the server
	Violations []Violation   // the parameters that violate rules, if the server names them
	RequestID  string        // identifies the request in the server's log; may be empty
	RetryAfter time.Duration // with 429 and 503: the time after which a retry may succeed

	request string // POST /api/v2/management/users/get
}

// Violation is one rule that a request violates.
type Violation struct {
	Field   string // the parameter; empty for several
	Code    string // stable: email_taken
	Message string // a sentence for people
}

// Error returns everything except the violations in one line. The messages contain their text.
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

// maxErrorBody is the maximum number of bytes that are read of an error response, many times
// the size of the server's.
const maxErrorBody = 1 << 20

func mediaType(response *http.Response) string {
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

// isSuccess reports whether the response is the success of an operation: status 200 for PUT,
// 201 for POST, with a JSON body. The generated client decodes no other response.
func isSuccess(request *http.Request, response *http.Response) bool {
	success := http.StatusCreated
	if request.Method == http.MethodPut {
		success = http.StatusOK
	}
	return response.StatusCode == success && mediaType(response) == "application/json"
}

// newError returns nil for the success of an operation, and an [Error] for any other response.
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

// retryAfter parses the header Retry-After (RFC 9110 §10.2.3): a number of seconds or a date.
// It returns 0 if the header is missing or the date has passed.
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

// problemType is the prefix of the server's problem types; the code follows it.
const problemType = "urn:barong:error:"

// readProblem reads problem details (RFC 9457). A record that violates several rules has a
// message for each; every other problem has a single message.
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
		e.Violations = append(e.Violations, Violation{fieldOf(each.Pointer), each.Code, each.Detail})
		if e.Code == "invalid_record" {
			e.Messages = append(e.Messages, each.Detail)
		}
	}
	if e.Messages == nil && problem.Detail != "" {
		e.Messages = []string{problem.Detail}
	}
}

// fieldOf returns the parameter that a JSON pointer (RFC 6901) refers to.
func fieldOf(pointer string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(strings.TrimPrefix(pointer, "/"))
}

// messages reads the error of a server without problem details: one sentence or several.
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
