package git

import (
	"context"
	"fmt"
	"sync"
	"time"

	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/sync/semaphore"
)

const (
	// tokenMargin is how long before its end a token is not used any more.
	tokenMargin = 5 * time.Minute
	// tokenLife is that of a token whose server does not say it.
	tokenLife = 5 * time.Minute
)

// A token is a secret that a server gave for a while.
type token struct {
	value   secrets.Value
	expires time.Time
}

// A tokenLogin shows a token, which it asks for again shortly before it expires.
// Who needs it meanwhile waits for the one request.
type tokenLogin struct {
	ask  func(ctx context.Context) (token, error)
	user string // of basic authentication; "" for a bearer token

	turn *semaphore.Weighted // held by who asks

	mu    sync.Mutex // guards what follows
	value secrets.Value
	until time.Time // when to ask again
}

func newTokenLogin(user string, ask func(ctx context.Context) (token, error)) *tokenLogin {
	return &tokenLogin{ask: ask, user: user, turn: semaphore.NewWeighted(1)}
}

func (t *tokenLogin) show(ctx context.Context) (githttp.AuthMethod, error) {
	value, err := t.get(ctx)
	if err != nil {
		return nil, err
	}
	if t.user == "" {
		return &githttp.TokenAuth{Token: string(value.Reveal())}, nil
	}
	return basic(t.user, value), nil
}

func (t *tokenLogin) get(ctx context.Context) (secrets.Value, error) {
	if value, ok := t.current(); ok {
		return value, nil
	}
	if err := t.turn.Acquire(ctx, 1); err != nil {
		return secrets.Value{}, fmt.Errorf("wait for a token: %w", err)
	}
	defer t.turn.Release(1)
	if value, ok := t.current(); ok {
		return value, nil
	}
	now := time.Now()
	got, err := t.ask(ctx)
	if err != nil {
		return secrets.Value{}, err
	}
	life := got.expires.Sub(now)
	if got.expires.IsZero() {
		life = tokenLife
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.value, t.until = got.value, now.Add(life-min(tokenMargin, life/5))
	return t.value, nil
}

func (t *tokenLogin) current() (secrets.Value, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.value, time.Now().Before(t.until)
}

// refused drops the token, which may have been revoked.
func (t *tokenLogin) refused() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	had := !t.until.IsZero()
	t.until = time.Time{}
	return had
}

func (t *tokenLogin) scrub(text string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return scrub(text, t.user, t.value)
}

// A personalLogin shows nothing until a server asks, and then what the machine
// of a person has for the address.
type personalLogin struct {
	address string
	ask     func(address string) (user string, password secrets.Value, ok bool)

	mu       sync.Mutex // guards what follows
	asked    bool
	method   githttp.AuthMethod
	user     string
	password secrets.Value
}

func (p *personalLogin) show(context.Context) (githttp.AuthMethod, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.method, nil
}

func (p *personalLogin) refused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked {
		return false
	}
	p.asked = true
	user, password, ok := p.ask(p.address)
	if ok {
		p.user, p.password, p.method = user, password, basic(user, password)
	}
	return ok
}

func (p *personalLogin) scrub(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return scrub(text, p.user, p.password)
}
