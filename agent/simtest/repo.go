package simtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// repoURL is the one repository. An Application is a directory in it.
const repoURL = "https://git.example.com/infra.git"

// A repo is Git, the renderer and the secrets stage at once: a reconcile.Pipeline
// that knows what each commit states.
type repo struct {
	mu      sync.Mutex // guards all below
	commits []map[string]manifest.Set
	placed  map[string]manifest.Set
	objects map[string]*manifest.Object // by their YAML: what is equal is the same
	broken  error                       // what Desired fails of
}

func newRepo() *repo {
	return &repo{placed: map[string]manifest.Set{}, objects: map[string]*manifest.Object{}}
}

// revision names the n-th commit.
func revision(n int) string { return fmt.Sprintf("%07d%033d", n, 0) }

// number is the inverse of revision; -1 if there is no such commit.
func (r *repo) number(of string) int {
	var n int
	if _, err := fmt.Sscanf(of, "%7d", &n); err != nil || n >= len(r.commits) || n < 0 {
		return -1
	}
	return n
}

// commit replaces the files of one directory, and returns the revision.
func (r *repo) commit(dir, yaml string) (string, error) {
	set, err := manifest.Parse([]byte(yaml), manifest.Origin{File: dir + "/all.yaml"})
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, o := range set {
		text := dir + string(o.Reveal())
		if known := r.objects[text]; known != nil {
			set[i] = known
		}
		r.objects[text] = set[i]
	}
	next := map[string]manifest.Set{}
	if n := len(r.commits); n > 0 {
		next = maps.Clone(r.commits[n-1])
	}
	next[dir] = set
	r.commits = append(r.commits, next)
	return revision(len(r.commits) - 1), nil
}

// head is the newest revision.
func (r *repo) head() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return revision(len(r.commits) - 1)
}

// set is what an Application states at a revision.
func (r *repo) set(app *api.Application, revision string) (manifest.Set, error) {
	dir, namespace := app.Spec.AllSources()[0].Path, app.Spec.Destination.Namespace
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.number(revision)
	if n < 0 {
		return nil, fmt.Errorf("no such revision: %q", revision)
	}
	key := fmt.Sprint(namespace, "/", dir, "@", n)
	if known, ok := r.placed[key]; ok {
		return known, nil
	}
	set := r.commits[n][dir]
	placed, err := set.Place(namespace, set.Scopes())
	if err != nil {
		return nil, err
	}
	for i, o := range placed { // placing makes new objects of equal ones
		text := namespace + "/" + dir + string(o.Reveal())
		if known := r.objects[text]; known != nil {
			placed[i] = known
		}
		r.objects[text] = placed[i]
	}
	r.placed[key] = placed
	return placed, nil
}

// Desired makes it a reconcile.Pipeline.
func (r *repo) Desired(_ context.Context, app *api.Application, revisions []string) (*pipeline.Rendered, error) {
	at := r.head()
	if len(revisions) > 0 {
		at = revisions[0]
	}
	if target := app.Spec.AllSources()[0].TargetRevision; len(revisions) == 0 && target != "HEAD" && target != "" {
		at = target
	}
	r.mu.Lock()
	broken := r.broken
	r.mu.Unlock()
	if broken != nil {
		return nil, broken
	}
	set, err := r.set(app, at)
	if err != nil {
		return nil, err
	}
	return &pipeline.Rendered{Set: set, Revisions: []string{at}, Types: []api.SourceType{api.SourceTypeDirectory}}, nil
}

// errUnreachable is what a broken repository says.
var errUnreachable = errors.New("git.example.com: connection refused")

func (r *repo) breaks(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = err
}

func (r *repo) Renew(*api.Application, bool) {}
func (r *repo) Forget(string)                {}
