package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// request is a whole HTTP/1.1 request as it goes over the wire.
type request []byte

func newRequest(method, path, token string, body []byte) request {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", method, path, len(body))
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// withHeader returns the request with one more header.
func (r request) withHeader(name, value string) request {
	line, rest, _ := bytes.Cut(r, []byte("\r\n"))
	return slices.Concat(line, []byte("\r\n"+name+": "+value+"\r\n"), rest)
}

// client is one keep-alive connection. It does as little as an HTTP client can,
// because it shares the processors with what it measures.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
	body   bytes.Buffer

	retryAfter time.Duration // that the last answer asked for
}

// patience is for one answer. A create waits for up to 32 hashes before its own.
const patience = time.Minute

func dial(address string) (*client, error) {
	conn, err := net.Dial("tcp", address) //nolint:noctx // a server on this machine, which is up
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// do sends a request and reads the answer. The body is good until the next call,
// and nil unless keep says that it is wanted.
func (c *client) do(r request, keep bool) (status int, body []byte, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(r); err != nil {
		return 0, nil, err
	}
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, fmt.Errorf("%q is no status line", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, err
	}
	length := -1 // chunked
	c.retryAfter = 0
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return status, nil, err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := header(line, "content-length:"); ok {
			if length, err = strconv.Atoi(value); err != nil {
				return status, nil, err
			}
		}
		if value, ok := header(line, "retry-after:"); ok {
			if c.retryAfter, err = time.ParseDuration(value + "s"); err != nil {
				return status, nil, err
			}
		}
	}
	c.body.Reset()
	if length >= 0 {
		err := c.take(length, keep)
		return status, c.body.Bytes(), err
	}
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return status, nil, err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 32)
		if err != nil {
			return status, nil, errors.New("the answer has neither a length nor chunks")
		}
		if err := c.take(int(size), keep); err != nil {
			return status, nil, err
		}
		if _, err := c.reader.Discard(2); err != nil {
			return status, nil, err
		}
		if size == 0 {
			return status, c.body.Bytes(), nil
		}
	}
}

// header is the value of a header line, if it is the one of that name.
func header(line []byte, name string) (string, bool) {
	if len(line) < len(name) || !strings.EqualFold(string(line[:len(name)]), name) {
		return "", false
	}
	return strings.TrimSpace(string(line[len(name):])), true
}

func (c *client) take(n int, keep bool) error {
	if keep {
		_, err := io.CopyN(&c.body, c.reader, int64(n))
		return err
	}
	_, err := c.reader.Discard(n)
	return err
}
