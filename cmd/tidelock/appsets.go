package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"time"

	kjson "sigs.k8s.io/json"

	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// setOptions are what ApplicationSets are expanded with where there is no cluster.
type setOptions struct {
	clusters []string
	files    []string
	globbing bool
}

func (o *setOptions) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.clusters, "cluster", nil, "`NAME=SERVER[,LABEL=VALUE...]` of a cluster that ApplicationSets generate for, beside those whose Secrets the repository has; may be given several times")
	f.StringArrayVar(&o.files, "clusters", nil, "`FILE` with Secrets of such clusters; may be given several times")
	f.BoolVar(&o.globbing, "new-git-file-globbing", false, "read paths of files in ApplicationSets as Argo CD does with --enable-new-git-file-globbing")
}

// A foundSet is an ApplicationSet, and the manifest that states it.
type foundSet struct {
	set    *api.ApplicationSet
	object *manifest.Object
	prefix string // of its file: from the repository's root
}

// name says which one it is, and where.
func (s foundSet) String() string {
	return fmt.Sprintf("%s: ApplicationSet %s", s.object.Origin, s.set.Name)
}

// aSet is a file in which an ApplicationSet is stated, whatever else is in braces.
var aSet = regexp.MustCompile(`(?m)^kind:\s*["']?ApplicationSet["']?\s*(#.*)?$`)

// setOf decodes an ApplicationSet. A field that none has is a warning.
func setOf(o *manifest.Object, talk io.Writer) (*api.ApplicationSet, error) {
	set := &api.ApplicationSet{}
	unknown, err := kjson.UnmarshalStrict(o.JSON(), set)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", o.Origin, o.Key, err)
	}
	for _, u := range unknown {
		fmt.Fprintf(talk, "warning: %s: %s: %v\n", o.Origin, o.Key, u)
	}
	if errs := api.ValidateApplicationSet(set); len(errs) > 0 {
		return nil, fmt.Errorf("%s: %s: %w", o.Origin, o.Key, errs.ToAggregate())
	}
	if set.Namespace == "" {
		set.Namespace = localNamespace
	}
	return set, nil
}

// isSet says whether an object is an ApplicationSet that can be read.
func isSet(o *manifest.Object) bool {
	return o.Key.Kind == api.ApplicationSetKind && o.APIVersion() == api.GroupVersion.String()
}

// An expander makes the Applications of ApplicationSets. It is for one goroutine.
type expander struct {
	input    *renderInput
	from     pipeline.Commits
	repo     func(url, project string) git.Repo
	clusters func() (*knownClusters, error)
	options  setOptions
}

// An expansion is what comes of an ApplicationSet.
type expansion struct {
	foundSet
	result *appset.Result // nil if it failed
	err    error
	apps   []found // those that are fine
	reads  []setRead
}

// A setRead is a repository that a generator read, and what in it.
type setRead struct {
	url, revision string
	recorder      *git.Recorder
}

// expand makes the Applications of one set.
func (e *expander) expand(ctx context.Context, s foundSet) *expansion {
	x := &expansion{foundSet: s}
	from := &setSources{expander: e, x: x, project: s.set.Spec.Template.Spec.ProjectName()}
	x.result, x.err = appset.Generate(ctx, s.set, from, appset.Options{Now: time.Now(), Partial: true, NewFileGlobbing: e.options.globbing})
	if x.err != nil {
		return x
	}
	for _, app := range x.result.Valid() {
		app = appset.Live(s.set, app)
		object, err := generatedObject(app, s.object.Origin)
		if err != nil {
			x.err = err
			return x
		}
		x.apps = append(x.apps, found{app: app, object: object, by: s.set})
	}
	return x
}

// generatedObject is the manifest of an Application that no file states: it is said to
// be where its ApplicationSet is.
func generatedObject(app *api.Application, at manifest.Origin) (*manifest.Object, error) {
	raw, err := json.Marshal(app)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &body); err != nil {
		return nil, err
	}
	return manifest.New(body, at)
}

// setSources answer the generators of one set.
type setSources struct {
	appset.Unavailable
	*expander
	x       *expansion
	project string
}

// Tree returns the files that stand in for a repository, or those of a commit of it,
// and notes what is read of them.
func (s *setSources) Tree(ctx context.Context, url, revision string) (fs.FS, error) {
	s.input.reads = append(s.input.reads, api.Source{RepoURL: url, TargetRevision: revision})
	tree, err := s.at(ctx, s.from, s.project, url, revision)
	switch {
	case errors.Is(err, errOffline):
		return nil, appset.Unanswered("the repository %s is not here: give a checkout with --repo URL=DIR", git.Redact(url))
	case err != nil:
		return nil, err
	}
	read := setRead{url, revision, git.NewRecorder(tree)}
	s.x.reads = append(s.x.reads, read)
	if tree.Revision() == "" {
		return tracked{read.recorder}, nil
	}
	return read.recorder, nil
}

// at is the tree of a repository.
func (e *expander) at(ctx context.Context, from pipeline.Commits, project, url, revision string) (*git.Tree, error) {
	repo := e.repo(url, project)
	answer, ok := from.Known(repo, revision)
	if !ok {
		sha, err := from.Resolve(ctx, repo, revision)
		if err != nil {
			return nil, err
		}
		answer.SHA = sha
	}
	return from.Tree(ctx, repo, answer.SHA)
}

// Clusters are those that are known here, if any are: others may be in the cluster only.
func (s *setSources) Clusters(context.Context) ([]appset.Cluster, error) {
	known, err := s.clusters()
	switch {
	case err != nil:
		return nil, err
	case len(known.encrypted) > 0:
		return nil, appset.Unanswered("the Secret of a cluster is encrypted (%s): give --cluster NAME=SERVER", known.encrypted[0])
	case len(known.clusters) == 0:
		return nil, appset.Unanswered("there is no Secret of a cluster: give --cluster NAME=SERVER")
	}
	return known.clusters, nil
}

// tracked hides the directories on disk in which there are no files: Git knows none of
// them.
type tracked struct{ *git.Recorder }

// ReadDir leaves out directories without files.
func (t tracked) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := t.Recorder.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var kept []fs.DirEntry
	for _, entry := range all {
		at := entry.Name()
		if name != "." {
			at = name + "/" + at
		}
		if !entry.IsDir() || t.holdsFiles(at) {
			kept = append(kept, entry)
		}
	}
	return kept, nil
}

func (t tracked) holdsFiles(dir string) bool {
	holds := false
	_ = fs.WalkDir(t.Recorder, dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			holds = true
		}
		if holds || err != nil {
			return fs.SkipAll
		}
		return nil
	})
	return holds
}

// holds says whether what was read of repositories reads the same at other commits.
func (e *expander) holds(ctx context.Context, x *expansion, there pipeline.Commits) bool {
	for _, read := range x.reads {
		tree, err := e.at(ctx, there, x.set.Spec.Template.Spec.ProjectName(), read.url, read.revision)
		if err != nil || !read.recorder.Facts().Hold(tree) {
			return false
		}
	}
	return true
}

// withoutName is what an expansion failed of, without the name of the set.
func withoutName(err error) string {
	var at *appset.Error
	if !errors.As(err, &at) {
		return err.Error()
	}
	if at.Generator < 0 {
		return at.Text()
	}
	return fmt.Sprintf("generator %d: %s", at.Generator, at.Text())
}
