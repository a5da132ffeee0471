package main

import (
	"context"
	"sync"
	"time"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
)

const (
	// storeTimeout is how long a store may take for one answer, or for a login.
	storeTimeout = 10 * time.Second
	// closeTimeout is how long it may take for giving a token back.
	closeTimeout = 5 * time.Second
)

// A connection is a provider's client that has logged in. It is closed when its
// last user is done with it.
type connection struct {
	client esv1.SecretsClient
	since  time.Time
	seen   *sightings // what it has logged in with

	mu    sync.Mutex // guards users
	users int
}

// open connects. The caller is the first user; whoever keeps it is another.
func open(ctx context.Context, dial connect) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	seen := &sightings{}
	opened, err := dial(seen.watch(ctx), newObjects(present{}))
	if err != nil {
		return nil, err
	}
	return &connection{client: opened, since: time.Now(), seen: seen, users: 2}, nil
}

func (c *connection) take() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users++
}

func (c *connection) give() {
	c.mu.Lock()
	c.users--
	last := c.users == 0
	c.mu.Unlock()
	if last {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = c.client.Close(ctx) // changes nothing any more: what is not given back expires
	}
}

// unsureFor is how long a login counts as good that cannot be proven. A store
// that refuses may mean the login, or what was asked for.
const unsureFor = 30 * time.Second

// expired says that a refusal is due to the login, and not to what was asked for.
func (c *connection) expired() bool {
	result, err := c.client.Validate()
	if result == esv1.ValidationResultUnknown && err == nil {
		return time.Since(c.since) > unsureFor
	}
	return err != nil
}
