package apply

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// AdoptHook looks for the object of a hook that another agent has made, which carries no
// mark of ours. If it is the Application's, it is marked as such, so that it is known from
// then on; mark, if it is not empty, says in which operation it was made. It reports
// whether there is one.
func (a *Applier) AdoptHook(ctx context.Context, o *manifest.Object, own func(live *unstructured.Unstructured) bool, mark string) (bool, error) {
	gvk := schema.FromAPIVersionAndKind(o.APIVersion(), o.Key.Kind)
	object, err := a.cluster.Get(ctx, gvk, o.Key.Namespace, o.Key.Name)
	if err != nil && cluster.Passing(err) {
		return false, fmt.Errorf("look for hook %s of another agent: %w", o.Key, err)
	}
	if err != nil {
		return false, nil //nolint:nilerr // it is not there, or what is wrong is for its creation to tell
	}
	u := &unstructured.Unstructured{Object: object}
	if !own(u) {
		return false, nil
	}
	meta := map[string]any{"uid": u.GetUID(), "labels": map[string]any{api.LabelApp: o.Labels[api.LabelApp]}}
	if mark != "" {
		meta["annotations"] = map[string]any{api.AnnotationOperation: mark}
	}
	patch, err := json.Marshal(map[string]any{"metadata": meta})
	if err != nil {
		return false, err
	}
	if err := a.patchObject(ctx, gvk, o.Key, types.MergePatchType, patch); err != nil {
		return false, fmt.Errorf("mark hook %s of another agent: %w", o.Key, err)
	}
	return true, nil
}
