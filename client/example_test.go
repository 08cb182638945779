package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"barong/client"
	"barong/clients/go/signing"
	"barong/generated"
)

func Example() {
	server, keys := startServer() // its URL, and a folder with the private keys of those whom it knows

	backend, err := client.LoadSigner("backend-1", filepath.Join(keys, "backend-1.pem"))
	if err != nil {
		log.Fatal(err)
	}
	api, err := client.New(server, client.Envelope(backend))
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	user, err := api.GetUserWithResponse(ctx, generated.GetUserParameters{Email: new("ada@example.com")})
	if err != nil {
		log.Fatal(err)
	}
	for _, label := range user.JSON201.Labels {
		fmt.Println(user.JSON201.UID, label.Key, label.Value)
	}

	_, err = api.GetUserWithResponse(ctx, generated.GetUserParameters{Email: new("eve@example.com")})
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound {
		fmt.Println(refused.Sentences)
	}
	// Output:
	// ID873B5CE1D2 email verified
	// [Record is not found]
}

func ExampleEnvelope_severalSigners() {
	server, keys := startServer()

	// Each backend-1.pem, backend-2.pem, … of the folder is the key of a signer.
	signers, err := client.LoadSigners(keys)
	if err != nil {
		log.Fatal(err)
	}
	api, err := client.New(server, client.Envelope(signers...))
	if err != nil {
		log.Fatal(err)
	}
	label, err := api.CreateLabelWithResponse(context.Background(), generated.CreateLabelParameters{
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
	api, err := client.New(server, client.Bearer(backend))
	if err != nil {
		log.Fatal(err)
	}
	answer, err := api.GetTimestampWithResponse(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.JSON201.Timestamp)
	// Output: 1763794295
}
