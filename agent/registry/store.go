package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
)

// Options set a store's limits. The zero value is good.
type Options struct {
	Limits       Limits
	AskTimeout   time.Duration // for one question, an index included; default 1 min
	FetchTimeout time.Duration // for one archive; default 5 min
	Bytes        int64         // of trees that are kept; default 256 MiB
	Idle         time.Duration // how long a revision that nobody asks for is watched; default 1 h
	Log          *slog.Logger
	// Asked, if not nil, is told of each request to a server when it begins,
	// "resolve-revision" or "extract" to an address without a password; the function
	// that it returns, when it ends.
	Asked func(url, request string) (done func(error))
}

func (o Options) orDefault() Options {
	o.Limits = o.Limits.orDefault()
	o.AskTimeout = cmp.Or(o.AskTimeout, time.Minute)
	o.FetchTimeout = cmp.Or(o.FetchTimeout, 5*time.Minute)
	o.Bytes = cmp.Or(o.Bytes, 256<<20)
	o.Idle = cmp.Or(o.Idle, time.Hour)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// A Store brings charts, artifacts and files, and keeps them in memory. It is safe
// for concurrent use.
type Store struct {
	options Options
	key     []byte // of the fingerprints
	trees   *trees
	changed chan struct{} // has a token when there is a new interest

	mu      sync.Mutex
	sources map[string]*source  // by address and fingerprint; guarded by mu
	sights  map[interest]*sight // guarded by mu
}

// NewStore returns an empty store.
func NewStore(options Options) *Store {
	options = options.orDefault()
	s := &Store{
		options: options, key: make([]byte, 32), trees: newTrees(options.Bytes), changed: make(chan struct{}, 1),
		sources: map[string]*source{}, sights: map[interest]*sight{},
	}
	rand.Read(s.key)
	return s
}

// Close lets go of idle connections.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, src := range s.sources {
		src.origin.close()
	}
}

// Resolve returns what a revision of a place stands for now: the version of a
// chart, or the digest of an artifact or a file. It costs a request or two, shared
// by those who wait for their turn meanwhile; none for a digest. The revision is
// watched from then on (see Watcher).
// Errors: git.ErrRepository, git.ErrAuth, git.ErrRevision, git.ErrTooLarge.
func (s *Store) Resolve(ctx context.Context, place Place, revision string) (string, error) {
	src, err := s.source(place)
	if err != nil {
		return "", err
	}
	p, err := s.resolve(ctx, src, place.chart, revision)
	return p.revision, err
}

func (s *Store) resolve(ctx context.Context, src *source, chart, revision string) (pin, error) {
	asked := time.Now()
	what := interest{src, chart, revision}
	ctx, cancel := context.WithTimeout(ctx, s.options.AskTimeout)
	defer cancel()
	if err := src.turn.Acquire(ctx, 1); err != nil {
		return pin{}, src.busy(err)
	}
	defer src.turn.Release(1)
	// An answer to a question older than ours is not good enough.
	if seen, ok := s.seen(what); ok && !seen.at.Before(asked) && seen.err == nil {
		return seen.pin, nil
	}
	at := time.Now()
	var err error
	if src.refreshed.Before(asked) {
		err = s.refresh(ctx, src)
	}
	var p pin
	if err == nil {
		p, err = src.origin.find(ctx, chart, revision)
	}
	s.see(what, p, err, at)
	return p, err
}

// refresh asks a server for news. The caller has the turn.
func (s *Store) refresh(ctx context.Context, src *source) error {
	at := time.Now()
	err := src.origin.refresh(ctx)
	if err == nil {
		src.refreshed = at
	}
	return err
}

// Known answers like Resolve, without asking the server, from the last time that
// anybody did with these credentials. It reports false if nobody did, or the
// revision did not resolve.
func (s *Store) Known(place Place, revision string) (git.Answer, bool) {
	src, err := s.source(place)
	if err != nil {
		return git.Answer{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.sights[interest{src, place.chart, revision}]
	if seen == nil {
		return git.Answer{}, false
	}
	seen.asked = time.Now()
	return git.Answer{SHA: seen.pin.revision, At: seen.at, Err: seen.err}, seen.pin.revision != ""
}

// Tree returns the files of a revision that Resolve gave: of a chart those of its
// own directory, of a file the file under the last part of its address. They are
// downloaded if they are not in memory.
// Errors: as Resolve, and git.ErrMalformed.
func (s *Store) Tree(ctx context.Context, place Place, revision string) (*git.Tree, error) {
	src, err := s.source(place)
	if err != nil {
		return nil, err
	}
	p, ok := s.pinned(src, place.chart, revision)
	if !ok {
		if p, err = s.resolve(ctx, src, place.chart, revision); err != nil {
			return nil, err
		}
	}
	key := src.treeKey(place.chart, p)
	if tree := s.trees.get(key); tree != nil {
		return tree, nil
	}
	return s.fetch(ctx, src, place.chart, p)
}

// fetch downloads in turn; who waited may find it done.
func (s *Store) fetch(ctx context.Context, src *source, chart string, p pin) (*git.Tree, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.FetchTimeout)
	defer cancel()
	if err := src.turn.Acquire(ctx, 1); err != nil {
		return nil, src.busy(err)
	}
	defer src.turn.Release(1)
	key := src.treeKey(chart, p)
	if tree := s.trees.get(key); tree != nil {
		return tree, nil
	}
	tree, err := src.origin.fetch(ctx, chart, p)
	if err != nil {
		return nil, err
	}
	s.trees.put(key, tree)
	return tree, nil
}

// source returns what is known of a place with these credentials. Charts of one
// Helm repository share it.
func (s *Store) source(place Place) (*source, error) {
	parted, err := place.Parted()
	if err != nil {
		return nil, err
	}
	place.Repo.Repo = parted
	key := fmt.Sprint(place.kind, " ", place.URL, place.PlainHTTP, place.PassCredentials, place.IdentityToken.Mark(), place.Credentials.Fingerprint(s.key))
	s.mu.Lock()
	defer s.mu.Unlock()
	if src, ok := s.sources[key]; ok {
		src.used = time.Now()
		return src, nil
	}
	src := newSource(key, place)
	src.origin, err = newOrigin(place, s.options.Limits, func(p pin, tree *git.Tree) { s.trees.put(src.treeKey("", p), tree) })
	if err != nil {
		return nil, err
	}
	src.origin = s.told(src)
	s.sources[key] = src
	return src, nil
}

// lost says that a revision is not there, and not only out of reach.
func lost(err error) bool { return errors.Is(err, git.ErrRevision) }
