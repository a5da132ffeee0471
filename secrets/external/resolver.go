package external

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/audit"
)

// How long one fetch may take, and how long to wait after one that failed:
// from minRetry, doubling up to maxRetry.
const (
	fetchTimeout = time.Minute
	minRetry     = 5 * time.Second
	maxRetry     = 5 * time.Minute
)

// A Resolver makes Secrets of ExternalSecrets. It remembers what it made, in
// memory, so that providers are asked once per refreshInterval and an outage of
// one changes nothing. It may be used from several goroutines.
type Resolver struct {
	plugin sdk.SecretSource
	now    func() time.Time

	mu   sync.Mutex // guards memo
	memo map[memoKey]memory
}

type memoKey struct {
	application string
	object      manifest.Key
}

// memory is the outcome of the last fetch.
type memory struct {
	input    string // what was asked: hash
	result   Result // the last good one; Stale says how later ones failed
	good     bool
	failures int
	next     time.Time
}

// NewResolver returns a Resolver that asks plugin. now tells the time.
func NewResolver(plugin sdk.SecretSource, now func() time.Time) *Resolver {
	return &Resolver{plugin: plugin, now: now, memo: map[memoKey]memory{}}
}

// A Request is an ExternalSecret and where its stores are found.
type Request struct {
	Application string
	Object      *manifest.Object
	// Render holds the rest of the render: its stores come before the
	// cluster's, and so do its Secrets and ConfigMaps in the namespace of Object.
	Render manifest.Set
	// Cluster reads the destination cluster, with the agent's own rights; nil if
	// there is none. The Resolver decides what the plugin may see.
	Cluster sdk.Objects
	// Server names that cluster, for what one gave is not another's; "" is the agent's
	// own.
	Server string
	// Fresh asks the provider even if the last result still counts.
	Fresh bool
}

// A Result is what became of an ExternalSecret.
type Result struct {
	// Secret is nil if none is wanted: creationPolicy None, or deletionPolicy
	// Delete with nothing left at the provider.
	Secret *manifest.Object
	// Outlives says that Secret is to stay when its ExternalSecret goes.
	Outlives bool
	// Merges says that Secret holds what is added to another's Secret of that
	// name, which MustExist, or else nothing is made.
	Merges, MustExist bool
	// Fetched is when the provider gave it.
	Fetched time.Time
	// Next is when to ask again, zero for never.
	Next time.Time
	// Stale says why Secret is not of today: the provider failed, and this is
	// the last that it gave.
	Stale error
}

// Resolve returns the Secret of req.Object as external-secrets would make it,
// but for the ownerReference, since nobody serves the owner, and the annotation
// with a plain hash of the data, which would give it away to guessing.
//
// If the provider fails after having succeeded with the same ExternalSecret and
// stores, the last Secret is returned as Stale. Otherwise it is an error, and
// Result.Next says when asking again makes sense.
func (r *Resolver) Resolve(ctx context.Context, req Request) (Result, error) {
	s, err := parse(req.Object)
	if err != nil {
		return Result{}, err
	}
	if s.Target.CreationPolicy == "None" {
		return Result{}, nil
	}
	key, input := memoKey{req.Application, req.Object.Key}, inputHash(s, req)
	known, err := r.recall(ctx, key, s, req, input)
	if err != nil {
		return Result{Next: r.now().Add(minRetry)}, err
	}
	if s.holds(known, input, r.now(), req.Fresh) {
		return r.remember(key, known).outcome()
	}
	if known.input != input {
		known = memory{} // of another question
	}
	within, use := audit.Begin(ctx, audit.Event{Application: req.Application, Kind: audit.External, What: req.Object.Key.String(), Stores: s.storeNames()})
	result, err := r.fetch(within, s, req, input)
	use.End(ctx, result.version(), err)
	if ctx.Err() != nil {
		return Result{}, ctx.Err() // says nothing about the provider
	}
	return r.remember(key, known.learn(input, result, err, r.now())).outcome()
}

// Now tells the time.
func (r *Resolver) Now() time.Time { return r.now() }

// Keep forgets what application no longer has.
func (r *Resolver) Keep(application string, objects map[manifest.Key]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.memo {
		if key.application == application && !objects[key.object] {
			delete(r.memo, key)
		}
	}
}

// recall returns what is known: in memory or, where it must outlive the agent, in
// the cluster.
func (r *Resolver) recall(ctx context.Context, key memoKey, s *spec, req Request, input string) (memory, error) {
	r.mu.Lock()
	known := r.memo[key]
	r.mu.Unlock()
	if !s.lasting() || req.Cluster == nil || known.good && !req.Fresh {
		return known, nil
	}
	live, err := r.live(ctx, s, req, input)
	switch {
	case err != nil:
		return memory{}, err
	case live.good && known.good: // what was made may not have been applied yet
		return known, nil
	case !live.good && !known.good:
		return known, nil // a failure, and when to try again
	}
	return live, nil // a Secret that somebody deleted is made anew
}

func (r *Resolver) remember(key memoKey, known memory) memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.memo[key] = known
	return known
}

// fetch asks the plugin.
func (r *Resolver) fetch(ctx context.Context, s *spec, req Request, input string) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	g, err := newGuard(ctx, s, req)
	if err != nil {
		return Result{}, err
	}
	answer, err := r.plugin.Fetch(ctx, &sdk.SecretRequest{
		Application:    req.Application,
		Namespace:      req.Object.Key.Namespace,
		ExternalSecret: req.Object.JSON(),
		Objects:        g,
	})
	if err != nil {
		return Result{}, g.clean(err)
	}
	result := s.result(r.now())
	if result.Next, err = s.due(req.Application, result.Fetched); err != nil {
		return Result{}, err
	}
	if s.lasting() && answer.Labels[managedLabel] != "" {
		answer.Annotations = withAnnotation(answer.Annotations, AnnotationFetched, stamp(result.Fetched, input))
	}
	if result.Secret, err = secret(s, req.Object, answer); err != nil {
		return Result{}, g.clean(err)
	}
	return result, nil
}

// result is one without a Secret.
func (s *spec) result(fetched time.Time) Result {
	return Result{Fetched: fetched, Outlives: s.outlives(), Merges: s.merges(), MustExist: s.Target.CreationPolicy == "Merge"}
}

// isDue says that it is time to ask again.
func (m memory) isDue(s *spec, now time.Time) bool {
	next := m.next
	if next.IsZero() {
		return false
	}
	if every, err := s.refresh(); err == nil && m.failures == 0 && s.SyncWindows == nil {
		next = next.Add(-joins(every))
	}
	return !now.Before(next)
}

// learn returns the memory after a fetch.
func (m memory) learn(input string, result Result, err error, now time.Time) memory {
	if err == nil {
		result.Secret = unchanged(m.result.Secret, result.Secret)
		return memory{input: input, result: result, good: true, next: result.Next}
	}
	if errors.Is(err, errKeep) && m.good {
		// deletionPolicy Retain: the Secret stays as it is, and that is no failure.
		m.result.Stale, m.failures = nil, 0
		m.next = now.Add(maxRetry)
		m.result.Next = m.next
		return m
	}
	m.input = input
	m.next = now.Add(min(minRetry<<min(m.failures, 10), maxRetry))
	m.failures++
	m.result.Stale, m.result.Next = err, m.next
	return m
}

// unchanged returns the Secret from before if the new one is the same: whoever has
// seen it has nothing to do.
func unchanged(before, now *manifest.Object) *manifest.Object {
	if before != nil && now != nil && before.Hash() == now.Hash() && before.Origin == now.Origin {
		return before
	}
	return now
}

// outcome turns a memory into what Resolve returns.
func (m memory) outcome() (Result, error) {
	if m.good {
		return m.result, nil
	}
	return Result{Next: m.next}, m.result.Stale
}
