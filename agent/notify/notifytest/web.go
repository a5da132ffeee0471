package notifytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

// A Request is one that a WebServer was sent.
type Request struct {
	Method, Path, Body string
	Header             http.Header
}

// A WebServer takes notifications: as Slack does below /slack/, as Teams does below
// /teams/, and otherwise as any webhook.
type WebServer struct {
	URL string

	server *httptest.Server
	mu     sync.Mutex // guards all below
	got    []Request
	fails  map[string]int // how many more requests to a path are refused
	hangs  map[string]bool
	end    chan struct{}
}

// StartWeb starts one on the loopback device.
func StartWeb() *WebServer {
	w := &WebServer{fails: map[string]int{}, hangs: map[string]bool{}, end: make(chan struct{})}
	w.server = httptest.NewServer(w)
	w.URL = w.server.URL
	return w
}

// Close ends it.
func (w *WebServer) Close() {
	close(w.end)
	w.server.Close()
}

// Hang has all further requests to a path be taken, and never answered.
func (w *WebServer) Hang(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hangs[path] = true
}

// Fail has the next requests to a path refused.
func (w *WebServer) Fail(path string, times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails[path] = times
}

// Requests returns those that have come to a path, refused or not.
func (w *WebServer) Requests(path string) []Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.got), func(r Request) bool { return r.Path != path })
}

// ServeHTTP makes it a http.Handler.
func (w *WebServer) ServeHTTP(out http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	w.mu.Lock()
	w.got = append(w.got, Request{req.Method, req.URL.Path, string(body), req.Header})
	refused := w.fails[req.URL.Path] > 0
	if refused {
		w.fails[req.URL.Path]--
	}
	hangs := w.hangs[req.URL.Path]
	w.mu.Unlock()
	if hangs {
		select {
		case <-req.Context().Done():
		case <-w.end:
		}
		return
	}
	switch {
	case refused:
		http.Error(out, "not now", http.StatusServiceUnavailable)
	case strings.HasPrefix(req.URL.Path, "/slack/"):
		out.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(out, `{"ok": true, "channel": "C1", "ts": "1.1"}`)
	case strings.HasPrefix(req.URL.Path, "/teams/"):
		_, _ = io.WriteString(out, "1")
	}
}
