package sets

import (
	"context"
	"slices"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
)

// A listing is what a service has said of repositories, and of what is in them, which is
// remembered for as long: the commits are the same.
type listing struct {
	repositories []appset.Repository

	mu    sync.Mutex
	paths map[inRepository]bool // guarded by mu
}

// An inRepository is a path in one of a listing's repositories.
type inRepository struct {
	index int
	path  string
}

// of are the repositories, as one pass asks about them.
func (l *listing) of(p *pass, question *api.Generator) []appset.Repository {
	all := slices.Clone(l.repositories)
	for i, r := range all {
		if r.HasPath == nil {
			continue
		}
		all[i].HasPath = func(ctx context.Context, path string) (bool, error) {
			return l.has(inRepository{i, path}, func() (bool, error) {
				return ask(ctx, p, forge.Server(question), func() (bool, error) { return r.HasPath(ctx, path) })
			})
		}
	}
	return all
}

// has asks once. An error is no answer.
func (l *listing) has(at inRepository, ask func() (bool, error)) (bool, error) {
	l.mu.Lock()
	has, known := l.paths[at]
	l.mu.Unlock()
	if known {
		return has, nil
	}
	has, err := ask()
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paths[at] = has
	return has, nil
}
