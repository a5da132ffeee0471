// Package doubles are stand-ins for the key services of clouds, for tests: HTTP
// servers that check of a request what the real API checks (method, target,
// signature or token, shape of the payload), answer in its format, encrypt for
// real, and can be told to refuse, to throttle and to hang.
//
// What no document says was not tried against the real service: the README lists
// what was.
//
// Start with [NewAWS], [NewGCP] and [NewAzure].
package doubles

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// A Log counts what a double was asked, and says what it answers next.
type Log struct {
	mu    sync.Mutex
	calls []string
	next  []int // statuses of the next answers, before it answers in earnest
}

// Then makes the next answers failures with these statuses.
func (l *Log) Then(statuses ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = append(l.next, statuses...)
}

// Calls returns what was asked since the last time: "Decrypt 200".
func (l *Log) Calls() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := l.calls
	l.calls = nil
	return calls
}

// note counts a call, and returns the status to fail it with, 0 if it is to be
// answered.
func (l *Log) note(call string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	status := 0
	if len(l.next) > 0 {
		status, l.next = l.next[0], l.next[1:]
	}
	l.calls = append(l.calls, fmt.Sprintf("%s %d", call, max(status, 0)))
	return status
}

// answer writes JSON.
func answer(t testing.TB, w http.ResponseWriter, contentType string, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		t.Logf("a double's answer did not arrive: %v", err)
	}
}

// strict decodes JSON without unknown fields.
func strict(r *http.Request, into any) error {
	in := json.NewDecoder(r.Body)
	in.DisallowUnknownFields()
	return in.Decode(into)
}
