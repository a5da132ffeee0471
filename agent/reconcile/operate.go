package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/agent/trace"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// operate goes on with the running operation, takes on a requested one, or
// begins one by itself. It returns the changes as they are afterwards.
func (p *pass) operate(ctx context.Context, desired *Desired, changes []diff.Change) []diff.Change {
	running := p.status.OperationState
	op := p.current(desired, changes)
	p.expires(op)
	hash, ok := p.approves(op, desired, changes)
	if !ok || p.closed(op) || p.rests(op) || p.depends(ctx, op) {
		p.overtaken(running, desired)
		return changes
	}
	p.approve(op, hash, changes)
	if err := p.accept(ctx, op, desired); err != nil {
		p.log.Warn("cannot begin the operation", "error", err)
		p.failed = true
		return changes
	}
	p.sync(ctx, op, desired, changes)
	return p.look(ctx, desired)
}

// current returns the operation to work on; nil if there is none.
func (p *pass) current(desired *Desired, changes []diff.Change) *api.OperationState {
	if p.terminated { // its end is to be stored, and seen, before another begins
		p.soon(settle)
		return nil
	}
	running := p.status.OperationState
	if running != nil && !running.Phase.Completed() {
		p.takeUp(running)
		if p.deadline(running) || p.senseless(running) {
			return nil
		}
		if !p.superseded(running, desired) {
			return running
		}
		p.log.Info("a newer commit supersedes the operation", "revision", desired.Revisions)
	}
	if p.app.Operation != nil {
		if p.crowded(desired) {
			return nil
		}
		return p.requested(*p.app.Operation, desired)
	}
	if !p.app.Spec.SyncPolicy.IsAutomated() {
		return nil
	}
	todo := p.planOf(&api.OperationState{Operation: p.automatic(decision{}, changes)}, desired, changes, nil)
	p.held(todo)
	d := autoSync(p.app, changes, duePrunes(todo, changes), desired.Revisions, p.now.Time, p.rest())
	p.soon(d.wait)
	if d.because != "" && p.status.OperationState != nil && p.status.OperationState.Phase == api.OperationFailed {
		p.report.add(api.ConditionSyncError, d.because)
	}
	if p.demand != "" {
		d.heal = false // what people approve of is a sync of the whole, as they are shown it
	}
	if !d.start || !d.heal && p.crowded(desired) {
		return nil
	}
	return p.open(p.automatic(d, changes), desired)
}

// requested takes on the operation that somebody asks for. One that cannot be
// carried out ends at once.
func (p *pass) requested(op api.Operation, desired *Desired) *api.OperationState {
	p.taken = true
	op.Info = withoutApproved(op.Info)
	errs := api.ValidateOperation(&op)
	if len(errs) == 0 {
		return p.open(op, desired)
	}
	p.status.OperationState = &api.OperationState{
		Operation: op, Phase: api.OperationError, Message: clip(errs.ToAggregate().Error()), StartedAt: p.now, FinishedAt: &p.now,
	}
	return nil
}

// senseless ends an operation that runs, as status says, and cannot be carried
// out: another program has left it so.
func (p *pass) senseless(op *api.OperationState) bool {
	errs := api.ValidateOperation(&op.Operation)
	if len(errs) > 0 {
		p.conclude(op, api.OperationError, errs.ToAggregate().Error())
	}
	return len(errs) > 0
}

// rest is how long a failed revision rests: not at all if the project or the
// keys have changed since, for it may have failed of what they were.
func (p *pass) rest() time.Duration {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	if then := p.r.failed[p.name]; then != nil && then != p.rules {
		return 0
	}
	return p.pace.Rest
}

// superseded says that an automatic operation is bound to a revision that is
// no longer wanted. It has stopped between two steps, so it may be replaced
// (DESIGN.md D9).
func (p *pass) superseded(running *api.OperationState, desired *Desired) bool {
	return running.Operation.InitiatedBy.Automated && !attempted(p.app, desired.Revisions)
}

// automatic makes the operation of an automatic sync.
func (p *pass) automatic(d decision, changes []diff.Change) api.Operation {
	policy := p.app.Spec.SyncPolicy
	op := api.Operation{
		Sync:        &api.SyncOperation{Prune: policy.Automated.Prunes(), SyncOptions: policy.SyncOptions},
		InitiatedBy: api.Initiator{Automated: true},
		Retry:       policy.RetryOf(true),
		Info:        p.consent(),
	}
	op.Sync.SelfHealAttemptsCount = d.attempts
	if !d.heal {
		return op
	}
	for _, c := range changes {
		if c.OutOfSync() && c.Verdict != diff.Foreign && c.Verdict != diff.Refused {
			op.Sync.Resources = append(op.Sync.Resources, api.SyncResource{
				Group: c.Key.Group, Kind: c.Key.Kind, Namespace: c.Key.Namespace, Name: c.Key.Name,
			})
		}
	}
	return op
}

// open begins an operation. One that a bare `kubectl patch` asked for takes the
// Application's own options (DESIGN.md 4).
func (p *pass) open(op api.Operation, desired *Desired) *api.OperationState {
	if bare(&op) {
		op.Retry = p.app.Spec.SyncPolicy.RetryOf(false)
	}
	if op.Sync.SyncOptions == nil {
		op.Sync.SyncOptions = p.app.Spec.SyncPolicy.Options()
	}
	state := &api.OperationState{Operation: op, Phase: api.OperationRunning, StartedAt: p.now, SyncResult: &api.SyncResult{}}
	p.bind(state, desired)
	return state
}

// bind ties an operation to the commits that it is for.
func (p *pass) bind(op *api.OperationState, desired *Desired) {
	sync := *op.Operation.Sync // the request is another's
	op.Operation.Sync = &sync
	p.bindNamespace(op)
	app := withSources(p.app, &op.Operation)
	sources := app.Spec.AllSources()
	if app.Spec.HasMultipleSources() {
		op.SyncResult.Sources, op.SyncResult.Revisions = sources, desired.Revisions
		sync.Revisions = desired.Revisions
	} else if len(sources) == 1 && len(desired.Revisions) == 1 {
		op.SyncResult.Source, op.SyncResult.Revision = sources[0], desired.Revisions[0]
		sync.Revision = desired.Revisions[0]
	}
}

// bound says that an operation knows its commits. One that failed before anything
// could be rendered does not.
func bound(op *api.OperationState) bool {
	return op.SyncResult.Revision != "" || len(op.SyncResult.Revisions) > 0
}

// rests says that a retry has still to wait.
func (p *pass) rests(op *api.OperationState) bool {
	rest := p.restOf(op)
	if rest > 0 {
		p.soon(rest)
		p.report.add(api.ConditionSyncError, op.Message)
	}
	return rest > 0
}

// restOf returns how long a retry has still to wait.
func (p *pass) restOf(op *api.OperationState) (rest time.Duration) {
	if at := RetryAt(op); !at.IsZero() {
		return at.Sub(p.now.Time)
	}
	return 0
}

// accept records, before anything is done, that the operation runs. So another
// process knows of it if this one dies now.
func (p *pass) accept(ctx context.Context, op *api.OperationState, desired *Desired) error {
	if err := p.conclusion(ctx); err != nil {
		return err
	}
	if op.SyncResult == nil { // another program has begun it
		op.SyncResult = &api.SyncResult{}
	}
	retries := op.FinishedAt != nil
	if retries { // from the start
		op.SyncResult.Resources = nil
	}
	if retries && op.Operation.Retry.Refresh || !bound(op) {
		p.bind(op, desired)
	}
	promise(op, desired)
	op.Phase, op.FinishedAt = api.OperationRunning, nil
	p.status.OperationState = op
	return p.write(ctx)
}

// sync does what is to be done now, and ends or suspends the operation.
func (p *pass) sync(ctx context.Context, op *api.OperationState, desired *Desired, changes []diff.Change) {
	if err := shared(op, changes); err != nil {
		p.end(op, []apply.Result{{Err: err, Message: err.Error()}}, "")
		return
	}
	runs, err := p.runs(op, desired)
	if err != nil {
		p.end(op, []apply.Result{{Err: err, Message: err.Error()}}, "")
		return
	}
	if err := p.resume(ctx, op, runs); err != nil {
		p.failed, op.Message = true, clip(err.Error())
		return
	}
	p.noteRuns(op, runs)
	_, planned := trace.Step(ctx, "plan")
	todo := plan.Build(changes, runs, p.policy(op))
	planned(nil)
	if !op.Operation.Sync.DryRun {
		todo = p.surely(ctx, op, changes, runs, todo)
	}
	p.note(op, skippedResults(todo))
	p.held(todo)
	if p.log.Enabled(ctx, slog.LevelDebug) {
		p.log.Debug("plan", "plan", todo.String())
	}
	if op.Operation.Sync.DryRun {
		p.dryRun(ctx, op, todo)
		return
	}
	ctx, applied := trace.Step(ctx, "apply")
	defer func() { applied(failure(op)) }()
	if err := p.prepare(ctx, op, todo); err != nil {
		p.end(op, []apply.Result{{Err: err, Message: err.Error()}}, "")
		return
	}
	if err := p.yield(ctx, changes); err != nil {
		p.end(op, []apply.Result{{Err: err, Message: err.Error()}}, "")
		return
	}
	p.waves(ctx, op, todo)
}

// failure says that an operation has failed, for whoever does not ask why.
func failure(op *api.OperationState) error {
	if op.Phase == api.OperationFailed || op.Phase == api.OperationError {
		return errors.New(string(op.Phase))
	}
	return nil
}

// held says that deletions wait for somebody's consent.
func (p *pass) held(todo plan.Plan) {
	if todo.Guard != "" {
		p.report.add(api.ConditionSyncError, "deletions are held: "+todo.Guard)
	}
}

// prepare makes the destination's namespace, if it is asked for, and dry-runs
// what is to be created.
func (p *pass) prepare(ctx context.Context, op *api.OperationState, todo plan.Plan) error {
	if err := p.refusal(); err != nil {
		return err
	}
	if begun(op) {
		return nil
	}
	if err := p.makeNamespace(ctx, op, todo); err != nil {
		return err
	}
	if failed := append(p.rejected, p.apply.Preflight(ctx, todo, p.options(op))...); len(failed) > 0 {
		p.apply.ForgetNamespace(p.app.Spec.Destination.Namespace)
		p.note(op, failed)
		return fmt.Errorf("nothing was applied, for the API server refuses %s", describe(failed))
	}
	return nil
}

// ErrNotPermitted says that the project does not permit an object.
var ErrNotPermitted = errors.New("one or more synchronization tasks are not valid")

// refusal is an error if the project does not permit an object.
func (p *pass) refusal() error {
	if len(p.refused) == 0 {
		return nil
	}
	reasons := slices.Sorted(maps.Values(p.refused))
	text := reasons[0]
	if more := len(reasons) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return fmt.Errorf("%w: %s", ErrNotPermitted, text)
}

// policy is what an operation may do.
func (p *pass) policy(op *api.OperationState) plan.Policy {
	sync := op.Operation.Sync
	policy := plan.Policy{
		Prune:        sync.Prune,
		PruneLast:    sync.SyncOptions.Has(api.SyncOptionPruneLast),
		PruneNever:   sync.SyncOptions.Has(api.SyncOptionPruneFalse),
		PruneConfirm: sync.SyncOptions.Has(api.SyncOptionPruneConfirm),
		AllowEmpty:   p.app.Spec.SyncPolicy != nil && p.app.Spec.SyncPolicy.Automated.AllowsEmpty(),
		Approved:     p.app.Annotations[api.AnnotationApprove],
		Released:     infoOf(op, api.AnnotationApproved) != "",
		Confirmed:    p.confirmed(op) || p.demand != "" && (approved(op) || sync.DryRun),
		Heirs:        p.heirOf,
		Yielded:      p.yielded,
	}
	if len(sync.Resources) > 0 {
		policy.Only = map[manifest.Key]bool{}
		for _, r := range sync.Resources {
			policy.Only[manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}] = true
		}
	}
	return policy
}
