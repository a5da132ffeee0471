package git

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// maxModules is how deep submodules may lie in submodules.
const maxModules = 4

// Modules say how a tree reaches its submodules.
type Modules struct {
	// Permit judges the address of a submodule before it is asked for anything; an
	// error says why it may not be read.
	Permit func(url string) error
	// Repo returns the repository at an address, with credentials for it.
	Repo func(url string) Repo
	// Base is what relative addresses start from, if that is not the address of the
	// repository: a checkout may stand in for it.
	Base string
}

// A reach is what lies beyond a tree's own objects: files that are kept by Git
// LFS, and submodules. Both are fetched when they are read.
type reach struct {
	store  *Store
	remote *remote
	repo   Repo
	depth  int // of submodules around the tree

	once    sync.Once // reads .gitmodules
	listed  map[string]string
	problem error

	mu      sync.Mutex
	modules map[string]*Tree // by path and commit; guarded by mu
}

// reaching returns the tree with what repo can reach beyond it.
func (s *Store) reaching(t *Tree, r *remote, repo Repo) *Tree {
	if !repo.LFS && repo.Modules == nil {
		return t
	}
	out := newTree(t.source, t.limits)
	out.reach = &reach{store: s, remote: r, repo: repo, modules: map[string]*Tree{}}
	return out
}

// hasModules reports whether submodules can be read as directories.
func (t *Tree) hasModules() bool { return t.reach != nil && t.reach.repo.Modules != nil }

// listsModules reports whether there may be any.
func (t *Tree) listsModules() bool {
	if !t.hasModules() {
		return false
	}
	listed, err := t.modules()
	return err != nil || len(listed) > 0
}

// modules are the addresses of submodules by path.
func (t *Tree) modules() (map[string]string, error) {
	g := t.reach
	g.once.Do(func() { g.listed, g.problem = t.gitmodules() })
	return g.listed, g.problem
}

// module opens the submodule of t at a path, at a commit.
func (t *Tree) module(path, within string, commit plumbing.Hash) (*Tree, error) {
	g := t.reach
	if !t.hasModules() {
		return nil, failf(ErrSubmodule, "%s is a submodule; submodules are not fetched", path)
	}
	if g.depth == maxModules {
		return nil, failf(ErrSubmodule, "%s is a submodule, more than %d deep", path, maxModules)
	}
	address, err := t.moduleAddress(path, within)
	if err != nil {
		return nil, err
	}
	if err := g.repo.Modules.Permit(address); err != nil {
		return nil, unreadable(path, fmt.Errorf("%w of %s: %w", ErrSubmodule, redact(address), err))
	}
	return g.open(path, within, address, commit)
}

func (g *reach) open(path, within, address string, commit plumbing.Hash) (*Tree, error) {
	key := within + "@" + commit.String()
	g.mu.Lock()
	defer g.mu.Unlock()
	if t, ok := g.modules[key]; ok {
		return t, nil
	}
	ctx, cancel := context.WithTimeout(g.store.ctx, g.store.options.ListTimeout+g.store.options.FetchTimeout)
	defer cancel()
	repo := g.repo.Modules.Repo(address)
	repo.Modules = &Modules{Permit: g.repo.Modules.Permit, Repo: g.repo.Modules.Repo}
	t, err := g.store.Tree(ctx, repo, commit.String())
	if err != nil {
		return nil, unreadable(path, fmt.Errorf("%w: %w", ErrSubmodule, err))
	}
	t.reach.depth = g.depth + 1
	g.modules[key] = t
	return t, nil
}

// moduleAddress is where .gitmodules says that a submodule is.
func (t *Tree) moduleAddress(path, within string) (string, error) {
	listed, err := t.modules()
	if err != nil {
		return "", err
	}
	to, ok := listed[within]
	if !ok {
		return "", failf(ErrSubmodule, "%s is a submodule that .gitmodules does not name", path)
	}
	address, err := moduleURL(cmp.Or(t.reach.repo.Modules.Base, t.reach.remote.repo.URL), to)
	if err != nil {
		return "", failf(ErrSubmodule, "%s is a submodule of %s: %v", path, redact(to), err)
	}
	return address, nil
}

// gitmodules reads the list of submodules by path. A link is not followed, as in
// Git.
func (t *Tree) gitmodules() (map[string]string, error) {
	root, err := t.dir(".", t.root.id)
	if err != nil {
		return nil, err
	}
	n := root.find(".gitmodules")
	if n == nil || !n.kind.IsFile() {
		return nil, nil
	}
	raw, _, err := t.source.readFile(".gitmodules", n.id, maxGitmodules)
	if err != nil {
		return nil, t.broken(".gitmodules", err)
	}
	listed, err := parseGitmodules(raw)
	if err != nil {
		return nil, failf(ErrSubmodule, ".gitmodules: %v", err)
	}
	return listed, nil
}
