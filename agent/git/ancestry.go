package git

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/tidelock-io/tidelock/agent/git/signature"
)

const (
	// maxAncestry is how many commits strict mode looks at. Linux had its
	// millionth in 2020.
	maxAncestry = 2_000_000
	// rememberedCommits are proven, per mirror and generation.
	rememberedCommits = maxAncestry
	// rememberedRefusals are heads, per mirror and set of keys.
	rememberedRefusals = 1000
	// namedCommits is how many unproven ones a message names.
	namedCommits = 3
)

// An ancestry remembers, for one set of keys, which commits are proven with all
// that is behind them.
type ancestry struct {
	mu      sync.Mutex
	proven  map[plumbing.Hash]bool  // guarded by mu
	refused map[plumbing.Hash]error // guarded by mu
	until   time.Time               // when a key or a signature expires, zero if never; guarded by mu
}

// verifyAncestry proves a commit and what is behind it, back to the first
// commits or to seals: proven commits that vouch for all their ancestors, by
// whichever way those are reached (SEMANTICS.md 1.8; Argo CD's strict mode).
// A new commit costs one signature, once its parents are proven.
func (m *mirror) verifyAncestry(ctx context.Context, head plumbing.Hash, demand Demand, now time.Time) error {
	a := m.ancestry(demand.Keys)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.proven == nil || !a.until.IsZero() && !now.Before(a.until) || len(a.proven) > rememberedCommits {
		a.proven, a.refused, a.until = map[plumbing.Hash]bool{}, map[plumbing.Hash]error{}, demand.Keys.Until(now)
	}
	if err := a.refused[head]; err != nil {
		return err
	}
	w := &ancestryWalk{mirror: m, known: a.proven, keys: demand.Keys, now: now}
	err := w.from(ctx, head)
	if errors.Is(err, signature.ErrUnproven) && len(a.proven) > 0 {
		w.known = nil // a seal behind what is known may vouch for it
		err = w.from(ctx, head)
	}
	a.remember(head, w, err)
	return err
}

func (m *mirror) ancestry(keys *signature.Keys) *ancestry {
	name := keys.Fingerprint()
	if a, ok := m.ancestries.get(name); ok {
		return a
	}
	return m.ancestries.put(name, &ancestry{})
}

// remember keeps the outcome of a walk. If seals had to forgive anything, only
// the head is proven: on another branch, the commits between may be without
// those seals. The caller holds a.mu.
func (a *ancestry) remember(head plumbing.Hash, w *ancestryWalk, err error) {
	if errors.Is(err, signature.ErrUnproven) {
		if len(a.refused) >= rememberedRefusals {
			clear(a.refused)
		}
		a.refused[head] = err
	}
	if err != nil {
		return
	}
	a.until = signature.Earlier(a.until, w.until)
	a.proven[head] = true
	if !w.forgave {
		maps.Copy(a.proven, w.proven)
	}
}

// An ancestryWalk goes back through history once.
type ancestryWalk struct {
	mirror *mirror
	known  map[plumbing.Hash]bool // proven by an earlier walk, with all behind them
	keys   *signature.Keys
	now    time.Time

	proven   map[plumbing.Hash]bool
	seals    []plumbing.Hash
	unproven []plumbing.Hash // in the order in which they were found
	reasons  map[plumbing.Hash]error
	forgave  bool      // a seal stands for what is not proven
	until    time.Time // when the first signature expires, zero if never
}

func (w *ancestryWalk) from(ctx context.Context, head plumbing.Hash) error {
	w.proven, w.reasons = map[plumbing.Hash]bool{}, map[plumbing.Hash]error{}
	w.seals, w.unproven = nil, nil
	if err := eachBehind(ctx, []plumbing.Hash{head}, w.visit); err != nil {
		return err
	}
	return w.judge(ctx)
}

// visit proves one commit and returns where to go on. Behind one that it cannot
// prove there is nothing to find: only a seal before it can help, and that has
// all behind it, too.
func (w *ancestryWalk) visit(h plumbing.Hash) ([]string, error) {
	if w.known[h] {
		return nil, nil
	}
	o, err := w.mirror.parse(h)
	if err != nil {
		return nil, err
	}
	until, reason := w.keys.Verify(o, w.now)
	if reason != nil {
		w.unproven, w.reasons[h] = append(w.unproven, h), reason
		return nil, nil //nolint:nilerr // judge has the last word
	}
	w.until = signature.Earlier(w.until, until)
	w.proven[h] = true
	if o.Seal {
		w.seals = append(w.seals, h)
		return nil, nil
	}
	return w.mirror.parents(h, o.Parents)
}

// judge forgives what a seal vouches for, and refuses because of the rest.
func (w *ancestryWalk) judge(ctx context.Context) error {
	if len(w.unproven) > 0 && len(w.seals) > 0 {
		sealed := map[plumbing.Hash]bool{}
		err := eachBehind(ctx, w.seals, func(h plumbing.Hash) ([]string, error) {
			sealed[h] = true
			o, err := w.mirror.parse(h)
			if err != nil {
				return nil, err
			}
			return w.mirror.parents(h, o.Parents)
		})
		if err != nil {
			return err
		}
		w.forgive(sealed)
	}
	if len(w.unproven) == 0 {
		return nil
	}
	var all []error
	for _, h := range w.unproven[:min(namedCommits, len(w.unproven))] {
		all = append(all, fmt.Errorf("commit %s: %w", h, w.reasons[h]))
	}
	if more := len(w.unproven) - len(all); more > 0 {
		all = append(all, fmt.Errorf("and %d more", more))
	}
	return oneLine(all)
}

func (w *ancestryWalk) forgive(sealed map[plumbing.Hash]bool) {
	var left []plumbing.Hash
	for _, h := range w.unproven {
		if !sealed[h] {
			left = append(left, h)
		}
	}
	w.unproven, w.forgave = left, true
}

// oneLine joins errors with semicolons.
func oneLine(errs []error) error {
	err := errs[0]
	for _, next := range errs[1:] {
		err = fmt.Errorf("%w; %w", err, next)
	}
	return err
}

// eachBehind visits commits and what is behind them, each once, the nearest
// first. Visit returns the parents to go on with.
func eachBehind(ctx context.Context, heads []plumbing.Hash, visit func(plumbing.Hash) (parents []string, err error)) error {
	todo, seen := slices.Clone(heads), map[plumbing.Hash]bool{}
	for len(todo) > 0 {
		h := todo[0]
		todo = todo[1:]
		if seen[h] {
			continue
		}
		seen[h] = true
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(seen) > maxAncestry {
			return fmt.Errorf("it has more than %d commits behind it: seal them by a signed commit with the trailer Argocd-gpg-seal", maxAncestry)
		}
		parents, err := visit(h)
		if err != nil {
			return fmt.Errorf("commit %s: %w", h, err)
		}
		for _, parent := range parents {
			todo = append(todo, plumbing.NewHash(parent))
		}
	}
	return nil
}
