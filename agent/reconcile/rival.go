package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/rival"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ConditionRivalControllerWarning says that Argo CD works on the Application, so that
// this agent does not.
const ConditionRivalControllerWarning api.ConditionType = "RivalControllerWarning"

// Rivals sees whether Argo CD's application controller runs in a namespace, by a glance
// that was not before a time.
type Rivals interface {
	State(ctx context.Context, namespace string, after time.Time) rival.State
	// Tidelock sees whether another one works in a namespace.
	Tidelock(ctx context.Context, namespace string, after time.Time) rival.State
}

// Tidelock says whether an Application is that of a Tidelock in another namespace, which
// was the last to look at it, and works.
func (r *Reconciler) Tidelock(ctx context.Context, app *api.Application) rival.Verdict {
	look := rival.Of(app)
	if r.Rivals == nil || !rival.Ours(look, r.Namespace) {
		return rival.Verdict{}
	}
	return rival.JudgeTidelock(look, app.Namespace, r.Namespace, r.Rivals.Tidelock(ctx, look.Namespace, look.At), r.settings().Patience(), r.Now())
}

// cede leaves an Application to another Tidelock. That would take a condition away,
// so an Event says so, and says so again before it is forgotten.
func (r *Reconciler) cede(app *api.Application, instance string, v rival.Verdict) Outcome {
	r.drop(instance)
	now := r.Now()
	r.mu.Lock()
	last, known := r.yielded[instance]
	news := !known || last.why != v.Why || now.Sub(last.at) >= tellAgain
	if news {
		r.yielded[instance] = yielding{v.Why, now}
	}
	r.mu.Unlock()
	if news {
		r.Log.Warn("another Tidelock works on an Application", "application", instance, "why", v.Why)
		if r.Yielded != nil {
			r.Yielded(app, v.Why)
		}
	}
	return Outcome{Again: v.Again}
}

// tellAgain is less than for how long an API server keeps Events.
const tellAgain = 30 * time.Minute

// A yielding is why an Application was left to somebody else, and when that was told.
type yielding struct {
	why string
	at  time.Time
}

// contested says whether an Application is Argo CD's. It costs requests only where Argo
// CD was the last to look at it, or nobody has.
func (r *Reconciler) contested(ctx context.Context, app *api.Application) rival.Verdict {
	look := rival.Of(app)
	if r.Rivals == nil || r.tuned.Load().IgnoreRivals || !look.Theirs && !look.At.IsZero() {
		return rival.Verdict{}
	}
	namespace := look.Namespace
	if namespace == "" {
		namespace = r.Namespace
	}
	return rival.Judge(look, r.Rivals.State(ctx, namespace, look.At), r.settings().Patience(), r.Now())
}

// yield leaves an Application to Argo CD, and says so in a condition beside those of
// that. What is known of it is out of date when it is ours again.
func (r *Reconciler) yield(ctx context.Context, app *api.Application, instance string, v rival.Verdict) (Outcome, error) {
	r.drop(instance)
	is := func(c api.Condition) bool { return c.Type == ConditionRivalControllerWarning }
	if slices.ContainsFunc(app.Status.Conditions, func(c api.Condition) bool { return is(c) && c.Message == v.Why }) {
		return Outcome{Again: v.Again}, nil
	}
	r.Log.Warn("Argo CD works on an Application", "application", instance, "why", v.Why)
	now := metav1.NewTime(r.Now())
	conditions := append(slices.DeleteFunc(slices.Clone(app.Status.Conditions), is),
		api.Condition{Type: ConditionRivalControllerWarning, Message: v.Why, LastTransitionTime: &now})
	raw, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": app.ResourceVersion}, "status": map[string]any{"conditions": conditions},
	})
	if err != nil {
		return Outcome{Failed: true}, err
	}
	if _, err := r.Store.Patch(ctx, app.Namespace, app.Name, raw); err != nil {
		return Outcome{Failed: true}, fmt.Errorf("say in the status of application %s that it is Argo CD's: %w", instance, err)
	}
	return Outcome{Again: v.Again}, nil
}
