package main

import (
	"context"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
)

// unfetched stands in for registries where nothing may be fetched.
type unfetched struct{}

// Known knows nothing.
func (unfetched) Known(registry.Place, string) (git.Answer, bool) { return git.Answer{}, false }

// Resolve names what would be fetched.
func (unfetched) Resolve(_ context.Context, place registry.Place, revision string) (string, error) {
	return "", fmt.Errorf("%w: %s would be fetched, at %s: vendor it, or render without --offline", errOffline, place, revision)
}

// Tree is never reached.
func (u unfetched) Tree(ctx context.Context, place registry.Place, revision string) (*git.Tree, error) {
	_, err := u.Resolve(ctx, place, revision)
	return nil, err
}

// vouchForAll: there is no project to ask on a laptop.
func vouchForAll(*api.Application, string) (string, error) { return "", nil }
