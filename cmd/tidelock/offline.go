package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// checkouts find commits where a directory may stand in for a repository. The
// store is opened when a commit is asked for: files on disk need none.
type checkouts struct {
	find     func(url, revision string) (dir string, ok bool)
	revision string // of the directory's repository; "" for the files on disk
	offline  bool   // what has no stand-in is refused
	log      *slog.Logger

	mu      sync.Mutex
	store   *git.Store           // guarded by mu
	dirs    map[string]string    // that stood in, by address; guarded by mu
	fetched map[string]bool      // addresses and commits of servers; guarded by mu
	onDisk  map[string]*git.Tree // by directory; guarded by mu
}

// Known answers at once for files on disk, whose commit is "".
func (c *checkouts) Known(repo git.Repo, revision string) (git.Answer, bool) {
	_, ok := c.standsIn(repo.URL, revision)
	return git.Answer{}, ok && c.revision == ""
}

// standsIn is find, and remembers for Tree what was found.
func (c *checkouts) standsIn(url, revision string) (dir string, ok bool) {
	if dir, ok = c.find(url, revision); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.dirs == nil {
			c.dirs = map[string]string{}
		}
		c.dirs[url] = dir
	}
	return dir, ok
}

// Resolve asks the directory's repository, or the server.
func (c *checkouts) Resolve(ctx context.Context, repo git.Repo, revision string) (string, error) {
	dir, ok := c.standsIn(repo.URL, revision)
	if !ok {
		return c.fetch(ctx, repo, revision)
	}
	store, err := c.open()
	if err != nil {
		return "", err
	}
	return store.Resolve(ctx, standIn(dir, repo), c.revision)
}

// errOffline is in every error about what must not be fetched.
var errOffline = errors.New("--offline")

// fetch asks the server.
func (c *checkouts) fetch(ctx context.Context, repo git.Repo, revision string) (string, error) {
	if c.offline {
		return "", fmt.Errorf("%w: %s would be fetched, at %s: give a checkout of it with --repo URL=DIR, or copy what is needed", errOffline, repo, revision)
	}
	store, err := c.open()
	if err != nil {
		return "", err
	}
	sha, err := store.Resolve(ctx, repo, revision)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fetched == nil {
		c.fetched = map[string]bool{}
	}
	c.fetched[repo.URL+" "+sha] = true
	return sha, nil
}

// Tree returns the files of a commit, or those on disk.
func (c *checkouts) Tree(ctx context.Context, repo git.Repo, sha string) (*git.Tree, error) {
	c.mu.Lock()
	dir, ok := c.dirs[repo.URL]
	fetched := c.fetched[repo.URL+" "+sha]
	c.mu.Unlock()
	if !ok {
		dir, ok = c.find(repo.URL, "")
	}
	ok = ok && !fetched
	if ok && sha == "" {
		return c.disk(dir)
	}
	if ok {
		repo = standIn(dir, repo)
	}
	store, err := c.open()
	if err != nil {
		return nil, err
	}
	return store.Tree(ctx, repo, sha)
}

// disk is one tree for all who ask for a directory, which is listed once, as its files
// are read once.
func (c *checkouts) disk(dir string) (*git.Tree, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if tree := c.onDisk[dir]; tree != nil {
		return tree, nil
	}
	tree, err := git.Snapshot(dir)
	if err != nil {
		return nil, err
	}
	if c.onDisk == nil {
		c.onDisk = map[string]*git.Tree{}
	}
	c.onDisk[dir] = tree
	return tree, nil
}

// standIn is the directory's repository in place of another.
func standIn(dir string, of git.Repo) git.Repo {
	repo := git.Repo{URL: dir, TagPrefix: of.TagPrefix, LFS: true}
	if of.Modules != nil {
		repo.Modules = &git.Modules{Permit: of.Modules.Permit, Repo: of.Modules.Repo, Base: of.URL}
	}
	return repo
}

func (c *checkouts) open() (*git.Store, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.store != nil {
		return c.store, nil
	}
	var err error
	c.store, err = git.NewStore(localGitDir(), git.Options{Log: c.log})
	return c.store, err
}

func (c *checkouts) close() {
	if c.store != nil {
		_ = c.store.Close() // a mirror is only a cache
	}
}

// localGitDir is where mirrors of fetched repositories are kept between calls.
func localGitDir() string {
	if cache, err := os.UserCacheDir(); err == nil {
		return filepath.Join(cache, "tidelock", "git")
	}
	return gitDir("")
}

// offline stands in for the destination cluster.
type offline struct {
	kubeVersion string
	apiVersions []string
	opensSealed bool
	scope       func(*manifest.Object) (namespaced, known bool) // nil if no cluster was asked
}

func (o offline) Version() (string, []string) { return o.kubeVersion, o.apiVersions }

// Scope knows what a cluster says, if one was asked; else the well-known kinds and the
// set's own definitions count.
func (o offline) Scope(object *manifest.Object) (namespaced, known bool) {
	if o.scope == nil {
		return false, false
	}
	return o.scope(object)
}

// Serves claims the kinds that cannot be resolved here, so that they are left.
func (o offline) Serves(gk schema.GroupKind) bool {
	return !o.opensSealed || gk.Kind != "SealedSecret"
}

// Controlled takes it that the controller of every kind is there.
func (offline) Controlled(schema.GroupKind) bool { return true }

// of is the destination of all Applications.
func (o offline) of(*api.Application) (pipeline.Destination, error) { return o, nil }

// Get finds nothing.
func (offline) Get(_ context.Context, _, kind, namespace, name string) (json.RawMessage, error) {
	return nil, fmt.Errorf("%s %s/%s: there is no cluster to ask: %w", kind, namespace, name, fs.ErrNotExist)
}

// Token has none.
func (offline) Token(context.Context, string, string, []string) (sdk.Material, error) {
	return nil, errors.New("there is no cluster to give a token")
}
