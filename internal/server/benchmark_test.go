package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/internal/auth"
	"barong/internal/server"
)

// stub responds at once, so that a benchmark measures only the layers in front of an
// operation.
type stub struct {
	generated.StrictServerInterface
}

func (stub) GetUser(context.Context, generated.GetUserRequestObject) (generated.GetUserResponseObject, error) {
	return empty{}, nil
}

func (stub) UpdateLabel(context.Context, generated.UpdateLabelRequestObject) (generated.UpdateLabelResponseObject, error) {
	return empty{}, nil
}

func (stub) ImportUser(context.Context, generated.ImportUserRequestObject) (generated.ImportUserResponseObject, error) {
	return empty{}, nil
}

// empty is a response without a body.
type empty struct{}

func (empty) VisitGetUserResponse(w http.ResponseWriter) error     { return write(w) }
func (empty) VisitUpdateLabelResponse(w http.ResponseWriter) error { return write(w) }
func (empty) VisitImportUserResponse(w http.ResponseWriter) error  { return write(w) }

func write(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusCreated)
	return nil
}

// discard is a ResponseWriter that keeps only the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// BenchmarkPipeline measures a request from the router to the operation, in each form of a
// request. Every log line is formatted and discarded.
func BenchmarkPipeline(b *testing.B) {
	for _, algorithm := range []string{"RS256", "HS256"} {
		private, value, err := signing.GenerateKey(algorithm)
		if err != nil {
			b.Fatal(err)
		}
		signer, err := signing.NewSigner("backend", algorithm, private)
		if err != nil {
			b.Fatal(err)
		}
		keychain, err := auth.ParseKeychain([]byte("keychain:\n"+auth.KeychainEntry("backend", algorithm, value)+`
scopes:
  read_users: {permitted_signers: [backend], mandatory_signers: [backend]}
  write_users: {permitted_signers: [backend], mandatory_signers: [backend]}
  write_labels: {permitted_signers: [backend], mandatory_signers: [backend]}
`), func(string) string { return "" })
		if err != nil {
			b.Fatal(err)
		}
		handler, err := server.New(server.Options{
			Operations: stub{}, Keychain: auth.Fixed(keychain), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: time.Now,
			BodyLimit: 16 << 20, BodyMemory: 256 << 20, InFlight: 512, Downloads: 32, Timeout: time.Minute, Timeouts: server.DefaultTimeouts,
		})
		if err != nil {
			b.Fatal(err)
		}
		for _, request := range []struct{ name, method, path, data string }{
			{"get", http.MethodPost, "/users/get", `{"uid":"ID873B5CE1D2"}`},
			{"label", http.MethodPut, "/labels", `{"user_uid":"ID873B5CE1D2","key":"email","value":"verified"}`},
			{"import", http.MethodPost, "/users/import", `{"email":"someone@example.com","password_digest":"$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",` +
				`"phone":"+4915112345678","first_name":"Ada","last_name":"Lovelace","dob":"1980-12-10","country":"GB","city":"London","postcode":"SW1Y 4JH","address":"12 St James's Square"}`},
		} {
			claims := signing.NewClaims(time.Now(), time.Hour)
			envelope, err := signing.Envelope([]byte(request.data), claims, signer)
			if err != nil {
				b.Fatal(err)
			}
			token, err := signing.Token(claims, signer)
			if err != nil {
				b.Fatal(err)
			}
			run := func(form, contentType, authorization string, body []byte) {
				b.Run(algorithm+"/"+request.name+"/"+form, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						r, err := http.NewRequestWithContext(b.Context(), request.method, "/api/v2/management"+request.path, bytes.NewReader(body))
						if err != nil {
							b.Fatal(err)
						}
						r.Header.Set("Content-Type", contentType)
						if authorization != "" {
							r.Header.Set("Authorization", authorization)
						}
						w := &discard{header: http.Header{}}
						handler.ServeHTTP(w, r)
						if w.status != http.StatusCreated {
							b.Fatal(w.status)
						}
					}
				})
			}
			run("envelope", "application/json", "", envelope)
			run("bearer", "application/json", "Bearer "+token, []byte(request.data))
		}
	}
}
