package render

import (
	"context"
	"sync"

	"github.com/tidelock-io/tidelock/agent/git"
)

// A basis is a tree on which the facts of a result were last seen to hold. With
// it another commit is compared by what changed in between, which for most
// applications is nothing they read.
type basis struct {
	tree *git.Tree // nil if it is not worth keeping
	hash string
}

// basisOf does not keep the contents of an archive alive.
func basisOf(tree *git.Tree) basis {
	if tree.Size() > 0 {
		return basis{hash: tree.Hash()}
	}
	return basis{tree, tree.Hash()}
}

// A recheck tells whether a kept result holds for a request.
type recheck struct {
	engine *Engine
	bases  []basis // on which it did, then on which it does: of the source, then of each mount
}

// holds says whether all that the render read is as it was.
func (r *recheck) holds(ctx context.Context, req *Request, kept *Result) bool {
	if !r.hold(0, kept.Inputs, req.Tree) {
		return false
	}
	for i, m := range kept.Mounts {
		now, err := req.open(ctx, m.Source)
		if err != nil || !r.hold(i+1, m.Inputs, now.Tree) {
			return false
		}
	}
	return lookupsHold(ctx, req, kept)
}

// hold compares facts with a tree, and makes that their basis if they hold.
func (r *recheck) hold(i int, facts git.Facts, now *git.Tree) bool {
	r.engine.stats.facts.Add(int64(len(facts)))
	if !r.same(r.bases[i], facts, now) {
		return false
	}
	r.bases[i] = basisOf(now)
	return true
}

func (r *recheck) same(was basis, facts git.Facts, now *git.Tree) bool {
	if changes := r.engine.changes.between(was, now); changes != nil {
		return facts.HoldAfter(changes, now)
	}
	return facts.Hold(now)
}

// changes remembers what changed between commits: many applications ask for the
// same two.
type changes struct {
	mu    sync.Mutex
	known map[[2]string]*git.Changes // nil if it could not be told; guarded by mu
}

// maxCompared is how many pairs of commits are remembered.
const maxCompared = 128

// between returns nil if it cannot be told.
func (c *changes) between(was basis, now *git.Tree) *git.Changes {
	pair := [2]string{was.hash, now.Hash()}
	switch {
	case pair[0] == "" || pair[1] == "":
		return nil
	case pair[0] == pair[1]:
		return &git.Changes{}
	case was.tree == nil:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.known[pair]; ok {
		return known
	}
	if len(c.known) == maxCompared || c.known == nil {
		c.known = map[[2]string]*git.Changes{}
	}
	found, err := git.Compare(was.tree, now)
	if err != nil {
		found = nil // each fact is asked instead, and tells what is wrong
	}
	c.known[pair] = found
	return found
}
