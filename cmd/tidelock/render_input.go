package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// localNamespace is where an Application lives that does not say it.
const localNamespace = "argocd"

// A renderInput is what to render, and where its repositories are on disk.
type renderInput struct {
	applications []*api.Application
	named        bool              // applications have names of their own
	root         string            // of the repository that a range of commits is of
	any          string            // stands in for every repository; "" if none does
	dirs         map[string]string // stand-ins by address
	worktrees    []worktree        // that the files lie in
	sets         []foundSet        // make Applications, once their generators can be answered
	reads        []api.Source      // of generators

	trees map[string]*git.Tree // of directories on disk, as far as they are open

	alias func(url string) string // what ssh's configuration makes of an address; nil leaves it
}

// known is one spelling for all the ways to write an address here.
func (in *renderInput) known(url string) string {
	if in.alias != nil {
		url = in.alias(url)
	}
	return git.Normalize(url)
}

// A worktree is a Git work tree and the addresses of its remotes.
type worktree struct {
	root    string
	remotes []string
}

func (o *renderOptions) input(talk io.Writer) (*renderInput, error) {
	if o.path != "" {
		return o.directory()
	}
	in := &renderInput{named: true, dirs: map[string]string{}, alias: newGitUser().address}
	for _, repo := range o.repos {
		if err := in.standIn(repo); err != nil {
			return nil, err
		}
	}
	for _, file := range o.files {
		if err := in.add(file, talk); err != nil {
			return nil, err
		}
	}
	for _, app := range in.applications {
		o.adapt(app)
	}
	return in, nil
}

// adapt makes of an Application what the command line asks for.
func (o *renderOptions) adapt(app *api.Application) {
	if o.namespace != "" {
		app.Spec.Destination.Namespace = o.namespace
	}
	o.pin(app)
	o.limitLookups(app)
	o.allowLeaks(app)
}

// allowLeaks adds what the command line allows to be seen.
func (o *renderOptions) allowLeaks(app *api.Application) {
	if len(o.allowLeak) == 0 {
		return
	}
	if app.Annotations == nil {
		app.Annotations = map[string]string{}
	}
	app.Annotations[api.AnnotationAllowLeak] = strings.Join(append(api.AllowedLeaks(app.Annotations), o.allowLeak...), ",")
}

// limitLookups leaves an Application those kinds to look up that were asked for.
// Without any its charts are told why they find nothing.
func (o *renderOptions) limitLookups(app *api.Application) {
	if len(o.lookups) == 0 {
		return
	}
	kinds := slices.DeleteFunc(api.Lookups(app.Annotations), func(kind string) bool { return !slices.Contains(o.lookups, kind) })
	if app.Annotations != nil {
		app.Annotations[api.AnnotationLookup] = strings.Join(kinds, ",")
	}
}

// pin makes an Application's sources in Git point at the revision that was asked
// for.
func (o *renderOptions) pin(app *api.Application) {
	if o.revision == "" {
		return
	}
	pin := func(s *api.Source) {
		if !s.IsChart() && !s.IsOCI() {
			s.TargetRevision = o.revision
		}
	}
	if app.Spec.Source != nil {
		pin(app.Spec.Source)
	}
	for i := range app.Spec.Sources {
		pin(&app.Spec.Sources[i])
	}
}

// directory makes an Application of the path.
func (o *renderOptions) directory() (*renderInput, error) {
	dir, err := existing(o.path)
	if err != nil {
		return nil, err
	}
	root := dir
	if top, ok := worktreeOf(dir); ok {
		root = top
	}
	inside, err := filepath.Rel(root, dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.path, err)
	}
	app := &api.Application{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: localNamespace, Name: filepath.Base(dir),
			Annotations: map[string]string{api.AnnotationLookup: strings.Join(o.lookups, ",")},
		},
		Spec: api.ApplicationSpec{
			Source:      &api.Source{RepoURL: root, Path: filepath.ToSlash(inside), TargetRevision: o.revision},
			Destination: api.Destination{Server: api.InClusterServer, Namespace: o.namespace},
		},
	}
	o.allowLeaks(app)
	return &renderInput{applications: []*api.Application{app}, any: root}, nil
}

// existing returns the real path of a directory.
func existing(path string) (string, error) {
	dir, err := filepath.EvalSymlinks(path)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", fmt.Errorf("%s: no such directory", path)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", fmt.Errorf("%s is a file: give its directory, or Applications with -f", path)
	}
	return dir, nil
}

// worktreeOf looks upwards for the root of a Git work tree.
func worktreeOf(dir string) (string, bool) {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// standIn reads a --repo: [URL=]DIR.
func (in *renderInput) standIn(text string) error {
	dir := text
	i := strings.LastIndex(text, "=")
	if i > 0 {
		dir = text[i+1:]
	}
	dir, err := existing(dir)
	if err != nil {
		return fmt.Errorf("--repo: %w", err)
	}
	if i > 0 {
		in.dirs[in.known(text[:i])] = dir
	} else {
		in.any = dir
	}
	return nil
}

// stand returns the directory that stands in for a repository at a revision: at
// any, if it is said to stand in for that very one, and else at the one that an
// Application is from. What another refers to of the same repository, such as a
// base at a tag, is not on disk.
func (in *renderInput) stand(url, revision string) (dir string, ok bool) {
	if dir, ok := in.dirs[git.Normalize(url)]; ok {
		return dir, true
	}
	if !in.states(url, func(s *api.Source) bool { return revision == "" || s.Revision() == revision }) {
		return "", false
	}
	return in.checkout(url)
}

// states says whether an Application has a source of an address, or a generator.
func (in *renderInput) states(url string, like func(*api.Source) bool) bool {
	is := func(s api.Source) bool {
		return !s.IsChart() && git.Normalize(s.RepoURL) == git.Normalize(url) && like(&s)
	}
	return slices.ContainsFunc(in.applications, func(app *api.Application) bool {
		return slices.ContainsFunc(app.Spec.AllSources(), is)
	}) || slices.ContainsFunc(in.reads, is)
}

// checkout returns the directory that stands in for a repository.
func (in *renderInput) checkout(url string) (dir string, ok bool) {
	if dir, ok := in.dirs[in.known(url)]; ok {
		return dir, true
	}
	if in.any != "" && in.states(url, func(*api.Source) bool { return true }) {
		return in.any, true
	}
	for _, w := range in.worktrees {
		for _, remote := range w.remotes {
			if in.known(remote) == in.known(url) {
				return w.root, true
			}
		}
	}
	return "", false
}

// add reads the Applications of a file, and its ApplicationSets.
func (in *renderInput) add(file string, talk io.Writer) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read Applications: %w", err)
	}
	set, err := manifest.Parse(text, manifest.Origin{File: file})
	if err != nil {
		return err
	}
	found := false
	for _, o := range set {
		if isSet(o) {
			set, err := setOf(o, talk)
			if err != nil {
				return err
			}
			in.sets, found = append(in.sets, foundSet{set: set, object: o}), true
			continue
		}
		if o.Key.Group != api.Group || o.Key.Kind != "Application" {
			fmt.Fprintf(talk, "warning: %s: %s is no Application and is left out\n", o.Origin, o.Key)
			continue
		}
		app, err := applicationOf(o, talk)
		if err != nil {
			return err
		}
		in.applications = append(in.applications, app)
		found = true
	}
	if !found {
		return fmt.Errorf("%s: there is no Application or ApplicationSet in it", file)
	}
	in.worktrees = append(in.worktrees, worktreesOf(file)...)
	return nil
}

// applicationOf decodes and validates. A field that no Application has is a
// warning, as the API server would prune it.
func applicationOf(o *manifest.Object, talk io.Writer) (*api.Application, error) {
	if o.APIVersion() != api.Group+"/"+api.Version {
		return nil, fmt.Errorf("%s: %s: apiVersion %s is none that Applications have: write %s/%s", o.Origin, o.Key, o.APIVersion(), api.Group, api.Version)
	}
	app := &api.Application{}
	unknown, err := kjson.UnmarshalStrict(o.JSON(), app)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", o.Origin, o.Key, err)
	}
	for _, u := range unknown {
		fmt.Fprintf(talk, "warning: %s: %s: %v\n", o.Origin, o.Key, u)
	}
	for _, text := range api.LintApplication(app) {
		fmt.Fprintf(talk, "warning: %s: %s: %s\n", o.Origin, o.Key, text)
	}
	if errs := api.ValidateApplication(app); len(errs) > 0 {
		return nil, fmt.Errorf("%s: %s: %w", o.Origin, o.Key, errs.ToAggregate())
	}
	if app.Namespace == "" {
		app.Namespace = localNamespace
	}
	return app, nil
}

// worktreesOf returns the work tree that a file lies in, if any.
func worktreesOf(file string) []worktree {
	dir, err := existing(filepath.Dir(file))
	if err != nil {
		return nil
	}
	root, ok := worktreeOf(dir)
	if !ok {
		return nil
	}
	repo, err := gogit.PlainOpenWithOptions(root, &gogit.PlainOpenOptions{EnableDotGitCommonDir: true})
	if err != nil {
		return nil // no repository that can be read: it is fetched then
	}
	config, err := repo.Config()
	if err != nil {
		return nil
	}
	w := worktree{root: root}
	for _, remote := range config.Remotes {
		w.remotes = append(w.remotes, remote.URLs...)
	}
	return []worktree{w}
}

// failure names the Application, if it has a name of its own.
func (in *renderInput) failure(app *api.Application, err error) error {
	if !in.named {
		return err
	}
	return fmt.Errorf("%s: %w", app.Name, err)
}
