package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/controlplane"
	"github.com/tidelock-io/tidelock/agent/rehearsal"
	"github.com/tidelock-io/tidelock/cmd/release"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// realOptions say whether a real API server is asked.
type realOptions struct {
	real    bool
	program string
}

// A realServer comes up while the repository is rendered.
type realServer struct {
	start errgroup.Group
	plane *controlplane.Plane
	asks  *rehearsal.Rehearsal
}

// startServer begins to start a control plane; nil without --real.
func startServer(ctx context.Context, o realOptions, kubernetes string) (*realServer, error) {
	if !o.real {
		return nil, nil
	}
	if o.program == "" {
		found, err := controlplane.Find()
		if err != nil {
			return nil, fmt.Errorf("--real: %w, or give --%s PATH", err, controlplane.Program)
		}
		o.program = found
	}
	s := &realServer{}
	s.start.Go(func() (err error) {
		s.plane, err = controlplane.Start(ctx, controlplane.Options{Program: o.program, Emulate: kubernetes, UserAgent: "tidelock/" + release.Text()})
		if err == nil {
			s.asks, err = rehearsal.New(s.plane.Config)
		}
		return err
	})
	return s, nil
}

// stop ends it, whether it has come up or not.
func (s *realServer) stop() error {
	if s == nil {
		return nil
	}
	_ = s.start.Wait() // told by who asks it
	if s.plane == nil {
		return nil
	}
	return s.plane.Stop()
}

// A statement is what was looked at, and what was found.
type statement struct {
	*rendering // nil for what nothing renders
	prefix     string
	set        manifest.Set
	found      []validate.Finding
	others     []string
}

// of names the Application, "" for a directory and for what nothing renders.
func (s *statement) of() string {
	if s.rendering == nil {
		return ""
	}
	return s.name
}

// rehearse asks the API server about all that was looked at, and confronts both.
func (v *validation) rehearse(ctx context.Context, locators map[string]*validate.Locator) error {
	if v.server == nil {
		return nil
	}
	v.screen.state("waiting for the API server")
	if err := v.server.start.Wait(); err != nil {
		return fmt.Errorf("--real: %w", err)
	}
	destinations, of := destinationsOf(v.checker, v.looked)
	total := 0
	for _, d := range destinations {
		total += len(d.Objects)
	}
	progress := v.screen.headway("asked about", total)
	answers, err := v.server.asks.Run(ctx, destinations, rehearsal.Options{Parallel: v.options.parallel, Defined: v.custom.Defined, Progress: func(int, int) { progress.one() }})
	progress.end()
	if err != nil {
		return fmt.Errorf("--real: %w", err)
	}
	for i, list := range answers {
		for k, answer := range list {
			if !answer.Unasked {
				s := v.looked[of[i][k]]
				v.confront(s, answer, v.locator(locators, s.prefix))
			}
		}
	}
	return nil
}

// A confrontation is what both have against one object.
type confrontation struct {
	object          *manifest.Object
	found, refusals []validate.Finding
}

// confront compares both words on one object.
func (v *validation) confront(s statement, answer rehearsal.Answer, locator *validate.Locator) {
	var found, refusals []validate.Finding
	for _, f := range s.found {
		if f.Object == answer.Object.Key.String() {
			found = append(found, f)
		}
	}
	for _, one := range answer.Refusals {
		refusals = append(refusals, locator.Finding(validate.Problem{Rule: validate.RuleReal, Object: answer.Object, Path: one.Path, Message: one.Message}, s.others))
	}
	name := ""
	if s.rendering != nil {
		name = s.name
	}
	found = append(found, v.ofPolicies(name, answer.Object)...)
	added, d := validate.Confront(found, refusals)
	v.confronted = append(v.confronted, confrontation{answer.Object, found, refusals})
	v.add(name, s.prefix, added)
	if d != nil {
		v.disagree(s.prefix, *d)
	}
}

// ofPolicies is what policies have against an object, or an API server against them.
func (v *validation) ofPolicies(app string, o *manifest.Object) []validate.Finding {
	var all []validate.Finding
	for _, f := range v.findings {
		if (f.Rule == validate.RulePolicy || f.Rule == validate.RulePolicyInvalid) && f.Object == o.Key.String() && (app == "" || slices.Contains(f.Applications, app)) {
			all = append(all, f)
		}
	}
	return all
}

// disagree notes a disagreement once: several Applications may state the object.
func (v *validation) disagree(prefix string, d validate.Disagreement) {
	d.File = path.Join(prefix, d.File)
	for _, known := range v.disagreements {
		if known.String() == d.String() {
			return
		}
	}
	v.disagreements = append(v.disagreements, d)
}

// destinationsOf puts together what goes to one cluster: what Applications state by
// their destinations; each overlay and chart that none uses alone, for nobody knows
// where that goes; and all else. It returns of which statement each object is.
func destinationsOf(checker *validate.Checker, all []statement) (list []rehearsal.Destination, of [][]int) {
	known := map[api.Destination]int{}
	for i, s := range all {
		at := len(list)
		if s.rendering != nil && s.name != "" {
			to := s.app.Spec.Destination.Resolved()
			to.Namespace = ""
			if earlier, ok := known[to]; ok {
				at = earlier
			}
			known[to] = at
		}
		if at == len(list) {
			list, of = append(list, rehearsal.Destination{Labels: map[string]map[string]string{}}), append(of, nil)
		}
		for _, o := range s.set {
			if checker.Judges(o) {
				list[at].Objects, of[at] = append(list[at].Objects, o), append(of[at], i)
			}
		}
		if s.rendering != nil {
			maps.Copy(list[at].Labels, namespaceLabels(s.app))
		}
	}
	return list, of
}

// namespaceLabels are those that an Application gives to the namespace that it makes.
func namespaceLabels(app *api.Application) map[string]map[string]string {
	policy := app.Spec.SyncPolicy
	if policy == nil || policy.ManagedNamespaceMetadata == nil || !policy.SyncOptions.Has(api.SyncOptionCreateNamespace) {
		return nil
	}
	return map[string]map[string]string{app.Spec.Destination.Namespace: policy.ManagedNamespaceMetadata.Labels}
}

// runReal runs a validation beside a server, which ends with it.
func (v *validation) runReal(ctx context.Context) (report *validateReport, err error) {
	if v.server, err = startServer(ctx, v.options.realOptions, minor(v.options.kubeVersion)); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.server.stop()) }()
	return v.run(ctx)
}
