package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
)

// Wave does what a wave has to do: prunes at once, then group after group. A
// failing group does not stop the later ones (SEMANTICS.md 2.1).
func (a *Applier) Wave(ctx context.Context, w plan.Wave, options Options) []Result {
	results := a.Delete(ctx, w.Prunes, options.Propagation())
	for _, group := range w.Groups {
		results = append(results, each(ctx, group, func(ctx context.Context, c diff.Change) Result { return a.one(ctx, c, options) })...)
		a.awaitServed(ctx, group)
	}
	return results
}

// Delete deletes objects at once.
func (a *Applier) Delete(ctx context.Context, changes []diff.Change, propagation metav1.DeletionPropagation) []Result {
	return each(ctx, changes, func(ctx context.Context, c diff.Change) Result { return a.prune(ctx, c, propagation) })
}

// one applies an object and tells the cluster's records what came of it.
func (a *Applier) one(ctx context.Context, c diff.Change, options Options) Result {
	if options.Premature != nil {
		if err := options.Premature(c); err != nil {
			return failure(c, err)
		}
	}
	answer, created, err := a.send(ctx, c, options)
	if err != nil {
		return failure(c, err)
	}
	a.cluster.Accept(c.Desired, answer)
	message := c.Key.Kind + " configured"
	if created {
		message = c.Key.Kind + " created"
	}
	return Result{Key: c.Key, Version: c.Desired.Version, Code: api.ResultSynced, Message: message}
}

// prune deletes the very object that the plan saw.
func (a *Applier) prune(ctx context.Context, c diff.Change, propagation metav1.DeletionPropagation) Result {
	result := Result{Key: c.Key, Version: c.Live.Version, Code: api.ResultPruned, Message: "pruned"}
	err := a.delete(ctx, c.Live, propagation)
	if errors.Is(err, errLeft) {
		result.Code, result.Message = api.ResultPruneSkipped, err.Error()
		return result
	}
	if err != nil {
		return Result{
			Key: c.Key, Version: c.Live.Version, Code: api.ResultSyncFailed,
			Message: err.Error(), Err: fmt.Errorf("prune %s: %w", c.Key, err),
		}
	}
	a.cluster.Deleting(c.Live)
	return result
}

// errLeft says that an object has become another application's.
var errLeft = errors.New("ignored (it belongs to another application by now)")

// delete deletes an object as it was seen: what has changed since is looked at
// again, for it may have been handed over to another application.
func (a *Applier) delete(ctx context.Context, live *diff.Live, propagation metav1.DeletionPropagation) error {
	url, err := a.url(ctx, live.Key.GroupKind().WithVersion(live.Version), live.Key)
	if err != nil {
		return err
	}
	uid, version := types.UID(live.UID), live.ResourceVersion
	err = retry.OnError(retry.DefaultBackoff, apierrors.IsConflict, func() error {
		options := metav1.DeleteOptions{
			TypeMeta:          metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"},
			Preconditions:     &metav1.Preconditions{UID: &uid, ResourceVersion: &version},
			PropagationPolicy: &propagation,
		}
		conflict := a.request(ctx, func() error { return a.client.Delete().AbsPath(url).Body(&options).Do(ctx).Error() })
		if !apierrors.IsConflict(conflict) {
			return conflict
		}
		now, err := a.cluster.Reread(ctx, live)
		switch {
		case err != nil:
			return err
		case now == nil || now.UID != live.UID:
			return nil // gone, or another object under its name: not ours to delete
		case now.App != live.App:
			return errLeft
		}
		version = now.ResourceVersion
		return conflict
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// How long to wait for the kinds of new CustomResourceDefinitions.
const (
	servedWithin = 15 * time.Second
	servedPoll   = 100 * time.Millisecond
)

// servedPolls are further and further apart, for each asks for all that the server
// serves.
var servedPolls = wait.Backoff{Duration: servedPoll, Factor: 1.5, Steps: 10, Cap: 2 * time.Second}

// awaitServed waits until the kinds that a group has defined are served. If
// they never are, the objects of those kinds say so.
func (a *Applier) awaitServed(ctx context.Context, group []diff.Change) {
	for _, c := range group {
		if c.Key.Kind != "CustomResourceDefinition" {
			continue
		}
		a.awaitKinds(ctx, servedBy(c.Desired))
	}
}

func (a *Applier) awaitKinds(ctx context.Context, kinds []schema.GroupVersionKind) {
	ctx, cancel := context.WithTimeout(ctx, servedWithin)
	defer cancel()
	_ = servedPolls.DelayFunc().Until(ctx, true, true, func(ctx context.Context) (bool, error) {
		if !slices.ContainsFunc(kinds, func(gvk schema.GroupVersionKind) bool { return !a.cluster.ServesVersion(gvk) }) {
			return true, nil
		}
		if err := a.cluster.Discover(ctx); err != nil {
			a.log.Warn("cannot tell what the cluster serves", "error", err)
		}
		return false, nil
	})
}

// servedBy returns the kinds that a CustomResourceDefinition makes the server serve.
func servedBy(crd *manifest.Object) (kinds []schema.GroupVersionKind) {
	spec, _ := crd.Body()["spec"].(map[string]any)
	versions, _ := spec["versions"].([]any)
	for _, item := range versions {
		version, _ := item.(map[string]any)
		if name, _ := version["name"].(string); version["served"] == true {
			kinds = append(kinds, crd.Defines().WithVersion(name))
		}
	}
	return kinds
}
