package destinations

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// answeredWithin bounds a request that somebody waits for, admission webhooks included.
	answeredWithin = time.Minute
	// maxAnswer bounds what comes of one: a listing is asked for in pages.
	maxAnswer = 256 << 20
)

// A wire carries the requests of all clients of a cluster. Behind it, the connection and
// the login may change; before it, nobody notices. While it is closed, watches and what
// they list wait for it to be opened, and all else fails at once.
type wire struct {
	host    string
	suspect bell         // rung when a request has failed
	heard   atomic.Int64 // when the cluster has said something last, in Unix nanoseconds

	mu    sync.Mutex // guards all below
	inner http.RoundTripper
	idle  func()        // closes the connections of inner that are idle
	open  chan struct{} // closed while the wire is open
	shut  error         // why it is closed; nil while it is open
	epoch context.Context
	cut   context.CancelCauseFunc // ends what is under way
}

// newWire returns one that is closed.
func newWire(host string) *wire {
	w := &wire{host: host, suspect: make(bell, 1), open: make(chan struct{}), shut: errors.New("not connected yet"), idle: func() {}}
	w.epoch, w.cut = context.WithCancelCause(context.Background())
	return w
}

// A bell is rung for one who may be busy.
type bell chan struct{}

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// replace has the next requests take another connection.
func (w *wire) replace(inner http.RoundTripper, idle func()) {
	w.mu.Lock()
	old := w.idle
	w.inner, w.idle = inner, idle
	w.mu.Unlock()
	old()
}

// severs ends what is under way, and lets it be begun anew.
func (w *wire) severs(why error) {
	w.mu.Lock()
	end := w.cut
	w.epoch, w.cut = context.WithCancelCause(context.Background())
	w.mu.Unlock()
	end(why)
}

// opens lets requests through.
func (w *wire) opens() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shut != nil {
		w.shut = nil
		close(w.open)
	}
}

// closes ends what is under way, and refuses what comes.
func (w *wire) closes(why error) {
	w.mu.Lock()
	if w.shut == nil {
		w.open = make(chan struct{})
	}
	end, old := w.cut, w.idle
	w.shut = why
	w.epoch, w.cut = context.WithCancelCause(context.Background())
	w.mu.Unlock()
	end(why)
	old()
}

// silence is how long the cluster has said nothing.
func (w *wire) silence() time.Duration { return time.Since(time.Unix(0, w.heard.Load())) }

func (w *wire) hear() { w.heard.Store(time.Now().UnixNano()) }

type probing struct{}

// probe marks what asks whether the cluster answers: it is let through in any case.
func probe(ctx context.Context) context.Context { return context.WithValue(ctx, probing{}, true) }

// RoundTrip makes it an http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != w.host {
		return nil, fmt.Errorf("the cluster leads to another host, %.100q, and is not followed there", r.URL.Host)
	}
	stream := r.URL.Query().Get("watch") != ""
	patient := stream || follows(r)
	inner, epoch, err := w.pass(r.Context(), patient)
	if err != nil {
		return nil, err
	}
	ctx, end := r.Context(), context.CancelFunc(func() {})
	if !patient {
		ctx, end = context.WithTimeoutCause(ctx, answeredWithin, fmt.Errorf("no answer within %s", answeredWithin))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(epoch, func() { cancel(context.Cause(epoch)) })
	done := func() {
		stop()
		cancel(nil)
		end()
	}
	response, err := inner.RoundTrip(r.WithContext(ctx))
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && r.Context().Err() == nil {
			err = cause
		}
		done()
		if r.Context().Err() == nil {
			w.suspect.ring()
		}
		return nil, err
	}
	w.hear()
	response.Body = &body{ReadCloser: response.Body, done: done, hear: w.hear, left: maxAnswer, stream: stream}
	return response, nil
}

// follows says that a request is the listing of something that is followed: nobody waits
// for it but who goes on with a watch.
func follows(r *http.Request) bool {
	_, bounded := r.Context().Deadline()
	return r.Method == http.MethodGet && !bounded && r.URL.Query().Has("resourceVersion")
}

// pass returns the connection for a request. One that is patient waits until there is one.
func (w *wire) pass(ctx context.Context, patient bool) (http.RoundTripper, context.Context, error) {
	for {
		w.mu.Lock()
		inner, epoch, open, shut := w.inner, w.epoch, w.open, w.shut
		w.mu.Unlock()
		switch {
		case shut == nil || ctx.Value(probing{}) != nil && inner != nil:
			return inner, epoch, nil
		case !patient || errors.Is(shut, errLetGo):
			return nil, nil, shut
		}
		select {
		case <-open:
		case <-epoch.Done(): // it may be closed for another reason by now
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// A body is an answer that may be cut, and is not endless.
type body struct {
	io.ReadCloser
	done   func()
	hear   func()
	left   int64
	stream bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.hear()
	}
	if b.left -= int64(n); b.left < 0 && !b.stream {
		return 0, fmt.Errorf("the cluster's answer is longer than %d bytes", int64(maxAnswer))
	}
	return n, err
}

// Close ends the request.
func (b *body) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}
