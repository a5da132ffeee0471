package reconcile

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/diff"
	"k8s.io/apimachinery/pkg/api/equality"
)

// options are how an operation writes.
func (p *pass) options(op *api.OperationState) apply.Options {
	sync := op.Operation.Sync
	o := apply.Options{Sync: sync.SyncOptions, Migrate: p.app.Annotations[api.AnnotationClientSideApplyMigrationManager], Premature: p.premature}
	if strategy := sync.SyncStrategy; strategy != nil {
		o.Force = strategy.Apply != nil && strategy.Apply.Force || strategy.Hook != nil && strategy.Hook.Force
	}
	if sync.SyncOptions.Has(api.SyncOptionRespectIgnoreDifferences) {
		o.Respect = p.ignore
	}
	return o
}

// asking are how the operation that runs or is asked for would write, else the
// next automatic one.
func (p *pass) asking() apply.Options {
	op := api.Operation{Sync: &api.SyncOperation{}}
	if running := p.status.OperationState; running != nil && !running.Phase.Completed() && running.Operation.Sync != nil {
		op = running.Operation
	} else if p.app.Operation != nil && p.app.Operation.Sync != nil {
		op = *p.app.Operation
	}
	o := p.options(&api.OperationState{Operation: op})
	if o.Sync == nil {
		o.Sync = p.app.Spec.SyncPolicy.Options()
	}
	return o
}

// An ignored is an Application's rules of ignoreDifferences, compiled.
type ignored struct {
	rules, system []diff.Rule
	ignore        *diff.Ignore
}

// ignores compiles the Application's rules, and those for all, once for as long
// as they are the same.
func (p *pass) ignores() (*diff.Ignore, error) {
	rules, system := p.app.Spec.IgnoreDifferences, p.settings.Ignore
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	if known, ok := p.r.ignores[p.name]; ok && equality.Semantic.DeepEqual([][]diff.Rule{known.rules, known.system}, [][]diff.Rule{rules, system}) {
		return known.ignore, nil
	}
	ignore, err := diff.NewIgnore(rules, system...)
	if err != nil {
		return nil, err
	}
	p.r.ignores[p.name] = ignored{rules, system, ignore}
	return ignore, nil
}
