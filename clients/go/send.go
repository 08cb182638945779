package barong

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// sender signs and sends requests, retries them where that is safe, and converts responses
// other than success to errors. It is not an http.RoundTripper: below the handling of
// redirects it could send a signature to another server, and a RoundTripper must not interpret
// responses.
type sender struct {
	settings
	signing *Signing
}

// Do implements api.HttpRequestDoer. The response body is in memory.
func (s *sender) Do(request *http.Request) (*http.Response, error) {
	if err := errors.Join(Strict(request.Context(), request), Keyed(request.Context(), request)); err != nil {
		return nil, err
	}
	parameters, err := readAll(request.Body)
	if err != nil {
		return nil, fmt.Errorf("the parameters could not be read: %w", err)
	}
	ctx, cancel := withTimeout(request.Context(), s.timeout)
	defer cancel()
	operation := operationOf(request)
	ctx = withJTI(ctx, s.signing)
	for attempt := 1; ; attempt++ {
		response, err := s.attempt(ctx, request, parameters, attempt)
		if err == nil {
			return response, nil
		}
		if attempt >= s.attempts || ctx.Err() != nil || !s.mayRetry(operation, err) || !sleep(ctx, s.wait(attempt, err)) {
			return nil, err
		}
	}
}

// attempt signs and sends a copy of the request.
func (s *sender) attempt(ctx context.Context, original *http.Request, parameters []byte, number int) (*http.Response, error) {
	ctx, cancel := withTimeout(ctx, s.attemptTimeout)
	defer cancel()
	request := original.Clone(ctx)
	setBody(request, parameters)
	if err := s.signing.Sign(ctx, request); err != nil {
		return nil, &unsentError{fmt.Errorf("the request to %s is not sent: %w", request.URL, err)}
	}
	start := time.Now()
	response, err := s.exchange(request)
	s.record(request, response, err, number, time.Since(start))
	if err != nil {
		return nil, err
	}
	if err := newError(request, response); err != nil {
		return nil, err
	}
	return response, nil
}

// exchange sends a request and reads the whole response within the timeout of the attempt.
func (s *sender) exchange(request *http.Request) (*http.Response, error) {
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := readAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("the response broke off: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// record logs an attempt.
func (s *sender) record(request *http.Request, response *http.Response, err error, attempt int, duration time.Duration) {
	if s.log == nil {
		return
	}
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("method", request.Method), slog.String("path", request.URL.Path),
		slog.Int("attempt", attempt), slog.Duration("duration", duration),
	}
	if err != nil {
		level = slog.LevelWarn
		attributes = append(attributes, slog.String("error", err.Error()))
	} else {
		switch status := response.StatusCode; {
		case isSuccess(request, response):
			level = slog.LevelDebug
		case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
			level = slog.LevelWarn
		}
		attributes = append(attributes, slog.Int("status", response.StatusCode), slog.String("request_id", response.Header.Get("X-Request-Id")))
	}
	s.log.LogAttrs(request.Context(), level, "barong request", attributes...)
}

func withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

func setBody(request *http.Request, body []byte) {
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	request.Body, _ = request.GetBody()
	request.ContentLength = int64(len(body))
}
