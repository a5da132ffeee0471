package traffic

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// An Exchange is a request with its answer, which was read. Watches are none: they do
// not end.
type Exchange struct {
	Host, Method string
	// Sent and Received are how many bytes their bodies had, unpacked.
	Sent, Received int64
	// Lookup is how long it took to find the server's address; 0 if nobody asked for it.
	Lookup time.Duration
}

// Measured makes the transport of a client tell of what was exchanged.
func Measured(tell func(Exchange)) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if parse(r).Verb == "Watch" {
				return next.RoundTrip(r)
			}
			l := &lookup{}
			response, err := next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), l.trace())))
			if err != nil {
				return nil, err
			}
			response.Body = &counting{ReadCloser: response.Body, end: func(received int64) {
				tell(Exchange{Host: r.URL.Host, Method: r.Method, Sent: max(0, r.ContentLength), Received: received, Lookup: time.Duration(l.took.Load())})
			}}
			return response, nil
		})
	}
}

// A lookup is of a server's address. A connection that comes too late goes on by itself,
// beside the request.
type lookup struct {
	begun, took atomic.Int64 // nanoseconds
}

func (l *lookup) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { l.begun.Store(time.Now().UnixNano()) },
		DNSDone:  func(httptrace.DNSDoneInfo) { l.took.Store(max(1, time.Now().UnixNano()-l.begun.Load())) },
	}
}

// counting is a body whose length is told when it is closed.
type counting struct {
	io.ReadCloser
	length int64
	end    func(int64)
}

func (c *counting) Read(into []byte) (int, error) {
	n, err := c.ReadCloser.Read(into)
	c.length += int64(n)
	return n, err
}

func (c *counting) Close() error {
	if c.end != nil {
		c.end(c.length)
		c.end = nil
	}
	return c.ReadCloser.Close()
}
