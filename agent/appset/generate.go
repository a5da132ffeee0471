package appset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Options bound a generation. A zero field means the default.
type Options struct {
	// Now is what templates take for the time.
	Now time.Time
	// NewFileGlobbing reads paths of files as `--enable-new-git-file-globbing` of Argo
	// CD does: a star ends at a slash, two do not. Without it a star matches slashes.
	NewFileGlobbing bool
	// Partial goes on without the generators that nobody here can answer, and lists
	// them in Result.Left. It is for looking: what is missing must not be deleted.
	Partial bool
	// MaxApplications of one set; default 10,000.
	MaxApplications int
	// Timeout of all of it but for what the sources take, which have deadlines of their
	// own; default 30 s.
	Timeout time.Duration
}

func (o Options) orDefault() Options {
	if o.MaxApplications == 0 {
		o.MaxApplications = 10_000
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	return o
}

// A Result is what an ApplicationSet generates.
type Result struct {
	// Applications are in the order of generators and parameters.
	Applications []Generated
	// Problems are what most likely was not meant, in the order in which it was found.
	Problems []Problem
	// Left are the errors of the generators that were left out: see Options.Partial.
	Left []*Error
}

// Generated is one Application.
type Generated struct {
	App *api.Application
	// Generator is the index in spec.generators; Parameters says which set of
	// parameters it is made of, as in "2 (path apps/api)".
	Generator  int
	Parameters string
	// Invalid is why it must be left alone: neither be created, nor changed, nor
	// deleted. Nil if it is fine. Field is where in the set that comes from.
	Invalid error
	Field   string
}

// A Problem is something that works, but hardly as it was meant.
type Problem struct {
	Kind ProblemKind
	// Generator is the index in spec.generators, -1 if it is none's.
	Generator int
	Field     string
	Message   string
	Hint      string
}

// A ProblemKind is what a problem is about.
type ProblemKind string

// The kinds of problems.
const (
	// ProblemEmpty: a generator finds nothing.
	ProblemEmpty ProblemKind = "empty"
	// ProblemDropped: a selector drops all that a generator finds.
	ProblemDropped ProblemKind = "dropped"
	// ProblemUnknown: a template names a parameter that there is not.
	ProblemUnknown ProblemKind = "unknown-parameter"
	// ProblemNoEffect: a setting has none.
	ProblemNoEffect ProblemKind = "no-effect"
	// ProblemStep: a rolling sync leaves Applications out, or has steps for nothing.
	ProblemStep ProblemKind = "step"
)

// Valid returns the Applications that are fine.
func (r *Result) Valid() []*api.Application {
	var apps []*api.Application
	for _, g := range r.Applications {
		if g.Invalid == nil {
			apps = append(apps, g.App)
		}
	}
	return apps
}

// Generate returns the Applications of a set, which it does not change. An error, which
// is an [*Error], says that nothing is generated: no Application is to be created,
// changed or deleted on its account.
func Generate(ctx context.Context, set *api.ApplicationSet, from Sources, o Options) (*Result, error) {
	o = o.orDefault()
	ctx, clock, cancel := newClock(ctx, o.Timeout)
	defer cancel()
	g := &generation{set: set, spec: &set.Spec, from: timed{from, clock}, options: o, result: &Result{}}
	if err := g.run(ctx); err != nil {
		return nil, g.named(err)
	}
	return g.result, nil
}

// A generation is one pass over one set.
type generation struct {
	set     *api.ApplicationSet
	spec    *api.ApplicationSetSpec
	from    Sources
	options Options
	engine  *engine
	result  *Result
	at      int // the generator in spec.generators
	found   int // sets of parameters so far, those of children included
	quiet   int // how many second children of a matrix it is in, which may find nothing
}

func (g *generation) run(ctx context.Context) (err error) {
	if errs := api.ValidateApplicationSet(g.set); len(errs) > 0 {
		g.at = -1
		return &Error{Field: errs[0].Field, Err: kinded{errors.New(errs[0].ErrorBody()), ErrGenerator}}
	}
	if g.engine, err = newEngine(g.spec, g.options.Now); err != nil {
		g.at = -1
		return err
	}
	for g.at = range g.spec.Generators {
		before := len(g.result.Applications)
		err := g.generator(ctx, &g.spec.Generators[g.at])
		switch {
		case g.options.Partial && errors.Is(err, ErrUnavailable):
			g.result.Left = append(g.result.Left, g.named(err))
			g.result.Applications = g.result.Applications[:before]
		case err != nil:
			return err
		}
	}
	g.at = -1
	g.validate()
	g.rollout()
	return nil
}

// generator makes the Applications of one entry of spec.generators, which may hold
// several generators.
func (g *generation) generator(ctx context.Context, entry *api.Generator) error {
	field := fmt.Sprintf("spec.generators[%d]", g.at)
	for _, kind := range entry.Kinds() {
		t, err := g.template(entry, kind, field)
		if err != nil {
			return err
		}
		sets, err := g.parameters(ctx, entry, kind, field)
		if err != nil {
			return err
		}
		for i, params := range sets {
			if len(g.result.Applications) == g.options.MaxApplications {
				return in(field, failf(ErrLimit, "it makes more than %d Applications", g.options.MaxApplications))
			}
			if err := g.application(ctx, t, i, params); err != nil {
				return err
			}
		}
	}
	return nil
}

// application renders one.
func (g *generation) application(ctx context.Context, t *appTemplate, i int, params Params) error {
	which := fmt.Sprintf("%d%s", i, summary(params))
	app, err := t.render(ctx, g.engine, params)
	if err != nil {
		var at *Error
		if errors.As(err, &at) {
			at.Parameters = which
		}
		return err
	}
	// The set's namespace it is, whatever the template says: it is the boundary
	// between tenants.
	app.Namespace = g.set.Namespace
	g.result.Applications = append(g.result.Applications, Generated{App: app, Generator: g.at, Parameters: which})
	g.takeNotes(which)
	return nil
}

// takeNotes makes problems of what was noted of templates.
func (g *generation) takeNotes(which string) {
	for _, n := range g.engine.noted() {
		g.problem(n.kind, n.field, n.message+", for parameters "+strings.TrimSpace(which), n.hint)
	}
}

// problem notes one, once for each field.
func (g *generation) problem(kind ProblemKind, field, message, hint string) {
	if g.quiet > 0 && (kind == ProblemEmpty || kind == ProblemDropped) {
		return
	}
	same := func(p Problem) bool { return p.Kind == kind && p.Field == field && p.Generator == g.at }
	if !slices.ContainsFunc(g.result.Problems, same) {
		g.result.Problems = append(g.result.Problems, Problem{Kind: kind, Generator: g.at, Field: field, Message: message, Hint: hint})
	}
}

// named puts the set's name and the generator to an error.
func (g *generation) named(err error) *Error {
	var at *Error
	if !errors.As(err, &at) {
		at = &Error{Err: err}
	}
	at.Set, at.Generator = strings.TrimPrefix(g.set.Namespace+"/"+g.set.Name, "/"), g.at
	return at
}
