// Package webhook takes announcements: of pushes and pull requests from Git servers, and
// of what was published from registries (SEMANTICS.md 2.9).
//
// Start with [New]. All that a request can do is to have a repository, or who lists pull
// requests, asked for news sooner, of which there is at most one question in a while if the request has no
// signature. The answer is the same for repositories that nobody knows.
package webhook

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/time/rate"
)

const (
	atOnce = 128 // requests
	// Requests that nobody has signed, of all senders together.
	unsignedPerSecond, unsignedAtOnce = 20, 100
	// remembered are requests by their digests, so that one that is sent again is
	// known.
	remembered = 4096
)

// An Announcement is one thing that a request tells of.
type Announcement struct {
	URLs []string // the addresses that the repository goes by
	// Ref is the full name of what was pushed to, such as refs/heads/main, and SHA what
	// it is at: all zeros if it was deleted, "" if that is not told. Both are empty if
	// something was published in a registry.
	Ref, SHA string
	// Published says that it is of a registry or a Helm repository.
	Published bool
	// Pulls says that a pull request of the repository has changed, and Listing that the
	// repository, or the branch that Ref names, is new or gone. Ref is empty if nothing was
	// pushed. ID is the repository's number, if that is told.
	Pulls, Listing bool
	ID             string
	// From is the kind of server that it is from, such as github.
	From string
	// Signed says that the sender knows the secret, and has not sent the same before.
	Signed bool
}

// Config is what a Webhook needs.
type Config struct {
	// Secret returns what Secret argocd-secret has under a key, empty if nothing.
	Secret func(key string) secrets.Value
	// Announced is told of everything that is announced. It must not block.
	Announced func(Announcement)
	// Told, if not nil, is told of each request who sent it, and what became of it.
	Told func(provider, outcome string)
	// MaxBytes is how long a request may be; 50 MiB if 0.
	MaxBytes int64
}

// A Webhook handles POST /api/webhook.
type Webhook struct {
	config   Config
	slots    chan struct{}
	memory   *budget
	unsigned *rate.Limiter
	seen     recent
}

// New returns a Webhook.
func New(config Config) *Webhook {
	if config.Told == nil {
		config.Told = func(string, string) {}
	}
	if config.MaxBytes <= 0 {
		config.MaxBytes = 50 << 20
	}
	return &Webhook{
		config: config, slots: make(chan struct{}, atOnce), memory: &budget{left: max(maxMemory, 2*config.MaxBytes+2)},
		unsigned: rate.NewLimiter(unsignedPerSecond, unsignedAtOnce),
	}
}

// An outcome is how a request ends.
type outcome struct {
	name string // in metrics
	code int
	text string
}

var (
	taken     = outcome{"taken", http.StatusOK, ""}
	ignored   = outcome{"ignored", http.StatusOK, ""} // an event that announces nothing
	postOnly  = outcome{"refused", http.StatusMethodNotAllowed, "POST only"}
	unknown   = outcome{"unknown", http.StatusBadRequest, "not a webhook of a known provider"}
	tooLarge  = outcome{"too-large", http.StatusRequestEntityTooLarge, "payload too large"}
	cutShort  = outcome{"malformed", http.StatusBadRequest, "payload cut short"}
	malformed = outcome{"malformed", http.StatusBadRequest, "payload not understood"}
	forged    = outcome{"forged", http.StatusForbidden, "signature missing or wrong"}
	busy      = outcome{"busy", http.StatusServiceUnavailable, "too many webhooks at once"}
	limited   = outcome{"limited", http.StatusTooManyRequests, "too many webhooks without a signature: set a secret"}
)

func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := providerOf(r)
	end := h.handle(w, r, from)
	name := "unknown"
	if from != nil {
		name = from.name
	}
	h.config.Told(name, end.name)
	if end.code == http.StatusOK {
		return
	}
	if end == busy || end == limited {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, end.text, end.code)
}

func (h *Webhook) handle(w http.ResponseWriter, r *http.Request, from *provider) outcome {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		return busy
	}
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return postOnly
	case from == nil:
		return unknown
	}
	body, err := h.read(w, r)
	defer h.memory.give(int64(cap(body)))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return tooLarge
	case errors.Is(err, errCrowded):
		return busy
	case err != nil:
		return cutShort
	}
	return h.take(r, from, body)
}

// take verifies a request before it reads what is in it.
func (h *Webhook) take(r *http.Request, from *provider, body []byte) outcome {
	signed := false
	if demanded, ok := from.verify(r, body, h.config.Secret); demanded {
		if !ok {
			return forged
		}
		signed = h.seen.first(body, time.Now())
	}
	if !signed && !h.unsigned.Allow() {
		return limited
	}
	list, err := from.parse(r, body)
	switch {
	case err != nil:
		return malformed
	case len(list) == 0:
		return ignored
	}
	for _, a := range list {
		a.From, a.Signed = from.name, signed
		h.config.Announced(a)
	}
	return taken
}

// recent knows the digests of requests that came lately: someone may have recorded
// one with its signature, to send it again and again.
type recent struct {
	mu   sync.Mutex // guards all below
	seen map[[sha256.Size]byte]time.Time
}

// again is how long a request is remembered.
const again = 10 * time.Minute

// first says whether a request has not come before.
func (s *recent) first(body []byte, now time.Time) bool {
	digest := sha256.Sum256(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.seen[digest]; ok && now.Sub(at) < again {
		return false
	}
	if s.seen == nil || len(s.seen) >= remembered {
		s.seen = map[[sha256.Size]byte]time.Time{}
	}
	s.seen[digest] = now
	return true
}
