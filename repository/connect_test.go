package repository

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// refusing is a server that answers every startup message with an error, and a TLS request with the
// byte tls; 0 closes the connection instead.
func refusing(t *testing.T, tls byte, code string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go refuse(connection, tls, code)
		}
	}()
	return listener.Addr().String()
}

func refuse(connection net.Conn, tls byte, code string) {
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	backend := pgproto3.NewBackend(connection, connection)
	for {
		message, err := backend.ReceiveStartupMessage()
		if err != nil {
			return
		}
		if _, wantsTLS := message.(*pgproto3.SSLRequest); wantsTLS {
			if tls == 0 {
				return
			}
			if _, err := connection.Write([]byte{tls}); err != nil {
				return
			}
			continue
		}
		backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: "the words of the server"})
		_ = backend.Flush()
		return
	}
}

func TestOnlyRefusalsThatTimeDoesNotHealAreForGood(t *testing.T) {
	t.Parallel()
	const words = "FATAL: the words of the server (SQLSTATE "
	for name, c := range map[string]struct{ url, reason string }{
		"a wrong password":                     {"postgres://barong:geheim@" + refusing(t, 'N', "28P01") + "/barong", words + "28P01)"},
		"no such role":                         {"postgres://barong:geheim@" + refusing(t, 'N', "28000") + "/barong", words + "28000)"},
		"no such database":                     {"postgres://barong:geheim@" + refusing(t, 'N', "3D000") + "/barong", words + "3D000)"},
		"no right to connect":                  {"postgres://barong:geheim@" + refusing(t, 'N', "42501") + "/barong", words + "42501)"},
		"an unknown parameter":                 {"postgres://barong:geheim@" + refusing(t, 'N', "42704") + "/barong", words + "42704)"},
		"a value that makes no sense":          {"postgres://barong:geheim@" + refusing(t, 'N', "22023") + "/barong", words + "22023)"},
		"a pooler that does not know the user": {"postgres://barong:geheim@" + refusing(t, 'N', "08P01") + "/barong", words + "08P01)"},
		"no TLS":                               {"postgres://barong:geheim@" + refusing(t, 'N', "57P03") + "/barong?sslmode=require", "server refused TLS connection"},
		"two hosts that refuse":                {"postgres://barong:geheim@" + refusing(t, 'N', "28000") + "," + refusing(t, 'N', "0A000") + "/barong", words + "0A000)"},

		"starting up":                        {"postgres://barong:geheim@" + refusing(t, 'N', "57P03") + "/barong", ""},
		"too many connections":               {"postgres://barong:geheim@" + refusing(t, 'N', "53300") + "/barong", ""},
		"shutting down":                      {"postgres://barong:geheim@" + refusing(t, 'N', "57P01") + "/barong", ""},
		"a database that lets nobody in now": {"postgres://barong:geheim@" + refusing(t, 'N', "55000") + "/barong", ""},
		"hanging up":                         {"postgres://barong:geheim@" + refusing(t, 0, "28P01") + "/barong?sslmode=require", ""},
		"nobody listens":                     {"postgres://barong:geheim@127.0.0.1:1/barong", ""},
		"an unknown host":                    {"postgres://barong:geheim@nobody.invalid/barong", ""},
		"no socket":                          {"postgres:///barong?host=/nonexistent", ""},
		"one host of two that may come back": {"postgres://barong:geheim@" + refusing(t, 'N', "28000") + "," + refusing(t, 'N', "57P03") + "/barong", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := Open(t.Context(), c.url)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			err = pool.Ping(t.Context())
			if err == nil {
				t.Fatal("it connected")
			}
			reason, refused := RefusedForGood(err)
			if refused != (c.reason != "") || !strings.Contains(reason, c.reason) || strings.Contains(reason, "geheim") || strings.Contains(reason, "\n") {
				t.Errorf("%q, %t for %v", reason, refused, err)
			}
		})
	}
	if reason, refused := RefusedForGood(nil); refused {
		t.Errorf("no error: %q", reason)
	}
}
