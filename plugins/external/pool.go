package main

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// connectionLife is how long a login serves: what a store's Secret or
	// ServiceAccount may no longer do takes effect within it.
	connectionLife = 10 * time.Minute
	// connectionIdle is how long one is kept that nobody uses. It is shorter than
	// the host lets this process live idle, so that tokens are given back.
	connectionIdle = 2 * time.Minute
	// atOnce is how many questions one store gets at a time.
	atOnce = 8
)

// lasting are the providers whose connections may serve several calls: they log
// in once, and keep nothing of what they read. Those for AWS remember values, and
// that of fake is one store's alone.
var lasting = map[string]bool{"kubernetes": true, "vault": true}

// A place names a store as it is written at the moment. What it refers to in the
// namespace of whoever uses it makes it another store in each.
type place struct {
	kind, namespace, name string
	spec                  [sha256.Size]byte
}

// A pool keeps connections to stores from one call to the next, and what is
// known of stores that fail.
type pool struct {
	mu    sync.Mutex // guards slots
	slots map[place]*slot
}

func newPool() *pool { return &pool{slots: map[place]*slot{}} }

// slot returns what is known of a store. It goes when nobody has asked for it in
// a while.
func (p *pool) slot(at place) *slot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.slots[at]
	if s == nil {
		s = &slot{turn: make(chan struct{}, 1), room: make(chan struct{}, atOnce)}
		s.idle = time.AfterFunc(connectionIdle, func() { p.drop(at, s) })
		p.slots[at] = s
	}
	s.idle.Reset(connectionIdle)
	return s
}

func (p *pool) drop(at place, s *slot) {
	p.mu.Lock()
	if p.slots[at] == s {
		delete(p.slots, at)
	}
	p.mu.Unlock()
	s.replace(nil)
}

// A slot is one store.
type slot struct {
	turn chan struct{} // whose place it is to connect
	room chan struct{} // of questions under way
	idle *time.Timer

	mu     sync.Mutex // guards what follows
	open   *connection
	outage outage
}

// A connect logs in. What it reads of the cluster, it reads through kube.
type connect func(ctx context.Context, kube client.Client) (esv1.SecretsClient, error)

// connection returns the store's connection, made now if there is none that this
// call may use. It differs from gone, which does not work any more.
func (s *slot) connection(ctx context.Context, dial connect, gone *connection) (*connection, error) {
	if c := s.usable(ctx, gone); c != nil {
		return c, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c := s.usable(ctx, gone); c != nil {
		return c, nil // somebody else has made it meanwhile
	}
	if err := s.resting(); err != nil {
		return nil, err
	}
	c, err := open(ctx, dial)
	if err != nil {
		return nil, s.judge(ctx, err, true)
	}
	s.replace(c)
	return c, nil
}

// usable takes the connection for one use, if there is one for this call.
func (s *slot) usable(ctx context.Context, gone *connection) *connection {
	s.mu.Lock()
	c := s.open
	if c != nil {
		c.take()
	}
	s.mu.Unlock()
	if c == nil {
		return nil
	}
	if c == gone || time.Since(c.since) > connectionLife || !c.seen.same(ctx) {
		c.give()
		return nil
	}
	return c
}

// replace sets the connection. The one before is closed when nobody uses it.
func (s *slot) replace(c *connection) {
	s.mu.Lock()
	old := s.open
	s.open = c
	s.mu.Unlock()
	if old != nil {
		old.give()
	}
}
