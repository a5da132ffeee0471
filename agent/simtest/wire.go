package simtest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/simtest/kube"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// agentName is the User-Agent of the engine.
const agentName = "tidelock/simtest"

// A fault is what becomes of one request.
type fault string

const (
	none     fault = ""
	conflict fault = "conflict"        // 409, without effect
	busy     fault = "429"             // with Retry-After
	broken   fault = "500"             // without effect
	away     fault = "503"             // without effect
	reset    fault = "reset"           // the connection, without effect
	deaf     fault = "reset, too late" // the request took effect
	late     fault = "504, too late"   // the request took effect
	slow     fault = "slow"            // seconds
)

// A wire is the network between one life of the engine and the API server: each
// request takes its time, one after the other, and may go wrong. All of it is
// decided by the seed, by what the request is and by how many of its kind came
// before, not by which goroutine was first.
type wire struct {
	server *kube.Server
	story  *story
	seed   uint64
	// faulty decides on a fault; roll is a random number of the request's own.
	faulty func(r *http.Request, roll uint64) fault
	// dies says that the engine dies at this request, the n-th of its life; with
	// effect says that the server gets it.
	dies func(n int) (now, effect bool)
	die  context.CancelFunc
	sent func(r *http.Request) // is told of every request that the server gets
	// latency is how long a request takes, nil if the seed says.
	latency func(name string) time.Duration

	mu    sync.Mutex // guards all below
	count map[string]int
	total int
	dead  bool
}

var errDead = errors.New("the process is dead")

// RoundTrip makes it an http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	name := nameOf(r)
	roll := w.roll(name)
	takes, back := time.Millisecond+time.Duration(roll%4_000_000), time.Duration(roll>>8%3_000_000)
	if w.latency != nil {
		takes, back = w.latency(name), 0
	}
	if err := pause(r.Context(), takes); err != nil {
		return nil, err
	}
	kind := none
	if w.faulty != nil {
		kind = w.faulty(r, roll>>24)
	}
	if kind == slow {
		if err := pause(r.Context(), time.Second+time.Duration(roll>>16%20)*time.Second); err != nil {
			return nil, err
		}
	}
	dying, effect := w.counted()
	if w.isDead() {
		return nil, errDead
	}
	if dying {
		w.kill(name, effect)
		if effect {
			if response, err := w.server.RoundTrip(r); err == nil {
				_ = response.Body.Close()
			}
		}
		w.die()
		return nil, errDead
	}
	return w.send(r, name, kind, back)
}

func (w *wire) send(r *http.Request, name string, kind fault, back time.Duration) (*http.Response, error) {
	if w.sent != nil {
		w.sent(r)
	}
	if response, err := refusal(r, kind); response != nil || err != nil {
		w.story.tell("agent", "%s: %s", name, kind)
		return response, err
	}
	response, err := w.server.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if kind == none || kind == slow {
		w.story.tell("agent", "%s: %d", name, response.StatusCode)
	} else {
		w.story.tell("agent", "%s: %d, but %s", name, response.StatusCode, kind)
		_ = response.Body.Close()
	}
	if err := pause(r.Context(), back); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	switch {
	case w.isDead():
		_ = response.Body.Close()
		return nil, errDead
	case kind == deaf:
		return nil, errReset
	case kind == late:
		return kube.Failure(r, apierrors.NewTimeoutError("injected", 0)), nil
	}
	return response, nil
}

var errReset = errors.New("read tcp: connection reset by peer")

// refusal is the answer to a request that the server does not get.
func refusal(r *http.Request, kind fault) (*http.Response, error) {
	switch kind {
	case conflict:
		return kube.Failure(r, apierrors.NewConflict(schema.GroupResource{}, "injected", errors.New("the object has been modified"))), nil
	case busy:
		return kube.Failure(r, apierrors.NewTooManyRequests("injected", 1)), nil
	case broken:
		return kube.Failure(r, apierrors.NewInternalError(errors.New("injected"))), nil
	case away:
		return kube.Failure(r, apierrors.NewServiceUnavailable("injected")), nil
	case reset:
		return nil, errReset
	}
	return nil, nil
}

func (w *wire) counted() (dying, effect bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.total++
	if w.dies == nil || w.dead {
		return false, false
	}
	return w.dies(w.total)
}

func (w *wire) kill(at string, effect bool) {
	w.mu.Lock()
	w.dead = true
	w.mu.Unlock()
	if at != "" {
		w.story.tell("world", "kill -9 at %s (took effect: %v)", at, effect)
	}
}

func (w *wire) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

// nameOf tells requests apart: "PATCH /api/... dryRun".
func nameOf(r *http.Request) string {
	name, q := r.Method+" "+r.URL.Path, r.URL.Query()
	for _, word := range []string{"watch", "dryRun", "sendInitialEvents"} {
		if q.Get(word) != "" {
			name += " " + word
		}
	}
	return name
}

// roll is the random number of a request.
func (w *wire) roll(name string) uint64 {
	w.mu.Lock()
	n := w.count[name]
	w.count[name]++
	w.mu.Unlock()
	return hash(w.seed, name, n)
}

// hash makes a random number of what it is for.
func hash(seed uint64, parts ...any) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, seed)
	for _, p := range parts {
		_, _ = fmt.Fprint(h, "/", p)
	}
	x := h.Sum64() // whose high bits are poor: mix
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
