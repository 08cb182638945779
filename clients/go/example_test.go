package barong_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	barong "barong/clients/go"
	"barong/clients/go/api"
	"barong/clients/go/signing"
)

func Example() {
	server, keys := startServer() // its URL, and a directory with the private keys of signers that it knows

	backend, err := barong.LoadSigner("backend-1", filepath.Join(keys, "backend-1.pem"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := barong.New(server, barong.Envelope(backend))
	if err != nil {
		log.Fatal(err)
	}
	user, err := client.GetUserWithResponse(context.Background(), api.GetUserParameters{Email: new("ada@example.com")})
	if err != nil {
		log.Fatal(err)
	}
	for _, label := range user.JSON201.Labels {
		fmt.Println(user.JSON201.UID, label.Key, label.Value)
	}
	// Output: ID873B5CE1D2 email verified
}

func ExampleEnvelope_severalSigners() {
	server, keys := startServer()

	// Each backend-1.pem, backend-2.pem and so on in the directory is the key of a signer.
	signers, err := barong.LoadSigners(keys)
	if err != nil {
		log.Fatal(err)
	}
	client, err := barong.New(server, barong.Envelope(signers...))
	if err != nil {
		log.Fatal(err)
	}
	label, err := client.CreateLabelWithResponse(context.Background(), api.CreateLabelParameters{
		UserUID: "ID873B5CE1D2", Key: "email", Value: "verified",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(label.JSON201.Key, label.JSON201.Value)
	// Output: email verified
}

func ExampleBearer() {
	server, keys := startServer()

	key, err := os.ReadFile(filepath.Join(keys, "backend-1.pem"))
	if err != nil {
		log.Fatal(err)
	}
	backend, err := signing.NewSigner("backend-1", "RS256", key)
	if err != nil {
		log.Fatal(err)
	}
	client, err := barong.New(server, barong.Bearer(backend))
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.GetTimestampWithResponse(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.JSON201.Timestamp)
	// Output: 1763794295
}

// newExampleClient creates a client like the examples above.
func newExampleClient(server string, options ...barong.Option) *barong.Client {
	folder, _ := keys()
	backend, err := barong.LoadSigner("backend-1", filepath.Join(folder, "backend-1.pem"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := barong.New(server, barong.Envelope(backend), options...)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func ExampleError() {
	server, _ := startServer()
	client := newExampleClient(server)

	_, err := client.CreateUserWithResponse(context.Background(), api.CreateUserParameters{Email: "bad_email", Password: "Password1"})
	if failure, ok := errors.AsType[*barong.Error](err); ok {
		fmt.Println(failure.Status, failure.Code, "request", failure.RequestID)
		for _, violation := range failure.Violations {
			fmt.Printf("%s: %s (%s)\n", violation.Field, violation.Message, violation.Code)
		}
	}
	// Output:
	// 422 invalid_record request 5f0c2a8e9b7d4c13
	// email: Email is invalid (email_invalid)
	// password: Password is too weak (password_weak)
}

func ExampleClient_ListAllUsers() {
	server, _ := startServer()
	client := newExampleClient(server)

	for user, err := range client.ListAllUsers(context.Background(), api.ListUsersParameters{Limit: new(int64(2))}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.UID, user.Email)
	}
	// Output:
	// ID1 user-1@example.com
	// ID2 user-2@example.com
	// ID3 user-3@example.com
	// ID4 user-4@example.com
	// ID5 user-5@example.com
}

func ExampleClient_FilterAllUsersByLabel() {
	server, _ := startServer()
	client := newExampleClient(server)

	count := 0
	for _, err := range client.FilterAllUsersByLabel(context.Background(), api.FilterUsersByLabelParameters{Key: "email", Value: new("verified")}) {
		if err != nil {
			log.Fatal(err)
		}
		count++
	}
	fmt.Println(count)
	// Output: 5
}

func ExamplePageOf() {
	server, _ := startServer()
	client := newExampleClient(server)

	users, err := client.ListUsersWithResponse(context.Background(), api.ListUsersParameters{Limit: new(int64(2))})
	if err != nil {
		log.Fatal(err)
	}
	page, err := barong.PageOf(users.HTTPResponse)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d users, another page: %t\n", len(*users.JSON201), page.Total, page.HasNext)
	// Output: 2 of 5 users, another page: true
}

func ExampleWithTimeout() {
	server, _ := startStub(func(string, int, http.ResponseWriter) bool { time.Sleep(100 * time.Millisecond); return false })
	client := newExampleClient(server,
		barong.WithAttemptTimeout(20*time.Millisecond), // the default is a minute
		barong.WithTimeout(time.Second),                // for all attempts together; the default is two minutes
		barong.WithAttempts(1))

	_, err := client.GetTimestampWithResponse(context.Background(), nil)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

func ExampleWithAttempts() {
	server, stub := startStub(func(_ string, attempt int, w http.ResponseWriter) bool {
		if attempt < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return attempt < 3
	})
	client := newExampleClient(server,
		barong.WithAttempts(5),                               // the default is 3; 1: no retries
		barong.WithBackoff(10*time.Millisecond, time.Second), // the defaults are 200 ms and 10 s
		barong.WithMaxRetryAfter(30*time.Second))             // the default is a minute

	answer, err := client.GetTimestampWithResponse(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.JSON201.Timestamp, "after", stub.requests["/timestamp"], "attempts")
	// Output: 1763794295 after 3 attempts
}

func ExampleWithLogger() {
	server, _ := startServer()
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" { // these differ between runs
				return slog.Attr{}
			}
			return a
		},
	})
	client := newExampleClient(server, barong.WithLogger(slog.New(handler)))

	if _, err := client.GetTimestampWithResponse(context.Background(), nil); err != nil {
		log.Fatal(err)
	}
	// Output: level=DEBUG msg="barong request" method=POST path=/api/v2/management/timestamp attempt=1 status=201 request_id=5f0c2a8e9b7d4c13
}

func ExampleWithRequestEditor() {
	server := startEcho()
	client := newExampleClient(server, barong.WithRequestEditor(func(_ context.Context, request *http.Request) error {
		request.Header.Set("User-Agent", "backend/2") // the default is barong-go/VERSION
		return nil
	}))

	_, err := client.GetTimestampWithResponse(context.Background(), nil)
	fmt.Println(err)
	// Output: POST /api/v2/management/timestamp answered 418 I'm a teapot: backend/2
}
