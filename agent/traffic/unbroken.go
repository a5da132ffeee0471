package traffic

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Unbroken makes the transport of a client give a write that is under way a while to
// be answered when whoever asked for it gives up: what is cut off may still take effect,
// and nobody would know when. What is not under way yet is not begun. Lost, if not nil, is
// told of each write of which it is not known what became of it.
func Unbroken(grace time.Duration, lost func()) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet || r.Method == http.MethodHead || r.URL.Query().Get("dryRun") != "" {
				return next.RoundTrip(r)
			}
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
			stop := context.AfterFunc(r.Context(), func() { time.AfterFunc(grace, cancel) })
			end := func() {
				stop()
				cancel()
			}
			response, err := next.RoundTrip(r.WithContext(ctx))
			if lost != nil && (err != nil || response.StatusCode >= http.StatusInternalServerError) {
				lost()
			}
			if err != nil {
				end()
				return nil, err
			}
			response.Body = closing{response.Body, end, lost}
			return response, nil
		})
	}
}

// closing is a body that has something done when it is closed, and when it breaks off.
type closing struct {
	io.ReadCloser
	then, lost func()
}

func (c closing) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.lost != nil && err != nil && !errors.Is(err, io.EOF) {
		c.lost()
	}
	return n, err
}

func (c closing) Close() error {
	defer c.then()
	return c.ReadCloser.Close()
}
