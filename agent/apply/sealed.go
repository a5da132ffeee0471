package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// synced is the one condition of a SealedSecret.
const synced = "Synced"

// Yield leaves a live Secret to the controller of its SealedSecret: it says that
// the controller may take it over, and loses our marks. A Secret that has become
// another's, or is gone, stays as it is.
func (a *Applier) Yield(ctx context.Context, live *diff.Live) error {
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/uid", "value": live.UID},
		{"op": "test", "path": "/metadata/labels/" + escaped(api.LabelApp), "value": api.AppLabel(live.App)},
		{"op": "add", "path": "/metadata/annotations/" + escaped(sealed.AnnotationManaged), "value": "true"},
		{"op": "remove", "path": "/metadata/annotations/" + escaped(api.AnnotationTrackingID)},
		{"op": "remove", "path": "/metadata/labels/" + escaped(api.LabelApp)},
	})
	if err != nil {
		return err
	}
	if err := a.patchLive(ctx, live, patch); err != nil && !raced(err) {
		return fmt.Errorf("leave %s to the controller of its SealedSecret: %w", live.Key, err)
	}
	return nil
}

// TellSealed writes on a live SealedSecret what came of it, as its controller
// does: a failure, or none. It writes nothing if that stands there.
func (a *Applier) TellSealed(ctx context.Context, live *diff.Live, failure string, now time.Time) error {
	gvk := live.Key.GroupKind().WithVersion(live.Version)
	object, err := a.cluster.Get(ctx, gvk, live.Key.Namespace, live.Key.Name)
	if apierrors.IsNotFound(err) || errors.Is(err, cluster.ErrKind) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", live.Key, err)
	}
	status, changed := sealedStatus(&unstructured.Unstructured{Object: object}, failure, now)
	if !changed {
		return nil
	}
	patch, err := json.Marshal(status)
	if err != nil {
		return err
	}
	at, err := a.url(ctx, gvk, live.Key)
	if err != nil {
		return err
	}
	err = a.request(ctx, func() error {
		return a.client.Patch(types.MergePatchType).AbsPath(at, "status").Param("fieldManager", diff.Manager).Body(patch).Do(ctx).Error()
	})
	if err != nil && !apierrors.IsConflict(err) { // it has changed: the next pass tells it anew
		return fmt.Errorf("write the status of %s: %w", live.Key, err)
	}
	return nil
}

// sealedStatus is a merge patch with what a SealedSecret's status has to be, and
// whether that is a change. Conditions of others stay.
func sealedStatus(u *unstructured.Unstructured, failure string, now time.Time) (patch map[string]any, changed bool) {
	at := metav1.NewTime(now).UTC().Format(time.RFC3339)
	next := map[string]any{"type": synced, "status": "True", "message": failure, "lastUpdateTime": at, "lastTransitionTime": at}
	if failure != "" {
		next["status"] = "False"
	}
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	known := slices.IndexFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return condition["type"] == synced
	})
	observed, _, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	if known < 0 {
		conditions = append(conditions, next)
	} else {
		was := conditions[known].(map[string]any)
		message, _ := was["message"].(string)
		if was["status"] == next["status"] && message == failure && observed == u.GetGeneration() {
			return nil, false
		}
		if was["status"] == next["status"] {
			next["lastTransitionTime"] = was["lastTransitionTime"]
		}
		conditions[known] = next
	}
	return map[string]any{
		"metadata": map[string]any{"resourceVersion": u.GetResourceVersion()},
		"status":   map[string]any{"observedGeneration": u.GetGeneration(), "conditions": conditions},
	}, true
}
