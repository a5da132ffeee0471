package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/pipeline"
)

// An end is one of the two of a range, in search of its Applications. Only what may
// render others is rendered for that.
type end struct {
	*comparison
	sets   setOptions
	in     *renderInput
	at     *statements
	line   *pipeline.Pipeline
	from   *fixedCommits
	before *end      // nil at the first one
	talk   io.Writer // nil there, too: what was wrong before is of no interest

	within map[string]bool // carriers below overlays and charts
	read   map[string]bool // files that renders have read
	made   map[string]*expansion
}

func (e *end) discovery() *discovery {
	e.within, e.read, e.made = map[string]bool{}, map[string]bool{}, map[string]*expansion{}
	for file := range e.at.carriers {
		if e.at.files.belongs(file) {
			e.within[file] = true
		}
	}
	return &discovery{
		files: e.at.files, covers: func(file string) bool { return e.read[file] }, take: e.take, make: e.generate,
		directory: func(dir string) *rendering { return e.at.files.asApplication(e.in.root, dir) }, render: e.render, adopted: func() {},
	}
}

// take notes Applications: the first of a name counts. Those that may render others are
// to be rendered.
func (e *end) take(all []found) []*rendering {
	var list []*rendering
	for _, f := range all {
		id := f.app.Namespace + "/" + f.app.Name
		if _, known := e.at.apps[id]; known {
			continue
		}
		e.at.apps[id] = f
		if e.carries(f) {
			list = append(list, &rendering{name: f.app.Name, app: f.app, origin: f.object.Origin, prefix: "."})
		}
	}
	return list
}

// carries says whether a source leads to files that state Applications, or templates of
// them, below an overlay or a chart. Those of plain directories are known already.
func (e *end) carries(f found) bool {
	for _, s := range f.app.Spec.AllSources() {
		if s.IsChart() || s.IsOCI() || !e.from.ours(git.Repo{URL: s.RepoURL}, s.Revision()) {
			continue
		}
		dir := path.Clean(s.Path)
		for file := range e.within {
			if isIn(file, dir) {
				return true
			}
		}
		if len(e.within) > 0 && e.at.files.leadsTo(dir, e.within, map[string]bool{}) {
			return true
		}
	}
	return false
}

// render renders side by side. What cannot be rendered states nothing; what is wrong
// with it is told where it is compared.
func (e *end) render(ctx context.Context, list []*rendering) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(e.parallel)
	for _, r := range list {
		g.Go(func() error {
			r.result, r.err = e.line.Desired(ctx, r.app, nil)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, r := range list {
		if r.err != nil && e.talk != nil {
			fmt.Fprintf(e.talk, "warning: %s: what it states is taken as its files have it, for it cannot be rendered: %s\n", r.origin, oneLine(r.err.Error()))
		}
		if r.result == nil {
			continue
		}
		for _, in := range r.result.Inputs {
			for _, f := range in.Files {
				if f.Op == git.OpRead {
					e.read[f.Path], e.read[f.Resolved] = true, true
				}
			}
		}
	}
	return nil
}

// generate makes the Applications of sets, each once.
func (e *end) generate(ctx context.Context, sets []foundSet) ([]found, error) {
	var all []found
	for _, s := range sets {
		id := s.object.Origin.File + " " + s.set.Namespace + "/" + s.set.Name
		if e.made[id] != nil {
			continue
		}
		x, err := e.expandOnce(ctx, id, s)
		if err != nil {
			return nil, err
		}
		e.made[id] = x
		all = append(all, slices.Clone(x.apps)...)
	}
	return all, nil
}

// expandOnce makes those of one set, unless it makes what it made before.
func (e *end) expandOnce(ctx context.Context, id string, s foundSet) (*expansion, error) {
	if e.before == nil {
		return e.expansion(ctx, e.sets, e.in, e.at, e.from, s)
	}
	was := e.before.made[id]
	x := was
	if x == nil || !e.asBefore(ctx, e.sets, e.in, x, s) || !slices.EqualFunc(e.before.at.known(), e.at.known(), sameClusters) {
		var err error
		if x, err = e.expansion(ctx, e.sets, e.in, e.at, e.from, s); err != nil {
			return nil, err
		}
	}
	x.tell(e.talk)
	if x.err != nil && was != nil {
		return was, nil
	}
	return x, nil
}
