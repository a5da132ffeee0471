package registry

import (
	"context"

	"github.com/tidelock-io/tidelock/agent/git"
)

// Requests to a server, as they are told of.
const (
	requestFind  = "resolve-revision"
	requestTags  = "get-tags"
	requestFetch = "extract"
)

// told makes what a source is reached by tell of its requests (see Options.Asked).
func (s *Store) told(src *source) origin {
	if s.options.Asked == nil {
		return src.origin
	}
	url := git.Redact(src.place.URL)
	begin := func(request string) func(error) { return s.options.Asked(url, request) }
	if p, ok := src.origin.(*packages); ok {
		p.begin = begin
		return toldPackages{src.origin, begin}
	}
	return toldFiles{src.origin, begin}
}

// toldPackages is a registry, which is asked for each revision.
type toldPackages struct {
	origin
	begin func(request string) (done func(error))
}

func (t toldPackages) find(ctx context.Context, chart, revision string) (pin, error) {
	done := t.begin(requestFind)
	p, err := t.origin.find(ctx, chart, revision)
	done(err)
	return p, err
}

func (t toldPackages) fetch(ctx context.Context, chart string, p pin) (*git.Tree, error) {
	done := t.begin(requestFetch)
	tree, err := t.origin.fetch(ctx, chart, p)
	done(err)
	return tree, err
}

// toldFiles is a server that is asked for an index of all revisions, or for the one
// file that there is.
type toldFiles struct {
	origin
	begin func(request string) (done func(error))
}

func (t toldFiles) refresh(ctx context.Context) error {
	done := t.begin(requestFind)
	err := t.origin.refresh(ctx)
	done(err)
	return err
}

func (t toldFiles) fetch(ctx context.Context, chart string, p pin) (*git.Tree, error) {
	done := t.begin(requestFetch)
	tree, err := t.origin.fetch(ctx, chart, p)
	done(err)
	return tree, err
}
