package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/util/retry"
)

// ReleaseHook takes our finalizer off a hook, so that it can go. A hook that is
// gone is released.
func (a *Applier) ReleaseHook(ctx context.Context, live *diff.Live) error {
	err := retry.OnError(retry.DefaultBackoff, raced, func() error { return a.releaseHook(ctx, live) })
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove the finalizer of hook %s: %w", live.Key, err)
	}
	return nil
}

// raced says that somebody else changed the finalizers meanwhile: the test of a
// JSON patch failed.
func raced(err error) bool { return apierrors.IsInvalid(err) || apierrors.IsConflict(err) }

func (a *Applier) releaseHook(ctx context.Context, live *diff.Live) error {
	gvk := live.Key.GroupKind().WithVersion(live.Version)
	object, err := a.cluster.Get(ctx, gvk, live.Key.Namespace, live.Key.Name)
	if err != nil {
		return err
	}
	u := &unstructured.Unstructured{Object: object}
	i := slices.Index(u.GetFinalizers(), api.FinalizerHook)
	if i < 0 || string(u.GetUID()) != live.UID {
		a.cluster.Observe(gvk, object)
		return nil
	}
	path := fmt.Sprintf("/metadata/finalizers/%d", i)
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/uid", "value": live.UID},
		{"op": "test", "path": path, "value": api.FinalizerHook},
		{"op": "remove", "path": path},
	})
	if err != nil {
		return err
	}
	return a.patchLive(ctx, live, patch)
}

// patchLive sends a JSON patch, and tells the cluster's records what came of it.
func (a *Applier) patchLive(ctx context.Context, live *diff.Live, patch []byte) error {
	return a.patchObject(ctx, live.Key.GroupKind().WithVersion(live.Version), live.Key, types.JSONPatchType, patch)
}

// patchObject is that for a patch of any kind.
func (a *Applier) patchObject(ctx context.Context, gvk schema.GroupVersionKind, key manifest.Key, kind types.PatchType, patch []byte) error {
	url, err := a.url(ctx, gvk, key)
	if err != nil {
		return err
	}
	var raw []byte
	err = a.request(ctx, func() (err error) {
		result := a.client.Patch(kind).AbsPath(url).Param("fieldManager", diff.Manager).Body(patch).Do(ctx)
		if err := result.Error(); err != nil {
			return err
		}
		raw, err = result.Raw()
		return err
	})
	if err != nil {
		return err
	}
	var answer map[string]any
	if err := utiljson.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	a.cluster.Observe(gvk, answer)
	return nil
}
