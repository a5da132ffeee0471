package kube

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// An event is one change, as watches are told of it.
type event struct {
	version       int64
	before, after *Object
}

// A watcher is one watch.
type watcher struct {
	selection
	server *Server
	by     string
	body   *stream
}

// watch begins a watch.
func (s *Server) watch(r *http.Request, c call) (*http.Response, error) {
	sel, err := c.selection(r)
	if err != nil {
		return nil, err
	}
	initial := c.query.Get("sendInitialEvents") == "true"
	if initial && s.options.Pages {
		return nil, apierrors.NewInvalid(metav1.SchemeGroupVersion.WithKind("ListOptions").GroupKind(), "",
			field.ErrorList{field.Forbidden(field.NewPath("sendInitialEvents"), "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")})
	}
	from, _ := strconv.ParseInt(c.query.Get("resourceVersion"), 10, 64)
	if from > 0 && from < s.oldest && !initial {
		return nil, apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: %d (%d)", from, s.oldest))
	}
	w := &watcher{selection: sel, server: s, by: c.by, body: newStream(r)}
	w.body.closed = func() { s.leave(w) }
	seconds, _ := strconv.Atoi(c.query.Get("timeoutSeconds"))
	if seconds == 0 {
		seconds = 1800
	}
	w.body.until(time.Duration(seconds) * time.Second)
	if from == 0 || initial {
		for _, o := range s.selected(sel) {
			w.send("ADDED", w.shown(o), 0)
		}
		if initial {
			w.bookmark(true)
		}
	} else {
		for _, e := range s.log {
			if e.version > from {
				w.tell(e)
			}
		}
	}
	s.watchers[w] = true
	w.remind()
	response := respond(r, http.StatusOK, nil)
	response.ContentLength, response.Body = -1, w.body
	return response, nil
}

// leave ends a watch on the server's side.
func (s *Server) leave(w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, w)
}

// remind sends a bookmark from time to time.
func (w *watcher) remind() {
	if w.server.options.Bookmarks == 0 {
		return
	}
	time.AfterFunc(w.server.options.Bookmarks, func() {
		w.server.mu.Lock()
		defer w.server.mu.Unlock()
		if w.server.watchers[w] && !w.server.ended {
			w.bookmark(false)
			w.remind()
		}
	})
}

func (w *watcher) bookmark(end bool) {
	note := ""
	if end {
		note = `,"annotations":{"k8s.io/initial-events-end":"true"}`
	}
	kind, version := w.kind.Kind, w.kind.GroupVersion().String()
	if w.partial {
		kind, version = "PartialObjectMetadata", "meta.k8s.io/v1"
	}
	w.send("BOOKMARK", []byte(fmt.Sprintf(`{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"%d"%s}}`, kind, version, w.server.version, note)), 0)
}

// tell sends what an event is to those who see only what they select: an object
// whose label goes is deleted for them, as it was last, at the version of now.
func (w *watcher) tell(e event) {
	was, is := e.before != nil && w.matches(e.before), e.after != nil && w.matches(e.after)
	switch {
	case was && is:
		w.send("MODIFIED", w.shown(e.after), w.lag(e.after))
	case is:
		w.send("ADDED", w.shown(e.after), w.lag(e.after))
	case was:
		last := e.before
		if e.after == nil || !w.of(e.after) || !w.labels.Matches(labels.Set(e.after.labels)) {
			last = e.before.at(e.version)
		}
		w.send("DELETED", w.shown(last), w.lag(last))
	}
}

func (w *watcher) lag(o *Object) time.Duration {
	if w.server.options.Lag == nil {
		return 0
	}
	return w.server.options.Lag(o)
}

func (w *watcher) send(kind string, object []byte, lag time.Duration) {
	line := make([]byte, 0, len(object)+40)
	line = append(append(append(line, `{"type":"`...), kind...), `","object":`...)
	line = append(append(line, object...), "}\n"...)
	w.body.send(line, lag)
}

// publish tells all watches of a change.
func (s *Server) publish(e event) {
	s.log = append(s.log, e)
	for w := range s.watchers {
		w.tell(e)
	}
}

// Cut ends the watches of a client, as if the network had.
func (s *Server) Cut(by string) {
	for _, w := range s.watches(by) {
		w.body.end(io.EOF)
	}
}

// Freeze lets the watches of a client hear nothing more until they end.
func (s *Server) Freeze(by string) {
	for _, w := range s.watches(by) {
		w.body.freeze()
	}
}

// Expire lets the server forget what has been: watches that end cannot go on
// where they were.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldest, s.log = s.version, nil
}

func (s *Server) watches(by string) (found []*watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		if by == w.by {
			found = append(found, w)
		}
	}
	return found
}

// A stream is the body of a watch: lines, each at its time, in order.
type stream struct {
	request *http.Request
	closed  func()
	wake    chan struct{}
	done    chan struct{}
	once    sync.Once
	stop    *time.Timer

	mu     sync.Mutex // guards all below
	lines  []line
	rest   []byte
	frozen bool
	err    error
}

type line struct {
	at   time.Time
	text []byte
}

func newStream(r *http.Request) *stream {
	return &stream{request: r, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// until ends the stream in time, as the server does.
func (b *stream) until(d time.Duration) { b.stop = time.AfterFunc(d, func() { b.end(io.EOF) }) }

func (b *stream) send(text []byte, lag time.Duration) {
	at := time.Now().Add(lag)
	b.mu.Lock()
	if n := len(b.lines); n > 0 && b.lines[n-1].at.After(at) {
		at = b.lines[n-1].at
	}
	if !b.frozen {
		b.lines = append(b.lines, line{at, text})
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *stream) freeze() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frozen, b.lines = true, nil
}

func (b *stream) end(err error) {
	b.once.Do(func() {
		b.mu.Lock()
		b.err = err
		b.mu.Unlock()
		close(b.done)
		b.stop.Stop()
	})
}

// Read waits for the next line.
func (b *stream) Read(p []byte) (int, error) {
	for {
		wait, n := b.take(p)
		if n > 0 {
			return n, nil
		}
		var due <-chan time.Time
		if wait > 0 {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			due = timer.C
		}
		select {
		case <-b.wake:
		case <-due:
		case <-b.done:
			return 0, b.err
		case <-b.request.Context().Done():
			return 0, b.request.Context().Err()
		}
	}
}

// take copies what is due, or says when something is.
func (b *stream) take(p []byte) (wait time.Duration, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rest) == 0 && len(b.lines) > 0 {
		if wait = time.Until(b.lines[0].at); wait > 0 {
			return wait, 0
		}
		b.rest, b.lines[0].text = b.lines[0].text, nil // what is read is not kept
		b.lines = b.lines[1:]
	}
	n = copy(p, b.rest)
	b.rest = b.rest[n:]
	return 0, n
}

// Close is the client's end of the watch.
func (b *stream) Close() error {
	b.end(errors.New("read on a closed body"))
	b.closed()
	return nil
}
