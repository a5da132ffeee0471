package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// cascades are the finalizers that ask for an Application's objects to go with
// it.
var cascades = []string{api.FinalizerResources, api.FinalizerResourcesForeground, api.FinalizerResourcesBackground}

// propagation is how the Application's objects are to go, by the first of its
// finalizers that says so (SEMANTICS.md 2.3).
func propagation(finalizers []string) metav1.DeletionPropagation {
	i := slices.IndexFunc(finalizers, func(f string) bool { return slices.Contains(cascades, f) })
	if i >= 0 && finalizers[i] == api.FinalizerResourcesBackground {
		return metav1.DeletePropagationBackground
	}
	return metav1.DeletePropagationForeground
}

// cascade deletes the highest wave that has objects left. It is over when there
// are none.
func (p *pass) cascade(ctx context.Context) (over bool, err error) {
	if err := p.watch(ctx, nil); err != nil {
		return false, err
	}
	if !p.abandonStrays() {
		p.soon(toldOf)
		return false, nil
	}
	doomed := p.doomed(ctx)
	if len(doomed) == 0 {
		return true, nil
	}
	doomed, doubt, err := p.bequeath(ctx, doomed)
	if doubt != "" {
		p.report.add(ConditionDeletionWarning, doubt)
	}
	if err != nil || len(doomed) == 0 || p.unapproved(doomed) {
		return false, err
	}
	if held, err := p.swept(ctx); held {
		return false, err
	}
	p.lingering(doomed)
	return false, p.deleteWave(ctx, lastWave(doomed))
}

// toldOf is when a deletion goes on that has something to tell first.
const toldOf = time.Second

// doomed are the objects that go with the Application: those that are its own
// and are not to stay, and what is left of the hooks of its syncs.
func (p *pass) doomed(ctx context.Context) []diff.Change {
	doomed := p.look(ctx, &Desired{})
	destination := p.to.dest
	for _, l := range p.liveHooks() {
		if !ofDeletion(l) && !p.excludes(l.Key) && p.rules.Live(l.Key, destination).Allowed {
			doomed = append(doomed, diff.Change{Key: l.Key, Verdict: diff.Extra, Live: l})
		}
	}
	return slices.DeleteFunc(doomed, p.keeps)
}

// keeps says that an object outlives its Application.
func (p *pass) keeps(c diff.Change) bool {
	return p.itself(c.Key) || stays(c.Key.Kind, c.Live, p.app.Spec.SyncPolicy.Options())
}

// stays says that an object is not deleted with its Application, whose options
// count for what the object does not say itself.
func stays(kind string, l *diff.Live, options api.SyncOptions) bool {
	return l.Keep || kind == "CustomResourceDefinition" || optionOf(l.Options, options, "Delete") == "false"
}

// optionOf is the value of an option for an object of which the annotation is
// given: its own, or the Application's.
func optionOf(annotation string, options api.SyncOptions, name string) string {
	if own := api.ParseSyncOptions(annotation).Value(name); own != "" {
		return own
	}
	return options.Value(name)
}

// asks says that an object is deleted with somebody's consent only: one that is
// not pruned without is not deleted with its Application, either.
func asks(annotation string, options api.SyncOptions) bool {
	return optionOf(annotation, options, "Delete") == "confirm" || optionOf(annotation, options, "Prune") == "confirm"
}

// asksConsent is asks, of an object as it is live or as it is in Git.
func asksConsent(c diff.Change, options api.SyncOptions) bool {
	return c.Desired != nil && asks(c.Desired.Annotations[api.AnnotationSyncOptions], options) ||
		c.Live != nil && asks(c.Live.Options, options)
}

// unapproved says that nobody has consented to the deletion since it was asked
// for, and that objects ask for that.
func (p *pass) unapproved(doomed []diff.Change) bool {
	options := p.app.Spec.SyncPolicy.Options()
	asking := slices.DeleteFunc(slices.Clone(doomed), func(c diff.Change) bool { return !asks(c.Live.Options, options) })
	since := p.app.DeletionTimestamp.Time
	if len(asking) == 0 || !p.approval().Before(since) {
		return false
	}
	p.remain()
	p.report.add(ConditionDeletionWarning, fmt.Sprintf("nothing is deleted, for %s is deleted with consent only: set annotation %s to a time not before %s",
		named(asking), api.AnnotationDeletionApproved, since.UTC().Format(timeLayout)))
	return true
}

// named names the first of some objects.
func named(changes []diff.Change) string {
	text := changes[0].Key.String()
	if more := len(changes) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// lastWave are the objects of the highest wave: it goes first, and is waited for.
func lastWave(doomed []diff.Change) []diff.Change {
	last := slices.MaxFunc(doomed, func(a, b diff.Change) int { return a.Live.Wave - b.Live.Wave }).Live.Wave
	return slices.DeleteFunc(slices.Clone(doomed), func(c diff.Change) bool { return c.Live.Wave < last })
}

// deleteWave deletes the objects of a wave, and lets go of the hooks among them.
func (p *pass) deleteWave(ctx context.Context, wave []diff.Change) error {
	todo := slices.DeleteFunc(slices.Clone(wave), func(c diff.Change) bool { return c.Live.Deleting })
	var errs []error
	for _, f := range apply.Failed(p.apply.Delete(ctx, todo, propagation(p.app.Finalizers))) {
		errs = append(errs, f.Err)
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, c := range wave {
		if c.Live.Hook {
			errs = append(errs, p.releaseHook(ctx, c.Live))
		}
	}
	return errors.Join(errs...)
}

// patient is how long the end of an object may take before status says so.
const patient = 5 * time.Second

// lingering reports the objects that were deleted and do not go.
func (p *pass) lingering(doomed []diff.Change) {
	late := slices.DeleteFunc(slices.Clone(doomed), func(c diff.Change) bool {
		if c.Live.Deleted == 0 {
			return true
		}
		rest := time.Unix(c.Live.Deleted, 0).Add(patient).Sub(p.now.Time)
		p.soon(rest)
		return rest > 0
	})
	if len(late) == 0 {
		return
	}
	p.remain()
	p.report.add(ConditionDeletionWarning, "waiting for the end of "+named(late)+", which "+holdOf(late[0].Live))
}

// holdOf says since when an object is to go, and what holds it.
func holdOf(l *diff.Live) string {
	text := "was deleted at " + time.Unix(l.Deleted, 0).UTC().Format(timeLayout)
	switch l.Finalizers {
	case "":
		return text + " and is still there"
	case metav1.FinalizerDeleteDependents:
		return text + " and goes when its dependents have gone"
	}
	return text + " and stays until whoever set them has removed its finalizers: " + l.Finalizers
}

// remain reduces the status to the objects that are still there.
func (p *pass) remain() {
	live := p.to.Cluster.Snapshot(p.name, nil)
	options := p.app.Spec.SyncPolicy.Options()
	var resources []api.ResourceStatus
	for _, r := range p.status.Resources {
		l := live[objectOf(r)]
		if l == nil {
			continue
		}
		r.Health = shownHealth(l.Health)
		r.RequiresDeletionConfirmation = asks(l.Options, options)
		resources = append(resources, r)
	}
	p.status.Resources = resources
}

func objectOf(r api.ResourceStatus) manifest.Key {
	return manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}
