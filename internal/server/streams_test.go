package server_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"barong/internal/server"
)

// An HTTP/2 client that reads none of its responses loses the streams. Meanwhile they hold no
// place: the server answers any number of other requests.
func TestStreamsWhoseAnswersAreNotTakenAreReset(t *testing.T) {
	t.Parallel()
	f := &tlsFiles{t: t, chain: t.TempDir() + "/tls.crt", key: t.TempDir() + "/tls.key", log: &bytes.Buffer{}, servers: newAuthority(t)}
	f.write(f.servers.leaf(time.Hour))
	certificates, err := server.OpenCertificates(f.chain, f.key, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	timeouts := shortTimeouts
	timeouts.Header = time.Minute // it also bounds the TLS handshake
	// Progress also bounds writes of the whole connection, which a slow machine could exceed.
	// The streams are bounded by Answer.
	timeouts.Progress = maxDelay
	timeouts.Idle = time.Minute // it also bounds the time until the first stream
	l := listenWith(t, operation{answer: answers(1 << 20)}, 10*time.Second, timeouts, certificates)
	connection, err := tls.Dial("tcp", l.address, &tls.Config{RootCAs: f.servers.pool(), NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(4 * maxDelay)); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(connection, connection)
	if err := framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}); err != nil {
		t.Fatal(err)
	}
	const streams = 3
	var headers bytes.Buffer
	encoder := hpack.NewEncoder(&headers)
	for i := range uint32(streams) {
		headers.Reset()
		for name, value := range map[string]string{
			":method": "POST", ":scheme": "https", ":authority": "barong", ":path": "/api/v2/management/users/get",
		} {
			if err := encoder.WriteField(hpack.HeaderField{Name: name, Value: value}); err != nil {
				t.Fatal(err)
			}
		}
		for _, field := range []hpack.HeaderField{
			{Name: "content-type", Value: "application/json"}, {Name: "content-length", Value: strconv.Itoa(len(user))}, {Name: "authorization", Value: "Bearer " + l.token},
		} {
			if err := encoder.WriteField(field); err != nil {
				t.Fatal(err)
			}
		}
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: headers.Bytes(), EndHeaders: true}); err != nil {
			t.Fatal(err)
		}
		if err := framer.WriteData(2*i+1, true, []byte(user)); err != nil {
			t.Fatal(err)
		}
	}
	for reset := 0; reset < streams; {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("after %d streams were reset: %v", reset, err)
		}
		switch frame := frame.(type) {
		case *http2.RSTStreamFrame:
			reset++
		case *http2.DataFrame:
			if frame.Length > 0 {
				t.Errorf("%d bytes came beyond the window", frame.Length)
			}
		}
	}
}
