package resolve

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/external"
)

// expand puts ExternalSecrets in the place of each ClusterExternalSecret that is
// resolved here. The steering annotations of the one hold for the others.
func (r *run) expand(ctx context.Context, now time.Time) {
	var set manifest.Set
	var slots []slot
	for _, o := range r.set {
		if !external.IsClusterKind(o) || !r.modes.resolves(o.Key.GroupKind()) {
			set, slots = append(set, o), append(slots, slot{})
			continue
		}
		made, at := r.expandOne(ctx, o, now)
		set, slots = append(set, o), append(slots, at)
		set = append(set, made...)
		slots = append(slots, make([]slot, len(made))...)
	}
	r.set, r.slots = set, slots
}

func (r *run) expandOne(ctx context.Context, o *manifest.Object, now time.Time) (manifest.Set, slot) {
	at := slot{task: expanded}
	if at.err = r.permit(o); at.err != nil {
		return nil, at
	}
	namespacer, _ := r.app.Cluster.(external.Namespacer)
	made, every, err := external.Expand(ctx, o, r.set, namespacer)
	if err != nil {
		at.err = err
		return nil, at
	}
	at.when.Next = now.Add(every)
	var kept manifest.Set
	for _, one := range made {
		switch err := r.permit(one); {
		case err != nil:
			r.leaveOut(o, fmt.Errorf("namespace %s: %w", one.Key.Namespace, err))
		case r.set.Find(one.Key) != nil:
			r.leaveOut(o, fmt.Errorf("namespace %s: there is an ExternalSecret of that name already", one.Key.Namespace))
		default:
			kept = append(kept, carrying(one, o))
		}
	}
	return kept, at
}

// carrying returns o with the steering annotations of from.
func carrying(o, from *manifest.Object) *manifest.Object {
	carry := map[string]string{}
	for _, annotation := range steering {
		if value, ok := from.Annotations[annotation]; ok && o.Annotations[annotation] == "" {
			carry[annotation] = value
		}
	}
	if len(carry) == 0 {
		return o
	}
	with, err := o.Edit(func(body map[string]any) { annotate(body, carry) })
	if err != nil {
		return o // it was an object, and one with an annotation more is one, too
	}
	return with
}

// leaveOut notes what is not done, and why, while all else goes on.
func (r *run) leaveOut(o *manifest.Object, err error) {
	r.leftOut = append(r.leftOut, fail(o, err))
}
