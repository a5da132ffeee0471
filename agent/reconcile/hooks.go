package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// defaultHookTimeout is how long a hook may run that does not say otherwise.
const defaultHookTimeout = time.Hour

// mark of a hook's object names the try of the operation that made it, and the
// moment: "1790000000.0.PreSync". By it, a pass of another process knows that
// the hook was begun.
func markOf(op *api.OperationState, t api.HookType) string {
	return fmt.Sprintf("%d.%d.%s", op.StartedAt.Unix(), op.RetryCount, t)
}

// withHooks says whether the hooks of an operation run: those of a sync of the
// whole Application do (SEMANTICS.md 2.1).
func withHooks(sync *api.SyncOperation) bool {
	return len(sync.Resources) == 0 && (sync.SyncStrategy == nil || sync.SyncStrategy.Apply == nil)
}

// runs returns the runs of hooks in this try of an operation, and how far each
// is: as status says of those that have ended, else as their objects are.
func (p *pass) runs(op *api.OperationState, desired *Desired) ([]plan.Run, error) {
	if !withHooks(op.Operation.Sync) {
		return nil, nil
	}
	var runs []plan.Run
	for _, h := range desired.Hooks {
		for _, t := range h.Types {
			if t == api.HookPreDelete || t == api.HookPostDelete {
				continue
			}
			o, err := p.hookObject(h, hookName(h, t, op, desired), markOf(op, t))
			if err != nil {
				return nil, err
			}
			runs = append(runs, plan.Run{Hook: h, Type: t, Object: o})
		}
	}
	live := p.to.Cluster.Snapshot(p.name, objects(runs))
	for i := range runs {
		runs[i].Live = live[runs[i].Key()]
		p.judge(op, &runs[i])
	}
	return runs, nil
}

func objects(runs []plan.Run) (set manifest.Set) {
	for _, r := range runs {
		set = append(set, r.Object)
	}
	return set
}

// hookName is what the object of a hook is called in an operation.
func hookName(h plan.Hook, t api.HookType, op *api.OperationState, desired *Desired) string {
	revision := ""
	if len(desired.Revisions) > 0 {
		revision = desired.Revisions[0]
	}
	return plan.HookName(h.Object, revision, t, op.StartedAt.Unix(), op.RetryCount)
}

// hookObject is what a run makes: the hook's object with its name, our marks and
// our finalizer.
func (p *pass) hookObject(h plan.Hook, name, mark string) (*manifest.Object, error) {
	key := h.Object.Key
	key.Name = name
	return h.Object.Edit(func(body map[string]any) {
		p.track(body, key)
		meta := body["metadata"].(map[string]any)
		meta["name"] = key.Name
		delete(meta, "generateName")
		finalizers, _ := meta["finalizers"].([]any)
		meta["finalizers"] = append(slices.Clip(finalizers), api.FinalizerHook)
		put(meta, "annotations", api.AnnotationOperation, mark)
	})
}

// judge finds out how far a run is.
func (p *pass) judge(op *api.OperationState, r *plan.Run) {
	known := recorded(op, r)
	made := r.Live != nil && r.Live.Operation == markOf(op, r.Type)
	switch {
	case known != nil && known.HookPhase.Completed():
		r.Phase, r.Message = known.HookPhase, known.Message
	case made:
		r.Phase, r.Message = p.progress(r)
	case known != nil:
		r.Phase = api.OperationError
		r.Message = fmt.Sprintf("Resource %s is missing, it might have been deleted", r.Key())
	case r.Live != nil && !p.owns(r.Live):
		r.Phase, r.Message = api.OperationError, inTheWay(r.Live)
	}
}

// owns says that a live object is the Application's.
func (p *pass) owns(l *diff.Live) bool { return l.App == p.name || l.App == api.AppLabel(p.name) }

// inTheWay says whose object it is that has the name of a hook. It is not ours to
// delete, nor to write over.
func inTheWay(l *diff.Live) string {
	if l.App == "" {
		return fmt.Sprintf("%s is there, and not marked as this application's: delete it, or give the hook another name", l.Key)
	}
	return fmt.Sprintf("%s belongs to application %s: give the hook another name", l.Key, l.App)
}

// recorded returns what status says of a run, nil if nothing.
func recorded(op *api.OperationState, r *plan.Run) *api.ResourceResult {
	if op.SyncResult == nil {
		return nil
	}
	for i, entry := range op.SyncResult.Resources {
		if entry.HookType == r.Type && keyOf(entry) == r.Key() {
			return &op.SyncResult.Resources[i]
		}
	}
	return nil
}

func keyOf(r api.ResourceResult) manifest.Key {
	return manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

// progress takes the health of a hook's object for the outcome of its run
// (SEMANTICS.md 2.1, step 3), and ends one that takes too long.
func (p *pass) progress(r *plan.Run) (api.OperationPhase, string) {
	message := r.Live.Health.Message
	switch r.Live.Health.Code {
	case api.HealthHealthy, "": // or a kind without a check
		return api.OperationSucceeded, message
	case api.HealthDegraded, api.HealthUnknown:
		return api.OperationFailed, message
	}
	timeout := p.timeout(api.AnnotationHookTimeout, r.Object.Annotations, defaultHookTimeout)
	left := time.Unix(r.Live.Created, 0).Add(timeout).Sub(p.now.Time)
	if left <= 0 {
		return api.OperationFailed, strings.TrimSuffix(fmt.Sprintf("the hook has not ended within %s (%s): %s", timeout, api.AnnotationHookTimeout, message), ": ")
	}
	p.soon(left)
	return api.OperationRunning, message
}

// timeout reads a duration from an object's annotations, or the Application's.
func (p *pass) timeout(name string, own map[string]string, otherwise time.Duration) time.Duration {
	for _, annotations := range []map[string]string{own, p.app.Annotations} {
		text, ok := annotations[name]
		if !ok {
			continue
		}
		d, err := time.ParseDuration(text)
		if err == nil && d > 0 {
			return d
		}
		p.report.add(api.ConditionInvalidSpecError, fmt.Sprintf("annotation %s: %.40q is no duration such as 90s or 15m: it does not count", name, text))
	}
	return otherwise
}

// liveHooks lists the hooks of the Application that are in the cluster.
func (p *pass) liveHooks() (hooks []*diff.Live) {
	if p.to.Cluster == nil {
		return nil // it cannot be reached
	}
	for _, l := range p.to.Cluster.Snapshot(p.name, nil) {
		if l.Hook {
			hooks = append(hooks, l)
		}
	}
	slices.SortFunc(hooks, func(a, b *diff.Live) int { return a.Key.Compare(b.Key) })
	return hooks
}
