package resolve

import (
	"fmt"
	"maps"
	"time"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// steering lists the annotations that tell the engine when and how to sync an
// object. They follow the object into its Secret, which otherwise would be
// synced in another wave than its author wrote. This is the one deviation from
// what the controllers make; what a template states comes first.
var steering = []string{
	"argocd.argoproj.io/sync-wave",
	"argocd.argoproj.io/hook",
	"argocd.argoproj.io/hook-delete-policy",
	"argocd.argoproj.io/sync-options",
	"argocd.argoproj.io/compare-options",
}

// orphanOptions keep a Secret whose ExternalSecret leaves and does not own it
// (creationPolicy Orphan, Merge, CreateOrMerge), and one whose SealedSecret leaves
// and has not asked to own it (skip-set-owner-references).
const orphanOptions = "Prune=false,Delete=false"

// steer carries the steering annotations of o over to its Secret.
func (r *run) steer(o *manifest.Object, at *slot) {
	if at.err != nil || at.secret == nil {
		return
	}
	carry := map[string]string{}
	for _, annotation := range steering {
		if value, ok := o.Annotations[annotation]; ok {
			carry[annotation] = value
		}
	}
	if _, stated := carry["argocd.argoproj.io/sync-options"]; at.when.Outlives && !stated {
		carry["argocd.argoproj.io/sync-options"] = orphanOptions
	}
	if at.task == open && r.modes.beside(o.Key.GroupKind()) {
		carry[sealed.AnnotationManaged] = "true" // or its controller, if it comes back, would refuse the Secret
	}
	maps.DeleteFunc(carry, func(annotation, _ string) bool {
		_, stated := at.secret.Annotations[annotation]
		return stated
	})
	if len(carry) > 0 {
		if at.secret, at.err = at.secret.Edit(func(body map[string]any) { annotate(body, carry) }); at.err != nil {
			return
		}
	}
	at.secret = at.secret.From(o.Key)
}

func annotate(body map[string]any, add map[string]string) {
	meta := body["metadata"].(map[string]any)
	annotations, ok := meta["annotations"].(map[string]any)
	if !ok {
		annotations = map[string]any{}
		meta["annotations"] = annotations
	}
	for name, value := range add {
		annotations[name] = value
	}
}

// result puts the slots together.
func (r *run) result() (Result, error) {
	out := Result{LeftOut: r.leftOut}
	var failures Failures
	r.collide()
	for i, o := range r.set {
		at := r.slots[i]
		out.Next = earlier(out.Next, at.when.Next)
		if at.err != nil {
			failures = append(failures, fail(o, at.err))
			continue
		}
		if at.stale != nil {
			out.Stale = append(out.Stale, fail(o, at.stale))
		}
		switch {
		case at.task == leave:
			out.Set = append(out.Set, o)
		case at.secret != nil:
			if at.task == open && r.modes.beside(o.Key.GroupKind()) {
				out.Set = append(out.Set, o)
			}
			out.Set = append(out.Set, at.secret)
			out.Resolved = append(out.Resolved, Resolution{o.Key, o.Origin, at.secret.Key, at.when.Fetched})
		case at.task == fetch:
			out.Resolved = append(out.Resolved, Resolution{From: o.Key, Origin: o.Origin, Fetched: at.when.Fetched})
		}
	}
	if failures != nil {
		return Result{Next: out.Next, LeftOut: out.LeftOut}, failures
	}
	return out, nil
}

// collide marks those that give a Secret which an object before or after gives,
// too. Two plain Secrets with the same key are none of this stage's business.
func (r *run) collide() {
	stated := map[manifest.Key]*manifest.Object{}
	for i, o := range r.set {
		if r.slots[i].task == leave {
			stated[o.Key] = o
		}
	}
	for i, o := range r.set {
		at := &r.slots[i]
		if at.secret == nil || at.err != nil {
			continue
		}
		if other := stated[at.secret.Key]; other != nil {
			at.err = fmt.Errorf("%w: %s is given by %s at %s", ErrCollision, at.secret.Key, other.Key, other.Origin)
			continue
		}
		stated[at.secret.Key] = o
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
