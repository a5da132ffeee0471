package resolve

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/crash"
	"github.com/tidelock-io/tidelock/secrets/external"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// parallel is how many ExternalSecrets of one Application are fetched at once.
const parallel = 4

// A Keyring gives the sealing keys. It is asked once per run, and only if there
// is a SealedSecret to open.
type Keyring interface {
	Keys(ctx context.Context) (sealed.Keys, error)
}

// A Stage resolves the secrets of Applications. It may be used from several
// goroutines.
type Stage struct {
	// Keyring may be nil: then no SealedSecret opens.
	Keyring Keyring
	// Templates runs the templates of SealedSecrets; nil refuses them.
	Templates sealed.Templates
	// Deprecated opens SealedSecrets with spec.data, too, as the controller does
	// unless it is told not to.
	Deprecated bool
	// Resolver asks providers; nil refuses ExternalSecrets.
	Resolver *external.Resolver
	// Sealed and External apply where an Application has no annotation.
	Sealed, External Mode

	tuned  atomic.Pointer[tuning] // by Tune
	opened memory
}

type tuning struct {
	sealed     Mode
	deprecated bool
}

// Tune has Sealed and Deprecated be others from now on.
func (s *Stage) Tune(sealed Mode, deprecated bool) { s.tuned.Store(&tuning{sealed, deprecated}) }

func (s *Stage) now() tuning {
	if t := s.tuned.Load(); t != nil {
		return *t
	}
	return tuning{s.Sealed, s.Deprecated}
}

// An Application is what the stage must know of one.
type Application struct {
	// Name is unique among all, and stands in messages.
	Name string
	// Annotations are those of the Application: see AnnotationSealed.
	Annotations map[string]string
	// Cluster reads the destination cluster, with the agent's own rights: the
	// stage decides what may be seen. A kind that is not served is
	// fs.ErrNotExist. It is nil where there is no cluster, as on a laptop.
	Cluster sdk.Objects
	// Server names that cluster; "" is the agent's own.
	Server string
	// Controlled tells whether the controller of a kind that the destination serves
	// is there, too; nil for always.
	Controlled func(schema.GroupKind) bool
	// Permit asks the Application's project about an object that is going to be
	// opened, fetched or consulted. What is resolved disappears from the set, so
	// nobody asks later. Nil permits nothing.
	Permit func(*manifest.Object) error
	// Fresh asks providers even if what they said last still counts: a hard
	// refresh.
	Fresh bool
}

// A Resolution is one object that was replaced, or to which its Secret was added.
type Resolution struct {
	From   manifest.Key
	Origin manifest.Origin
	// Secret is the zero Key if none is wanted.
	Secret manifest.Key
	// Fetched is when a provider gave it; zero for a SealedSecret.
	Fetched time.Time
}

// A Result is the outcome of a run.
type Result struct {
	// Set has Secrets in the places of what they were made of. It is nil if Run
	// failed.
	Set manifest.Set
	// Next is when to run again because a fetched value falls due, or a provider
	// that failed is worth another try; zero for never. It is set on errors, too.
	Next time.Time
	// Stale are the objects whose provider failed and whose last good values
	// are in Set.
	Stale Failures
	// LeftOut are objects of which something is not done, while all else is: only a
	// controller that is not there could do it, or there is nothing to do it to.
	LeftOut Failures
	// Resolved lists the objects that were replaced, in the order of the set.
	Resolved []Resolution
}

// Run resolves what is to be resolved in set, whose objects have their
// namespaces. served tells what the destination cluster serves.
//
// The error is a Failures, or about the Application's annotations. Nothing may
// then be applied or pruned.
func (s *Stage) Run(ctx context.Context, app Application, set manifest.Set, served func(schema.GroupKind) bool) (Result, error) {
	modes, err := s.modes(app, set, served)
	if err != nil {
		return Result{}, err
	}
	r := &run{stage: s, app: app, modes: modes, set: set, slots: make([]slot, len(set))}
	if s.Resolver != nil {
		r.expand(ctx, s.Resolver.Now())
	}
	r.sort()
	r.openSealed(ctx)
	if err := r.fetchExternal(ctx); err != nil {
		return Result{}, fmt.Errorf("resolve secrets: %w", err)
	}
	r.merge(ctx)
	return r.result()
}

// A slot is what becomes of the object at the same place of the set.
type slot struct {
	task   task
	secret *manifest.Object
	stale  error
	err    error
	when   external.Result
}

// run is one call of Run.
type run struct {
	stage *Stage
	app   Application
	modes modes
	set   manifest.Set
	slots []slot

	leftOut Failures
}

// openSealed opens the SealedSecrets. It comes first: a store may authenticate
// with what one holds.
func (r *run) openSealed(ctx context.Context) {
	if r.app.Fresh {
		r.stage.Forget(r.app.Name)
	}
	opener := sealed.Opener{Templates: r.stage.Templates, Deprecated: r.stage.now().deprecated}
	var keys sealed.Keys
	var keysErr error
	asked := false
	for i, o := range r.set {
		at := &r.slots[i]
		if at.task != open || at.err != nil {
			continue
		}
		if !asked && r.stage.Keyring != nil {
			keys, keysErr = r.stage.Keyring.Keys(ctx)
			asked = true
		}
		if keysErr != nil {
			at.err = fmt.Errorf("read the sealing keys: %w", keysErr)
			continue
		}
		opener.Keys = keys
		at.secret, at.err = r.stage.open(ctx, r.app.Name, o, opener)
		at.when.Outlives = sealed.Orphans(o)
		r.steer(o, at)
	}
	r.stage.keepOpened(r.app.Name, r.set, opener)
}

// fetchExternal fetches the ExternalSecrets. Its error is the context's.
func (r *run) fetchExternal(ctx context.Context) error {
	render, cluster := r.render(), newOnce(r.app.Cluster)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, o := range r.set {
		at := &r.slots[i]
		if at.task != fetch || at.err != nil {
			continue
		}
		if r.stage.Resolver == nil {
			at.err = fmt.Errorf("%w: the external-secrets plugin is not there", external.ErrUnsupported)
			continue
		}
		group.Go(func() error {
			defer crash.Recover(&at.err, "fetch secrets")
			at.when, at.err = r.stage.Resolver.Resolve(groupCtx, external.Request{
				Application: r.app.Name, Object: o, Render: render, Cluster: cluster, Server: r.app.Server, Fresh: r.app.Fresh,
			})
			at.secret, at.stale = at.when.Secret, at.when.Stale
			r.steer(o, at)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if r.stage.Resolver != nil {
		r.stage.Resolver.Keep(r.app.Name, r.keys(fetch))
	}
	return ctx.Err()
}

// render is the set as the stores of ExternalSecrets see it: with the Secrets
// that SealedSecrets held.
func (r *run) render() manifest.Set {
	var out manifest.Set
	for i, o := range r.set {
		switch at := r.slots[i]; {
		case at.err != nil:
		case at.secret != nil:
			out = append(out, at.secret)
		case at.task == leave || at.task == consume:
			out = append(out, o)
		}
	}
	return out
}

func (r *run) keys(of task) map[manifest.Key]bool {
	out := map[manifest.Key]bool{}
	for i, o := range r.set {
		if r.slots[i].task == of {
			out[o.Key] = true
		}
	}
	return out
}
