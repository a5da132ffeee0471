package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/shelf"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// A validation goes through a repository once.
type validation struct {
	*subtree
	options  validateOptions
	parts    []string
	screen   *screen
	files    *repositoryFiles
	input    *renderInput
	assumed  bool              // this repository, which has no address, is taken for any that is not given
	given    map[string]string // directories by address, as --repo gives them
	line     *pipeline.Pipeline
	scan     *leakScan
	clear    *shelf.Shelf // what nothing was found in; nil for nowhere
	rendered []*rendering
	read     map[string]bool    // files that renders have read, or that are looked at
	known    map[string]bool    // Applications, by namespace, name, place and spec
	unseen   []*api.Application // that are not rendered
	stated   []found            // Applications, each once
	notes    []string
	findings []validate.Finding

	expansions []*expansion        // of ApplicationSets
	clusters   *knownClusters      // that they generate for; nil before it is asked
	external   *validate.Externals // once it is read
	live       *liveCluster        // nil without --from-cluster

	// What is looked at, and what with:
	version *openapi.Version
	checker *validate.Checker
	custom  *validate.Definitions
	looked  []statement
	// With --real:
	server        *realServer
	confronted    []confrontation
	disagreements []validate.Disagreement
}

// A rendering is what one Application, overlay or chart states.
type rendering struct {
	name   string // of the Application, "" for a directory
	app    *api.Application
	origin manifest.Origin
	prefix string // of its files: from this repository's root to that of its own
	result *pipeline.Rendered
	err    error
}

// newValidation finds the repository that the paths are in.
func newValidation(o validateOptions, paths []string, screen *screen) (*validation, error) {
	whole := len(paths) == 0
	if whole {
		paths = []string{"."}
	}
	v := &validation{options: o, screen: screen, read: map[string]bool{}, known: map[string]bool{}}
	for _, name := range paths {
		p, err := subtreeIn(git.Snapshot, name)
		if err != nil {
			return nil, err
		}
		if v.subtree != nil && v.dir != p.dir {
			return nil, fmt.Errorf("%s is in another repository than %s: validate them one by one", name, paths[0])
		}
		v.subtree = p
		v.parts = append(v.parts, p.at)
	}
	if whole {
		v.parts = []string{"."}
	}
	return v, nil
}

func (v *validation) run(ctx context.Context) (report *validateReport, err error) {
	if v.live, err = askCluster(ctx, &v.options, v.options.cache.warn); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.live.end()) }()
	if err := v.prepare(ctx); err != nil {
		return nil, err
	}
	if err := v.openClear(); err != nil {
		return nil, err
	}
	defer func() { _ = closeShelf(v.clear) }() // it only keeps
	line, end, err := v.options.pipeline(ctx, v.input, io.Discard)
	if err != nil {
		return nil, err
	}
	defer end()
	return v.through(ctx, line)
}

// prepare reads what is to be looked at.
func (v *validation) prepare(ctx context.Context) (err error) {
	if v.files, err = readFiles(ctx, v.subtree, v.parts, v.screen); err != nil {
		return err
	}
	return v.sources()
}

// through renders all of it, and checks what comes out.
func (v *validation) through(ctx context.Context, line *pipeline.Pipeline) (*validateReport, error) {
	v.line = line
	v.scan = v.startScan(ctx)
	defer v.scan.stop()
	if err := v.renderAll(ctx); err != nil {
		return nil, err
	}
	return v.check(ctx)
}

// openClear opens the shelf of what nothing was found in.
func (v *validation) openClear() (err error) {
	cache := v.options.cache
	cache.warn = nil // that nothing can be kept is told of the renders
	v.clear, err = cache.open(keptClear, io.Discard)
	return err
}

// sources says which repositories are here: this one, by the addresses of its
// remotes, or by any if it has none; and those of --repo.
func (v *validation) sources() error {
	v.input = &renderInput{named: true, dirs: map[string]string{}, alias: newGitUser().address}
	for _, repo := range v.options.repos {
		if err := v.input.standIn(repo); err != nil {
			return err
		}
	}
	v.given = maps.Clone(v.input.dirs)
	v.input.worktrees = worktreesOf(v.dir + "/.")
	if v.input.any == "" && (len(v.input.worktrees) == 0 || len(v.input.worktrees[0].remotes) == 0) {
		v.input.any, v.assumed = v.dir, true
	}
	v.input.dirs[git.Normalize(v.dir)] = v.dir
	if tree, ok := v.tree.(*git.Tree); ok {
		v.input.trees = map[string]*git.Tree{v.dir: tree}
	}
	return nil
}

// stated are the Applications that others render.
func stated(by []*rendering) []found {
	var all []found
	for _, r := range by {
		if r.result == nil {
			continue
		}
		for _, o := range r.result.Set {
			if o.Key.Group != api.Group || o.Key.Kind != api.ApplicationKind {
				continue
			}
			if app, err := applicationOf(o, io.Discard); err == nil {
				all = append(all, found{app: app, object: o})
			}
		}
	}
	return all
}

// applications are those to render: not yet known, and of this repository.
func (v *validation) applications(all []found) []*rendering {
	var list []*rendering
	for _, f := range all {
		id := f.app.Namespace + "/" + f.app.Name + " " + f.object.Origin.String() + " " + specOf(f.object)
		if v.known[id] {
			continue
		}
		v.known[id] = true
		v.stated = append(v.stated, f)
		v.input.applications = append(v.input.applications, f.app)
		prefix, missing := v.locate(f.app)
		if missing != "" {
			v.notes = append(v.notes, fmt.Sprintf("%s: Application %s is not rendered: %s", f.object.Origin, f.app.Name, missing))
			v.unseen = append(v.unseen, f.app)
			continue
		}
		list = append(list, &rendering{name: f.app.Name, app: f.app, origin: f.object.Origin, prefix: prefix})
	}
	return list
}

// locate finds the sources of an Application: the way from this repository's root
// to the root that its files are named from, or which source is not here.
func (v *validation) locate(app *api.Application) (prefix, missing string) {
	for i, s := range app.Spec.AllSources() {
		dir, ok := v.input.checkout(s.RepoURL)
		switch {
		case (s.IsChart() || s.IsOCI()) && !v.options.fetch:
			return "", fmt.Sprintf("%s would be fetched: --fetch does that", git.Redact(s.RepoURL))
		case s.IsChart() || s.IsOCI():
			continue
		case (!ok || v.guessed(dir, &s)) && !v.options.fetch:
			return "", fmt.Sprintf("the repository %s is not here: give a checkout with --repo URL=DIR, or --fetch", git.Redact(s.RepoURL))
		case !ok:
			continue
		}
		v.input.dirs[git.Normalize(s.RepoURL)] = dir
		if i == 0 {
			prefix = v.prefix(dir)
		}
	}
	return prefix, ""
}

// guessed says whether a repository that has no address is only thought to be an
// Application's, and has not what this is to render.
func (v *validation) guessed(dir string, s *api.Source) bool {
	if !v.takenFor(dir, s.RepoURL) || s.IsRefOnly() || v.proven(s.RepoURL) {
		return false
	}
	_, err := fs.Stat(v.tree, path.Clean(s.Path))
	return err != nil
}

// takenFor says whether a directory is this repository, which has no address, in the place
// of one whose address it was not given.
func (v *validation) takenFor(dir, url string) bool {
	_, given := v.given[v.input.known(url)]
	return v.assumed && dir == v.dir && !given
}

// proven says whether a repository that has no address is an Application's by what
// others of the same address take from it: more of their paths are there than are not.
func (v *validation) proven(url string) bool {
	there, not, seen := 0, 0, map[string]bool{}
	for _, f := range v.files.apps {
		for _, s := range f.app.Spec.AllSources() {
			at := path.Clean(s.Path)
			if s.IsRefOnly() || s.IsChart() || at == "." || seen[at] || git.Normalize(s.RepoURL) != git.Normalize(url) {
				continue
			}
			seen[at] = true
			if _, err := fs.Stat(v.tree, at); err == nil {
				there++
			} else {
				not++
			}
		}
	}
	return there > not
}

func (v *validation) prefix(dir string) string {
	rel, err := filepath.Rel(v.dir, dir)
	if err != nil {
		return filepath.ToSlash(dir)
	}
	return filepath.ToSlash(rel)
}

// directory makes an Application of an overlay or a chart.
func (v *validation) directory(dir string) *rendering {
	r := v.files.asApplication(v.dir, dir)
	v.input.applications = append(v.input.applications, r.app)
	return r
}

// directoryName is a name that releases and objects may have.
func directoryName(root, dir string) string {
	name := path.Base(dir)
	if dir == "." {
		name = path.Base(strings.ReplaceAll(root, `\`, "/"))
	}
	name = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if name == "" {
		return "release"
	}
	return name[:min(len(name), 50)]
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// renderEach renders side by side, and notes what was read.
func (v *validation) renderEach(ctx context.Context, list []*rendering) error {
	progress := v.screen.headway("rendered", len(list))
	defer progress.end()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(v.options.parallel)
	for _, r := range list {
		g.Go(func() error {
			r.result, r.err = v.line.Desired(ctx, r.app, nil)
			progress.one()
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	v.rendered = append(v.rendered, list...)
	for _, r := range list {
		v.cover(r)
	}
	return nil
}

// cover notes what a render has read. Of one that failed it is its directories.
func (v *validation) cover(r *rendering) {
	if r.result == nil {
		for _, s := range r.app.Spec.AllSources() {
			v.read[path.Join(r.prefix, s.Path)+"/"] = true
		}
		return
	}
	for _, in := range r.result.Inputs {
		for _, f := range in.Files {
			if f.Op == git.OpRead {
				v.read[path.Join(r.prefix, f.Path)], v.read[path.Join(r.prefix, f.Resolved)] = true, true
			}
		}
	}
}

func (v *validation) covers(file string) bool {
	if v.read[file] {
		return true
	}
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		if v.read[dir+"/"] {
			return true
		}
		if dir == "." || dir == "/" {
			return false
		}
	}
}
