package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"barong/auth"
	"barong/generated"
	"barong/handlers"
)

type callCommand struct {
	Operation  string   `arg:"" help:"The operation's id in openapi.yaml, as importUser."`
	Parameters []string `arg:"" optional:"" name:"key=value" sep:"none" help:"The parameters."`
	Server     string   `default:"http://127.0.0.1:8080" env:"BARONG_URL" help:"Where the server is."`
	connection
	signing
}

func (callCommand) Help() string {
	return `Prints the JSON answer. The exit status is 0 for a success, 1 for an error, that of the server included.
The upload of createDocument may be @FILE: its content is sent in base64.

Example:
  barong call importUser email=ada@example.com password_digest='$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW' first_name=Ada
  barong call createLabel user_uid=ID873B5CE1D2 key=email value=verified --signer backend=backend.pem
  barong call createDocument uid=ID873B5CE1D2 doc_type=Passport doc_number=AB123123 filename=passport.png file_ext=png upload=@passport.png`
}

// uploadParameter is the parameter of createDocument that may be given as @file.
// Base64 has no @, so that this takes no value from anybody.
const uploadParameter = "upload"

// callTimeout is for the whole exchange.
const callTimeout = time.Minute

type operation = func(*generated.Client, context.Context, string, io.Reader, ...generated.RequestEditorFn) (*http.Response, error)

var operations = map[string]operation{
	"createDocument":     (*generated.Client).CreateDocumentWithBody,
	"createLabel":        (*generated.Client).CreateLabelWithBody,
	"createUser":         (*generated.Client).CreateUserWithBody,
	"deleteLabel":        (*generated.Client).DeleteLabelWithBody,
	"filterUsersByLabel": (*generated.Client).FilterUsersByLabelWithBody,
	"getTimestamp":       (*generated.Client).GetTimestampWithBody,
	"getUser":            (*generated.Client).GetUserWithBody,
	"importUser":         (*generated.Client).ImportUserWithBody,
	"listLabels":         (*generated.Client).ListLabelsWithBody,
	"listUsers":          (*generated.Client).ListUsersWithBody,
	"signOTP":            (*generated.Client).SignOTPWithBody,
	"updateLabel":        (*generated.Client).UpdateLabelWithBody,
}

func (c callCommand) Run(p *program) error {
	call, ok := operations[c.Operation]
	if !ok {
		return unknownOperation(c.Operation)
	}
	envelope, err := c.envelope()
	if err != nil {
		return err
	}
	transport, err := c.client()
	if err != nil {
		return err
	}
	client, err := generated.NewClient(strings.TrimSuffix(c.Server, "/")+handlers.BasePath, generated.WithHTTPClient(transport), generated.WithRequestEditorFn(userAgent))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	answer, err := call(client, ctx, "application/json", bytes.NewReader(envelope))
	if err != nil {
		return unreached(transport, c.Server, err)
	}
	defer answer.Body.Close()
	if err := c.print(p, answer); err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return errAnswered
	}
	return nil
}

func unknownOperation(id string) error {
	return fmt.Errorf("there is no operation %q; there are %s", id, strings.Join(slices.Sorted(maps.Keys(operations)), ", "))
}

// envelope signs the parameters. Their values are texts, as in a form: the
// server knows what each of them means.
func (c callCommand) envelope() ([]byte, error) {
	parameters := map[string]string{}
	for i, pair := range c.Parameters {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("a parameter must be key=value, and number %d is not", i+1) // it may be a password
		}
		if _, twice := parameters[key]; twice {
			return nil, fmt.Errorf("the parameter %q is given twice", key)
		}
		if file, ok := strings.CutPrefix(value, "@"); ok && key == uploadParameter && c.Operation == "createDocument" {
			content, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("the parameter %q names a file that cannot be read: %w", key, err)
			}
			value = base64.StdEncoding.EncodeToString(content)
		}
		parameters[key] = value
	}
	data, err := json.Marshal(parameters)
	if err != nil {
		return nil, err
	}
	signers, err := c.signers()
	if err != nil {
		return nil, err
	}
	return auth.Envelope(data, c.claims(c.Operation), signers...)
}

func (c callCommand) print(p *program, answer *http.Response) error {
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	// Nothing is escaped that need not be: a URL in it can be copied as it stands.
	pretty := jsontext.Value(bytes.TrimSpace(body))
	if pretty.Format(jsontext.WithIndent("  "), jsontext.AllowDuplicateNames(true)) != nil {
		pretty = body
	}
	_, err = fmt.Fprintln(p.stdout, strings.TrimSpace(string(pretty)))
	return err
}
