package sets

import (
	"context"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/event"
	"github.com/tidelock-io/tidelock/agent/rival"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rivals tell whether somebody else keeps the Applications of sets.
type Rivals struct {
	// State sees whether Argo CD's applicationset controller runs in a namespace, by a
	// glance that was not before a time; nil if nobody looks, or it is no matter.
	State func(ctx context.Context, namespace string, after time.Time) rival.State
	// Patience is for how long Argo CD may be silent and still be there.
	Patience func() time.Duration
	// Tidelock says whether an Application is another Tidelock's; nil if nobody looks.
	Tidelock func(ctx context.Context, app *api.Application) rival.Verdict
}

// contested says whether the set is somebody else's. It costs requests only where Argo CD
// was the last to write its status, or nobody has, or another Tidelock works on its
// Applications.
func (p *pass) contested(ctx context.Context) (v rival.Verdict, argo bool) {
	look, rivals := rival.OfSet(p.set), p.c.Rivals
	if rivals.State != nil && (look.Theirs || look.At.IsZero()) {
		v = rival.JudgeSet(look, rivals.State(ctx, p.c.Namespace, look.At), rivals.Patience(), p.now.Time)
	}
	if v.Held || rivals.Tidelock == nil {
		return v, true
	}
	for _, app := range p.owned() {
		if v = rivals.Tidelock(ctx, app); v.Held {
			break
		}
	}
	return v, false
}

// yield leaves the set to whoever keeps it. Beside what Argo CD says a condition says so;
// another Tidelock would take it away, so that an Event has to do.
func (p *pass) yield(ctx context.Context, v rival.Verdict, argo bool) error {
	p.again = v.Again
	p.tellOnce(event.Event{Warning: true, Reason: string(api.ApplicationSetRivalWarning), Message: v.Why})
	if !argo {
		return nil
	}
	warning := api.ApplicationSetCondition{
		Type: api.ApplicationSetRivalWarning, Status: metav1.ConditionTrue, Reason: api.ReasonRivalController, Message: v.Why, LastTransitionTime: &p.now,
	}
	if i := slices.IndexFunc(p.status.Conditions, isRival); i >= 0 && p.status.Conditions[i].Message == v.Why {
		return nil
	}
	p.status.Conditions = append(withoutRival(p.status.Conditions), warning)
	return p.store(ctx)
}

func isRival(c api.ApplicationSetCondition) bool { return c.Type == api.ApplicationSetRivalWarning }

// withoutRival are the conditions of a set that is ours.
func withoutRival(all []api.ApplicationSetCondition) []api.ApplicationSetCondition {
	return slices.DeleteFunc(slices.Clone(all), isRival)
}
