package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	barong "barong/clients/go"
	"barong/clients/go/signing"
	"barong/internal/spelling"
)

type callCommand struct {
	Operation  string   `arg:"" help:"The operation's id in openapi.yaml, such as importUser."`
	Parameters []string `arg:"" optional:"" name:"key=value" sep:"none" help:"The parameters."`
	URL        string   `name:"url" aliases:"server" default:"http://127.0.0.1:8080" env:"BARONG_URL" help:"The server's URL, with or without /api/v2/management."`
	Output     output   `short:"o" default:"json" placeholder:"json|table|jsonpath=EXPR" help:"How the answer is printed: json, table, or jsonpath=EXPR, what a JSONPath (RFC 9535) selects, one on a line."`
	Headers    bool     `help:"Print the status and the headers of the answer to standard error: Total, Link, X-Request-Id and others."`
	All        bool     `help:"Fetch all pages of a list, 1,000 on each unless limit says otherwise."`
	Key        string   `name:"idempotency-key" placeholder:"KEY" help:"The Idempotency-Key of a write, with which the server executes it once; without it, a random one. The same call with the same key prints the first answer."`
	connection
	signerOptions
}

func (callCommand) Help() string {
	return `Prints the JSON answer. The exit status is 0 for a success, 3 when the server refuses the request, 4 when it does not
accept the signers, 5 when it cannot be reached or is overloaded, 2 when nothing was sent since the command line makes no
sense. The upload of createDocument and createAttachment may be @FILE: its content is sent in base64.

Example:
  barong call importUser email=ada@example.com password_digest='$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW' first_name=Ada
  barong call createLabel user_uid=ID873B5CE1D2 key=email value=verified --signer backend=backend.pem
  barong call createDocument uid=ID873B5CE1D2 doc_type=Passport doc_number=AB123123 filename=passport.png file_ext=png upload=@passport.png
  barong call listUsers --all --output table
  barong call getUser email=ada@example.com --output jsonpath='$.labels[?@.scope=="private"].key'`
}

// callTimeout bounds one request with its response.
const callTimeout = time.Minute

// fullPage is the page size of --all, the maximum of the server.
const fullPage = 1000

func (c callCommand) Run(p *program) error {
	call, err := c.prepare()
	if err != nil {
		return err
	}
	if c.All {
		return c.printAll(p, call)
	}
	answer, err := call.send(nil)
	if err != nil {
		return err
	}
	if c.Headers {
		answer.printHeaders(p.stderr)
	}
	if barong.Replayed(answer.response) {
		fmt.Fprintln(p.stderr, "The server had executed the request with this idempotency key before: this is its first answer.")
	}
	if answer.isError() {
		return c.printError(p, answer)
	}
	return c.Output.print(p.stdout, answer.body)
}

// unknownOperation returns an error that suggests a similar operation, or lists all of them.
func unknownOperation(id string, contract map[string]contractOperation) error {
	names := slices.Sorted(maps.Keys(contract))
	if suggestion := spelling.Suggestion(id, names); suggestion != "" {
		return usagef("there is no operation %q%s", id, suggestion)
	}
	return usagef("there is no operation %q; there are %s", id, strings.Join(names, ", "))
}

// preparedCall is a validated call; only the page can still change.
type preparedCall struct {
	command    callCommand
	operation  contractOperation
	url        string // base URL of the operations
	client     *http.Client
	parameters map[string]string
	signers    []*signing.Signer
}

// prepare validates the command line before anything is sent.
func (c callCommand) prepare() (*preparedCall, error) {
	contract, err := readContract()
	if err != nil {
		return nil, err
	}
	known, ok := contract[c.Operation]
	if !ok {
		return nil, unknownOperation(c.Operation, contract)
	}
	parameters, err := readParameters(c.Operation, known, c.Parameters)
	if err != nil {
		return nil, err
	}
	if c.All {
		if err := prepareAll(c.Operation, known, parameters); err != nil {
			return nil, err
		}
	}
	url, err := barong.OperationsURL(c.URL)
	if err != nil {
		return nil, usagef("--url: %s", err)
	}
	transport, err := c.client()
	if err != nil {
		return nil, err
	}
	signers, err := c.signers()
	if err != nil {
		return nil, err
	}
	return &preparedCall{c, known, url, transport, parameters, signers}, nil
}

// send signs and sends the parameters, with more added for the page. All values are sent as
// text, as in a form; the server converts them to the types of the schema.
func (c *preparedCall) send(more map[string]string) (*answer, error) {
	parameters := maps.Clone(c.parameters)
	maps.Copy(parameters, more)
	data, err := json.Marshal(parameters)
	if err != nil {
		return nil, err
	}
	envelope, err := signing.Envelope(data, c.command.claims(c.command.Operation), c.signers...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, c.operation.method, c.url+c.operation.path, bytes.NewReader(envelope))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/jose+json")
	if c.command.Key != "" {
		err = barong.IdempotencyKey(c.command.Key)(ctx, request)
	}
	if err := errors.Join(err, barong.Keyed(ctx, request), barong.Strict(ctx, request), userAgent(ctx, request)); err != nil {
		return nil, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, unavailableError{unreached(c.client, c.url, err)}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, unavailableError{fmt.Errorf("the response is incomplete: %w", err)}
	}
	return &answer{response, body}, nil
}

// Retries of --all: the maximum number of attempts for a page, and the longest wait between
// two attempts.
const (
	pageAttempts = 10
	longestWait  = time.Minute
)

// sendUntilServed is send with retries, for an operation that changes nothing. While the
// server responds 429 or 503, it waits as Retry-After says and prints a notice.
func (c *preparedCall) sendUntilServed(notices io.Writer, more map[string]string) (*answer, error) {
	for attempt := 1; ; attempt++ {
		got, err := c.send(more)
		if err != nil || attempt == pageAttempts {
			return got, err
		}
		status := got.response.StatusCode
		seconds, err := strconv.Atoi(got.response.Header.Get("Retry-After"))
		if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable || err != nil || seconds < 0 {
			return got, nil
		}
		wait := min(time.Duration(seconds)*time.Second, longestWait)
		fmt.Fprintf(notices, "the server answers %d: the next attempt is in %s\n", status, wait)
		time.Sleep(wait)
	}
}

// prepareAll rejects --all for an operation without pages, and sets the maximum page size.
func prepareAll(name string, known contractOperation, parameters map[string]string) error {
	if !known.has("page") {
		return usagef("--all is for lists, and %s is not one", name)
	}
	if _, given := parameters["page"]; given {
		return usagef("--all fetches all pages, and page asks for one")
	}
	if _, given := parameters["limit"]; !given {
		parameters["limit"] = strconv.Itoa(fullPage)
	}
	return nil
}

// printAll requests pages as long as the response links to a next one. JSON is printed
// incrementally, so that memory does not bound the number of users; an error leaves the array
// unclosed. The other formats need all pages in memory.
func (c callCommand) printAll(p *program, call *preparedCall) error {
	list := newPagePrinter(p.stdout, c.Output)
	for page := 1; ; page++ {
		answer, err := call.sendUntilServed(p.stderr, map[string]string{"page": strconv.Itoa(page)})
		if err != nil {
			return err
		}
		if c.Headers {
			answer.printHeaders(p.stderr)
		}
		if answer.isError() {
			return c.printError(p, answer)
		}
		if err := list.add(answer.body); err != nil {
			return err
		}
		if !strings.Contains(answer.response.Header.Get("Link"), `rel="next"`) {
			return list.end()
		}
	}
}

// printError prints an error response, to standard output if the result would be a single JSON
// value. If scripts expect another format, or part of a list may already be printed, it goes
// to standard error.
func (c callCommand) printError(p *program, a *answer) error {
	to := p.stdout
	if c.Output != outputJSON || c.All {
		to = p.stderr
	}
	if err := printJSON(to, a.body); err != nil {
		return err
	}
	if a.response.StatusCode == http.StatusUnauthorized {
		fmt.Fprintf(p.stderr, "The server's log says why, under request_id %s. On the server, barong check prints who may call what;\n"+
			"a signer that its keychain file lacks gets there with the entry that barong keygen prints.\n",
			printable(a.response.Header.Get("X-Request-Id")))
	}
	return &answeredError{a.response.StatusCode}
}

// answer is a response whose body has been read.
type answer struct {
	response *http.Response
	body     []byte
}

func (a *answer) isError() bool { return a.response.StatusCode >= http.StatusMultipleChoices }

func (a *answer) printHeaders(to io.Writer) {
	fmt.Fprintf(to, "%s %s\n", a.response.Proto, a.response.Status)
	for _, name := range slices.Sorted(maps.Keys(a.response.Header)) {
		for _, value := range a.response.Header[name] {
			fmt.Fprintf(to, "%s: %s\n", name, printable(value))
		}
	}
	fmt.Fprintln(to)
}
