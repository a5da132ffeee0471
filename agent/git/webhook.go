package git

import (
	"errors"
	"io"
	"net/http"

	"github.com/tidelock-io/tidelock/secrets"
)

const (
	maxPayload  = 10 << 20 // bytes of one request
	maxWebhooks = 16       // requests read at the same time
)

// A Push is what a webhook announces.
type Push struct {
	URLs []string // the addresses that the repository goes by
	Ref  string   // full name, such as refs/heads/main
	SHA  string   // full SHA, all zeros if the ref was deleted
}

// A provider is a Git server that sends webhooks.
type provider struct {
	name string
	// sent reports whether a request is this provider's.
	sent func(http.Header) bool
	// verify checks the signature of a body that nobody has parsed yet.
	verify func(header http.Header, body, secret []byte) bool
	// parse returns nil for an event that announces no push.
	parse func(header http.Header, body []byte) (*Push, error)
}

var providers = [...]provider{
	{"github", sentByGitHub, verifyGitHub, parseGitHub},
}

// Webhook handles POST /api/webhook. All that a request can do is to bring a
// poll forward, and the answer is the same for repositories that nobody knows.
type Webhook struct {
	secrets map[string]secrets.Value
	notify  func(url, ref, sha string)
	slots   chan struct{}
}

// NewWebhook returns a handler that passes announced pushes to notify, such as
// Watcher.Notify. For a provider ("github") with a secret, only requests signed
// with it are looked at.
func NewWebhook(secrets map[string]secrets.Value, notify func(url, ref, sha string)) *Webhook {
	return &Webhook{secrets, notify, make(chan struct{}, maxWebhooks)}
}

func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many webhooks at once", http.StatusServiceUnavailable)
		return
	}
	if code, text := h.handle(w, r); code != http.StatusOK {
		http.Error(w, text, code)
	}
}

func (h *Webhook) handle(w http.ResponseWriter, r *http.Request) (code int, text string) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, "POST only"
	}
	from := providerOf(r.Header)
	if from == nil {
		return http.StatusBadRequest, "not a webhook of a known provider"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return http.StatusRequestEntityTooLarge, "payload too large"
	case err != nil:
		return http.StatusBadRequest, "payload cut short"
	}
	if secret := h.secrets[from.name].Reveal(); len(secret) > 0 && !from.verify(r.Header, body, secret) {
		return http.StatusForbidden, "signature missing or wrong"
	}
	push, err := from.parse(r.Header, body)
	if err != nil {
		return http.StatusBadRequest, "payload not understood"
	}
	if push != nil {
		for _, url := range push.URLs {
			h.notify(url, push.Ref, push.SHA)
		}
	}
	return http.StatusOK, ""
}

func providerOf(header http.Header) *provider {
	for i := range providers {
		if providers[i].sent(header) {
			return &providers[i]
		}
	}
	return nil
}
