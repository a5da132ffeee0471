package git

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// What is rendered is the files of one commit, so a mirror begins with that
// commit alone: without what is behind it, and without other branches. As soon
// as somebody needs history (a short SHA, the signatures of all ancestors, or a
// commit that no branch or tag points at and that the server does not give out
// by itself), the mirror is completed, and stays so.
//
// A partial clone, without files that nobody reads, would be less still: go-git
// cannot read one, and each file would be a request.

// unlimited is git's own word for all of history.
const unlimited = 0x7fffffff

// errShallow says that history is needed which the mirror does not have.
var errShallow = errors.New("the history is not there")

// A boundary are the commits whose parents a mirror may lack.
type boundary map[plumbing.Hash]bool

// depth is how many commits of each branch to ask a server for; 0 is all. What a
// mirror has in full it is cheapest to keep so.
func (r *remote) depth(l *listing) int {
	m := r.mirror
	full := m.deep.Load() || len(*m.packs.Load()) > 0 && len(*m.cut.Load()) == 0
	if full || !l.caps.Supports(capability.Shallow) {
		return 0
	}
	return max(1, r.repo.Depth)
}

// tip returns what to ask for to get a commit: itself, or an annotated tag that
// leads to it; zero if nothing that the server lists does.
func (l *listing) tip(commit plumbing.Hash) plumbing.Hash {
	if l.advertises(commit) {
		return commit
	}
	for _, name := range slices.Sorted(maps.Keys(l.peeled)) {
		if l.peeled[name] == commit {
			return l.refs[name]
		}
	}
	return plumbing.ZeroHash
}

// fetchShallow asks for a commit without what is behind it, if the server has a
// way to ask for it.
func (r *remote) fetchShallow(ctx context.Context, s *conversation, want plumbing.Hash, depth int) error {
	if tip := s.listing.tip(want); !tip.IsZero() {
		return r.receive(ctx, s, []plumbing.Hash{tip}, depth)
	}
	if !s.listing.servesAny() {
		return nil
	}
	if err := r.receive(ctx, s, []plumbing.Hash{want}, depth); err != nil && !notOurs(err) {
		return err
	}
	return nil
}

// deepen brings all branches and tags with all that is behind them, and what is
// behind want. It needs the turn.
func (r *remote) deepen(ctx context.Context, want plumbing.Hash) error {
	m := r.mirror
	s, err := r.ask(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	wants, depth := s.listing.wants(m, want), 0
	if len(*m.cut.Load()) > 0 {
		wants, depth = s.listing.tips(), unlimited
	}
	if err := r.receive(ctx, s, wants, depth); err != nil {
		return err
	}
	m.deep.Store(true)
	m.tips = s.listing.refs
	if len(*m.cut.Load()) > 0 && !want.IsZero() && s.listing.tip(want).IsZero() && s.listing.servesAny() {
		return r.receiveOne(ctx, want, unlimited)
	}
	return m.saveRefs(s.listing)
}

// history completes the mirror for who needs what is behind a commit.
func (r *remote) history(ctx context.Context, behind plumbing.Hash) error {
	if err := r.mirror.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.mirror.turn.Release(1)
	return r.deepen(ctx, behind)
}

// tips are what branches and tags point at.
func (l *listing) tips() []plumbing.Hash {
	seen := boundary{}
	if !l.head.IsZero() {
		seen[l.head] = true
	}
	for name, h := range l.refs {
		if strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/") {
			seen[h] = true
		}
	}
	return slices.Collect(maps.Keys(seen))
}

// shallowly adds to a request what the mirror lacks, and how much it asks for.
func (m *mirror) shallowly(req *packp.UploadPackRequest, depth int) error {
	req.Shallows = slices.Collect(maps.Keys(*m.cut.Load()))
	req.Depth = packp.DepthCommits(depth)
	if depth == 0 && len(req.Shallows) == 0 {
		return nil
	}
	return req.Capabilities.Set(capability.Shallow)
}

// cutOff notes commits whose parents are about to be missing, before they are
// there.
func (m *mirror) cutOff(commits []plumbing.Hash) error {
	if len(commits) == 0 {
		return nil
	}
	cut := maps.Clone(*m.cut.Load())
	for _, h := range commits {
		cut[h] = true
	}
	return m.saveCut(cut)
}

// mend forgets commits of the boundary whose parents came, or were there: it
// looks at the new ones, and takes the server's word for the others.
func (m *mirror) mend(update packp.ShallowUpdate) error {
	cut := maps.Clone(*m.cut.Load())
	for _, h := range update.Unshallows {
		delete(cut, h)
	}
	for _, h := range update.Shallows {
		if !m.has(h) {
			delete(cut, h)
			continue
		}
		o, err := m.parse(h)
		if err == nil && !slices.ContainsFunc(o.Parents, func(p string) bool { return !m.has(plumbing.NewHash(p)) }) {
			delete(cut, h)
		}
	}
	if len(cut) == len(*m.cut.Load()) {
		return nil
	}
	return m.saveCut(cut)
}

// parents returns the parents of a commit, or errShallow if they are not there.
func (m *mirror) parents(h plumbing.Hash, of []string) ([]string, error) {
	if (*m.cut.Load())[h] && slices.ContainsFunc(of, func(p string) bool { return !m.has(plumbing.NewHash(p)) }) {
		return nil, errShallow
	}
	return of, nil
}

func (m *mirror) shallowFile() string { return filepath.Join(m.path, "shallow") }

// saveCut writes the boundary where any git looks for it.
func (m *mirror) saveCut(cut boundary) error {
	var lines bytes.Buffer
	for _, h := range slices.SortedFunc(maps.Keys(cut), func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) }) {
		lines.WriteString(h.String() + "\n")
	}
	var err error
	if lines.Len() > 0 {
		err = writeFile(m.shallowFile(), lines.Bytes())
	} else if err = os.Remove(m.shallowFile()); errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err == nil {
		m.cut.Store(&cut)
	}
	return err
}

func (m *mirror) loadCut() error {
	raw, err := os.ReadFile(m.shallowFile())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	cut := boundary{}
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); !plumbing.IsHash(line) {
			return errors.New("the list of shallow commits is damaged")
		}
		cut[plumbing.NewHash(line)] = true
	}
	m.cut.Store(&cut)
	return nil
}
