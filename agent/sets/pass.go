package sets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A pass is the work on one set, once.
type pass struct {
	c   *Controller
	set *api.ApplicationSet // as the rules have it
	// stated is the set as it was at the beginning, whatever the rules.
	stated *api.ApplicationSet
	name   types.NamespacedName
	log    *slog.Logger
	now    metav1.Time
	renew  bool // somebody asks for a look at everything anew

	seated bool // see outside

	result  *appset.Result
	plan    appset.Plan
	outcome appset.Outcome
	status  api.ApplicationSetStatus // as it will be stored
	did     deeds
	again   time.Duration
}

// pass makes one pass over a set, and returns when to make the next if nothing happens.
// Its error is about the API server; all else that goes wrong is in the set's status.
func (c *Controller) pass(ctx context.Context, name types.NamespacedName) (again time.Duration, err error) {
	set := c.store.get(name)
	if set == nil || !c.mine(name) {
		c.forget(name)
		return refresh, nil
	}
	p := c.over(set)
	if err := p.sit(ctx); err != nil {
		return 0, err
	}
	defer p.rise()
	if c.Shadow != nil {
		p.lookOn(ctx)
		return p.again, nil
	}
	if c.rules.Load().DryRun {
		p.tryOut(ctx)
		return p.again, nil
	}
	if v, argo := p.contested(ctx); v.Held {
		return p.again, p.yield(ctx, v, argo)
	}
	if p.set.DeletionTimestamp != nil {
		return p.again, p.delete(ctx)
	}
	if err := p.run(ctx); err != nil {
		return 0, err
	}
	return p.again, p.served(ctx)
}

// over is a pass over a set that is about to begin.
func (c *Controller) over(stated *api.ApplicationSet) *pass {
	set := c.ruled(stated)
	_, renew := set.Annotations[api.AnnotationApplicationSetRefresh]
	return &pass{
		c: c, set: set, stated: stated, name: nameOf(set), log: c.Log.With("applicationset", api.InstanceName(set.Namespace, set.Name, c.Namespace)), now: metav1.NewTime(c.Now()), renew: renew, again: refresh,
		status: *set.Status.DeepCopy(),
	}
}

// run takes the way from the generators to the Applications. Whatever fails on it ends
// it, before anything is done.
func (p *pass) run(ctx context.Context) error {
	if err := p.unfollowed(); err != nil {
		p.outcome.Fail(api.ReasonValidationError, err)
		return p.report(ctx)
	}
	if err := p.guard(ctx); err != nil {
		return err
	}
	err := p.generate(ctx)
	if p.putOff(err) {
		return nil
	}
	if err != nil {
		p.outcome.Fail(appset.ReasonOf(err), unnamed(err))
		return p.report(ctx)
	}
	p.outcome.Generated = true
	if appset.IsRolling(p.set) && len(p.set.Spec.Strategy.RollingSync.Steps) == 0 {
		p.outcome.Fail(api.ReasonRolloutError, errNoSteps)
		return p.report(ctx)
	}
	if err := p.compare(); err != nil {
		p.outcome.Fail(api.ReasonValidationError, unnamed(err))
		return p.report(ctx)
	}
	p.outcome.Of(p.result, p.plan)
	p.unrolled()
	if err := p.roll(ctx); err != nil {
		return err
	}
	failed := p.write(ctx)
	return errors.Join(failed, p.report(ctx))
}

// errNoSteps is in Argo CD's words.
var errNoSteps = errors.New("No steps defined for rollout") //nolint:staticcheck // see above

// generate asks the generators.
func (p *pass) generate(ctx context.Context) (err error) {
	from := newSources(p)
	p.result, err = appset.Generate(ctx, p.set, from, appset.Options{Now: p.now.Time, NewFileGlobbing: p.c.globbing.Load()})
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.c.reads[p.name] = from.reads
	return err
}

// compare plans what is to be done with the live Applications. Those of a project that is
// not there are left alone, as Argo CD does; the default one the agent makes itself.
func (p *pass) compare() (err error) {
	for i := range p.result.Applications {
		g := &p.result.Applications[i]
		if g.Invalid != nil {
			continue
		}
		if err := p.belongs(g.App.Spec.ProjectName()); err != nil {
			g.Field, g.Invalid = "spec.template.spec.project", err
		}
	}
	p.plan, err = appset.PlanOf(p.set, p.result, p.live())
	return err
}

// live are the Applications that the set may own.
func (p *pass) live() (apps []*api.Application) {
	for _, app := range p.c.Applications.List() {
		if app.Namespace == p.set.Namespace {
			apps = append(apps, app)
		}
	}
	return apps
}

// owned are those that it does own.
func (p *pass) owned() (apps []*api.Application) {
	for _, app := range p.live() {
		if appset.Owns(p.set, app) {
			apps = append(apps, app)
		}
	}
	return apps
}

// roll takes a rolling sync a step further, and stores how far it is before anything is
// done about it.
func (p *pass) roll(ctx context.Context) error {
	if !appset.IsRolling(p.set) {
		p.status.ApplicationStatus = nil
		return nil
	}
	p.c.waitForLooks(p.name, true) // from now on, so that none is missed
	rollout := appset.Rolling{
		Set: p.set, Result: p.result, Plan: p.plan, Owned: p.owned(), Fresh: p.c.Fresh(ctx), Now: p.now,
	}.Rollout()
	p.outcome.Rollout, p.status.ApplicationStatus = &rollout, rollout.Status
	if rollout.Again > 0 {
		p.again = min(p.again, rollout.Again)
	}
	p.c.waitForLooks(p.name, rollout.Stale)
	if rollout.Stale && p.distant() {
		p.again = min(p.again, askAgain)
	}
	return p.store(ctx)
}

// unnamed is an error without the name of the set, in whose own status it stands.
func unnamed(err error) error {
	var at *appset.Error
	if !errors.As(err, &at) {
		return err
	}
	text := at.Text()
	if at.Generator >= 0 {
		text = fmt.Sprintf("generator %d: %s", at.Generator, text)
	}
	return errors.New(text)
}
