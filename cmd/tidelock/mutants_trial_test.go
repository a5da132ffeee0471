package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/agent/rehearsal"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/secrets/leak"
)

// An experiment is a mutant, and what is said of it.
type experiment struct {
	*mutation
	mutant map[string]string
	// found are the findings that the original has not.
	found []validate.Finding
	// same says that what is rendered is what the original renders.
	same bool
	// unrendered says that nothing could be rendered, or read.
	unrendered bool
	// refused is what an API server has against objects of it.
	refused []string
	asked   []rehearsal.Destination
	// changed are the objects that it is asked about.
	changed map[string]bool
}

// A laboratory looks at mutants of specimens.
type laboratory struct {
	dir       string
	line      *pipeline.Pipeline // whose plugins all use
	originals map[*specimen]*original
}

// An original is what is known of a specimen that nothing was done to.
type original struct {
	findings map[string]bool
	report   *validateReport
	objects  map[string]bool
	defined  func(schema.GroupKind) *manifest.Object
}

func newLaboratory(ctx context.Context, t *testing.T) *laboratory {
	t.Helper()
	o := mutantOptions()
	line, end, err := o.pipeline(ctx, &renderInput{}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return &laboratory{dir: t.TempDir(), line: line, originals: map[*specimen]*original{}}
}

func mutantOptions() validateOptions {
	o := validateOptions{parallel: 1}
	o.kubeVersion, o.offline = defaultKubeVersion, true
	return o
}

// lineOf is the pipeline of one repository.
func (l *laboratory) lineOf(v *validation) (*pipeline.Pipeline, func()) {
	trees := &checkouts{find: v.input.stand, offline: true, log: slog.New(slog.DiscardHandler), onDisk: v.input.trees}
	p := l.line
	return &pipeline.Pipeline{
		Namespace: p.Namespace, Now: p.Now, Git: trees, Artifacts: p.Artifacts, Render: p.Render, Keys: p.Keys, Destination: p.Destination, Secrets: p.Secrets,
		Permit: p.Permit, PermitSource: p.PermitSource, Verify: p.Verify, Vouch: p.Vouch, Known: &leak.Known{}, Values: p.Values, PermitValues: p.PermitValues,
	}, trees.close
}

// look validates a specimen, or a mutant of it.
func (l *laboratory) look(ctx context.Context, s *specimen, mutant map[string]string) (v *validation, report *validateReport, err error) {
	work, err := os.MkdirTemp(l.dir, "")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := s.write(work, mutant); err != nil {
		return nil, nil, err
	}
	o := mutantOptions()
	for i := 0; i+1 < len(s.args); i += 2 {
		value := strings.ReplaceAll(s.args[i+1], "$WORK", work)
		switch s.args[i] {
		case "--crds":
			o.crds = value
		case "--repo":
			o.repos = append(o.repos, value)
		}
	}
	if v, err = newValidation(o, []string{work}, newScreen(io.Discard)); err != nil {
		return nil, nil, err
	}
	v.parts = []string{"."}
	if err := v.prepare(ctx); err != nil {
		return nil, nil, err
	}
	line, end := l.lineOf(v)
	defer end()
	report, err = v.through(ctx, line)
	return v, report, err
}

// keep looks at a specimen as it is.
func (l *laboratory) keep(ctx context.Context, s *specimen) error {
	v, report, err := l.look(ctx, s, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	o := &original{findings: map[string]bool{}, report: report, objects: objectsOf(v), defined: v.custom.Defined}
	for _, f := range report.Findings {
		o.findings[told(f)] = true
	}
	l.originals[s] = o
	return nil
}

// objectsOf are all that is looked at, by what states it.
func objectsOf(v *validation) map[string]bool {
	all := map[string]bool{}
	for _, s := range v.looked {
		for _, o := range s.set {
			all[stating(s, o)] = true
		}
	}
	return all
}

func stating(s statement, o *manifest.Object) string {
	by := ""
	if s.rendering != nil {
		by = s.name + " " + s.app.Spec.Destination.Server + s.app.Spec.Destination.Name
		if s.name == "" {
			by = filepath.Dir(s.origin.File)
		}
	}
	return by + " " + o.Key.String() + " " + o.APIVersion() + " " + o.Hash()
}

var numbers = regexp.MustCompile(`:\d+`)

// told is a finding without lines, which move.
func told(f validate.Finding) string {
	return numbers.ReplaceAllString(f.Rule+" "+f.File+" "+f.Text(), "")
}

// run looks at a mutant.
func (l *laboratory) run(ctx context.Context, r *experiment) error {
	was := l.originals[r.of]
	v, report, err := l.look(ctx, r.of, r.mutant)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil { // the whole repository cannot be looked at, which is told
		r.found = []validate.Finding{{Rule: "error", Severity: validate.Error, Message: err.Error()}}
		r.unrendered = true
		return nil //nolint:nilerr // it is what is found
	}
	for _, f := range report.Findings {
		if !was.findings[told(f)] {
			r.found = append(r.found, f)
			r.unrendered = r.unrendered || f.Rule == validate.RuleRender || f.Rule == validate.RuleSyntax || f.Rule == validate.RuleSetTemplate
		}
	}
	now := objectsOf(v)
	r.same = len(now) == len(was.objects)
	for o := range now {
		r.same = r.same && was.objects[o]
	}
	r.asked, r.changed = changedOf(v, was), map[string]bool{}
	for _, d := range r.asked {
		for _, o := range d.Objects {
			r.changed[o.Key.String()] = true
		}
	}
	return nil
}

// changedOf are the objects that an API server is asked about: those that the original
// has not, and the namespaces that they may be in.
func changedOf(v *validation, was *original) []rehearsal.Destination {
	changed := map[*manifest.Object]bool{}
	for _, s := range v.looked {
		for _, o := range s.set {
			changed[o] = !was.objects[stating(s, o)]
		}
	}
	all, _ := destinationsOf(v.checker, v.looked)
	for i := range all {
		all[i].Objects = slices.DeleteFunc(all[i].Objects, func(o *manifest.Object) bool {
			return !changed[o] && o.Key.GroupKind() != schema.GroupKind{Kind: "Namespace"}
		})
	}
	return slices.DeleteFunc(all, func(d rehearsal.Destination) bool {
		return !slices.ContainsFunc(d.Objects, func(o *manifest.Object) bool { return changed[o] })
	})
}

// runAll looks at all mutants.
func (l *laboratory) runAll(ctx context.Context, all []*experiment, parallel int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, r := range all {
		g.Go(func() error { return l.run(ctx, r) })
	}
	return g.Wait()
}

// ask has an API server judge what the mutants of each specimen change.
func (l *laboratory) ask(ctx context.Context, server *realServer, all []*experiment) error {
	if err := server.start.Wait(); err != nil {
		return err
	}
	bySpecimen := map[*specimen][]*experiment{}
	var order []*specimen
	for _, r := range all {
		if bySpecimen[r.of] == nil {
			order = append(order, r.of)
		}
		bySpecimen[r.of] = append(bySpecimen[r.of], r)
	}
	for _, s := range order {
		var destinations []rehearsal.Destination
		var of []*experiment
		for _, r := range bySpecimen[s] {
			for _, d := range r.asked {
				destinations, of = append(destinations, d), append(of, r)
			}
		}
		answers, err := server.asks.Run(ctx, destinations, rehearsal.Options{Parallel: 8, Defined: l.originals[s].defined})
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		for i, list := range answers {
			of[i].hear(list)
		}
	}
	return nil
}

func (r *experiment) hear(answers []rehearsal.Answer) {
	for _, answer := range answers {
		for _, refusal := range answer.Refusals {
			r.refused = append(r.refused, fmt.Sprintf("%s: %s: %s", answer.Object.Key, refusal.Path, refusal.Message))
		}
	}
	r.asked = nil
}
