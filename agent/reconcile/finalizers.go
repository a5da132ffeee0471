package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// hookFinalizers are on an Application for as long as Git states a hook of the
// type.
var hookFinalizers = []struct {
	of         api.HookType
	finalizers []string
}{
	{api.HookPreDelete, []string{api.FinalizerPreDelete, api.FinalizerPreDeleteCleanup}},
	{api.HookPostDelete, []string{api.FinalizerPostDelete, api.FinalizerPostDeleteCleanup}},
}

// withFinalizers returns an Application's finalizers as they have to be for its
// hooks, and whether that is a change (SEMANTICS.md 2.2).
func withFinalizers(finalizers []string, hooks []plan.Hook) (want []string, changed bool) {
	want = slices.Clone(finalizers)
	for _, h := range hookFinalizers {
		stated := slices.ContainsFunc(hooks, func(hook plan.Hook) bool { return slices.Contains(hook.Types, h.of) })
		for _, f := range h.finalizers {
			switch i := slices.Index(want, f); {
			case stated && i < 0:
				want, changed = append(want, f), true
			case !stated && i >= 0:
				want, changed = slices.Delete(want, i, i+1), true
			}
		}
	}
	return want, changed
}

// finalize puts the finalizers on the Application that its hooks need, and takes
// off those that they no longer need.
func (p *pass) finalize(ctx context.Context, hooks []plan.Hook) {
	want, changed := withFinalizers(p.app.Finalizers, hooks)
	if !changed {
		return
	}
	if err := p.setFinalizers(ctx, want); err != nil {
		p.log.Warn("cannot keep the finalizers", "error", err)
		p.failed = true
	}
}

// release takes finalizers off an Application that is being deleted.
func (p *pass) release(ctx context.Context, finalizers []string) error {
	rest := slices.DeleteFunc(slices.Clone(p.app.Finalizers), func(f string) bool { return slices.Contains(finalizers, f) })
	err := p.setFinalizers(ctx, rest)
	if apierrors.IsNotFound(err) {
		p.app.Finalizers = nil
		return nil
	}
	return err
}

// setFinalizers writes the Application's finalizers, if nobody has changed the
// Application meanwhile.
func (p *pass) setFinalizers(ctx context.Context, finalizers []string) error {
	raw, err := json.Marshal(patch{Metadata: map[string]any{
		"finalizers": finalizers, "resourceVersion": p.app.ResourceVersion,
	}})
	if err != nil {
		return err
	}
	now, err := p.r.Store.Patch(ctx, p.app.Namespace, p.app.Name, raw)
	if err != nil {
		return fmt.Errorf("write the finalizers of application %s: %w", p.name, err)
	}
	p.app.Finalizers, p.app.ResourceVersion = now.Finalizers, now.ResourceVersion
	return nil
}
