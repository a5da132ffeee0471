package sets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// atOnce is how many Applications of a set are written at the same time.
const atOnce = 16

// deeds are what was done with Applications, and what could not be.
type deeds struct {
	mu                        sync.Mutex // guards all below
	created, updated, deleted []string
	errs                      map[string]error  // by reason: the first, by name
	failed                    map[string]string // its Application
	again                     error             // somebody else wrote at the same moment
}

// write makes the plan come true, and asks for the syncs of a rollout. What fails is
// noted in the outcome; the error is why the same should be tried again soon.
func (p *pass) write(ctx context.Context) error {
	var g errgroup.Group // one failure does not end the others
	g.SetLimit(atOnce)
	do := func(reason, name string, list *[]string, act func() error) {
		g.Go(func() error {
			p.did.note(reason, name, list, act())
			return nil
		})
	}
	for _, app := range p.plan.Create {
		do(api.ReasonCreateError, app.Name, &p.did.created, func() error { return p.c.Applications.Create(ctx, app) })
	}
	for _, app := range p.plan.Update {
		do(api.ReasonUpdateError, app.Name, &p.did.updated, func() error { return p.update(ctx, app) })
	}
	for _, name := range p.plan.Delete {
		do(api.ReasonDeleteError, name, &p.did.deleted, func() error { return p.remove(ctx, name) })
	}
	_ = g.Wait() // what failed is noted
	if err := p.did.error(&p.outcome); err != nil {
		return err
	}
	return p.sync(ctx)
}

// note notes what became of an act on one Application.
func (d *deeds) note(reason, name string, list *[]string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		*list = append(*list, name)
	case apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err):
		d.again = err // the watch is late, or somebody else was faster: look anew
	default:
		if d.errs == nil {
			d.errs, d.failed = map[string]error{}, map[string]string{}
		}
		if first, ok := d.failed[reason]; !ok || name < first {
			d.failed[reason], d.errs[reason] = name, fmt.Errorf("Application %s: %w", name, err)
		}
	}
}

// error notes the first failure in an outcome, and is an error if there was any.
func (d *deeds) error(o *appset.Outcome) error {
	var errs []error
	for _, reason := range []string{api.ReasonCreateError, api.ReasonUpdateError, api.ReasonDeleteError} {
		if err := d.errs[reason]; err != nil {
			o.Fail(reason, err)
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, d.again)...)
}

// update changes a live Application to what it is to be.
func (p *pass) update(ctx context.Context, to *api.Application) error {
	from := p.c.Applications.Application(to.Namespace, to.Name)
	if from == nil || from.ResourceVersion != to.ResourceVersion {
		return apierrors.NewConflict(api.Resource(api.ApplicationResource), to.Name, errors.New("it has changed meanwhile"))
	}
	patch, err := patchOf(from, to)
	if err != nil {
		return err
	}
	return p.c.Applications.Change(ctx, to.Namespace, to.Name, patch)
}

// A stated is the part of an Application that its set states.
type stated struct {
	Metadata statedMeta          `json:"metadata"`
	Spec     api.ApplicationSpec `json:"spec"`
}

type statedMeta struct {
	Labels          map[string]string `json:"labels,omitempty"`
	Annotations     map[string]string `json:"annotations,omitempty"`
	Finalizers      []string          `json:"finalizers,omitempty"`
	OwnerReferences any               `json:"ownerReferences,omitempty"`
}

func statedOf(app *api.Application) ([]byte, error) {
	s := stated{Spec: app.Spec, Metadata: statedMeta{Labels: app.Labels, Annotations: app.Annotations, Finalizers: app.Finalizers}}
	if len(app.OwnerReferences) > 0 {
		s.Metadata.OwnerReferences = app.OwnerReferences
	}
	return json.Marshal(s)
}

// patchOf is the merge patch from one version of an Application to another. It holds only
// for the version that it was made from.
func patchOf(from, to *api.Application) ([]byte, error) {
	before, err := statedOf(from)
	if err != nil {
		return nil, err
	}
	after, err := statedOf(to)
	if err != nil {
		return nil, err
	}
	patch, err := jsonpatch.CreateMergePatch(before, after)
	if err != nil {
		return nil, err
	}
	return withVersion(patch, from.ResourceVersion)
}

// withVersion makes a merge patch hold for one version of an object only.
func withVersion(patch []byte, version string) ([]byte, error) {
	only, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": version}})
	if err != nil {
		return nil, err
	}
	return jsonpatch.MergeMergePatches(patch, only)
}

// remove deletes a live Application: its finalizers say what goes with it.
func (p *pass) remove(ctx context.Context, name string) error {
	app := p.c.Applications.Application(p.set.Namespace, name)
	if app == nil || !appset.Owns(p.set, app) {
		return nil
	}
	return p.c.Applications.Remove(ctx, app)
}

// sync asks for the syncs that a rollout has decided on.
func (p *pass) sync(ctx context.Context) error {
	if p.outcome.Rollout == nil {
		return nil
	}
	var errs []error
	for _, made := range p.result.Applications {
		name := made.App.Name
		app := p.c.Applications.Application(p.set.Namespace, name)
		if made.Invalid != nil || app == nil || !slices.Contains(p.outcome.Rollout.Sync, name) || app.Operation != nil {
			continue
		}
		patch, err := json.Marshal(map[string]any{"operation": appset.Requested(made.App), "metadata": map[string]any{"resourceVersion": app.ResourceVersion}})
		if err != nil {
			return err
		}
		if err := p.c.Applications.Change(ctx, app.Namespace, name, patch); err != nil {
			errs = append(errs, fmt.Errorf("ask for a sync of Application %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
