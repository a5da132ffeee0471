package apply

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
)

// Who stated an object as a whole before us. While they own a field too, it
// stays when Git drops it (DRIFT.md, trap 3).
const (
	kubectlApply = "kubectl-client-side-apply"
	argoCD       = "argocd-controller"
)

// succeed takes over what those own who stated the object before us, if the
// server's answer to an apply shows any, and returns the answer to a second
// apply, by which goes what Git does not state.
func (a *Applier) succeed(ctx context.Context, o *manifest.Object, answer map[string]any, options Options) (map[string]any, error) {
	if options.of(o, "ClientSideApplyMigration") == "false" {
		return answer, nil
	}
	live := &unstructured.Unstructured{Object: answer}
	updaters, appliers := predecessors(live, options.Migrate)
	if len(updaters)+len(appliers) == 0 {
		return answer, nil
	}
	if err := a.takeFields(ctx, o, live, updaters); err != nil {
		return nil, err
	}
	for _, manager := range appliers {
		if err := a.withdraw(ctx, o, manager); err != nil {
			return nil, err
		}
	}
	answer, _, err := a.apply(ctx, o, false)
	return answer, err
}

// predecessors are kubectl apply, known by its annotation, Argo CD, and the manager
// that the Application names. That Argo CD has stated the object for this Application
// need not be asked for, nor could it be where it tracks by labels, or not at all, as
// definitions: what bears another's tracking id is never applied (see adoptable).
func predecessors(live *unstructured.Unstructured, other string) (updaters, appliers []string) {
	for _, entry := range live.GetManagedFields() {
		states := func(annotation string) bool {
			return entry.FieldsV1 != nil && strings.Contains(string(entry.FieldsV1.GetRawBytes()), `"f:`+annotation+`"`)
		}
		switch {
		case entry.Subresource != "":
		case other != "" && entry.Manager == other && entry.Operation == metav1.ManagedFieldsOperationUpdate,
			entry.Manager == kubectlApply && states(corev1.LastAppliedConfigAnnotation),
			entry.Manager == argoCD && entry.Operation == metav1.ManagedFieldsOperationUpdate:
			updaters = append(updaters, entry.Manager)
		case entry.Manager == argoCD:
			appliers = append(appliers, entry.Manager)
		}
	}
	return updaters, appliers
}

// duplicate says that the server refused an item beside one of equal identity.
func duplicate(err error) bool {
	return apierrors.IsInvalid(err) && apierrors.HasStatusCause(err, metav1.CauseTypeFieldValueDuplicate)
}

// reclaim applies an object that the server refuses because somebody edited the
// key of a list item: ours would stand beside theirs, for ever (DRIFT.md, trap
// 2). What kubectl's editing commands own becomes ours, so that theirs goes.
func (a *Applier) reclaim(ctx context.Context, o *manifest.Object, refused error) (map[string]any, error) {
	object, err := a.cluster.Get(ctx, o.GVK(), o.Key.Namespace, o.Key.Name)
	if err != nil {
		return nil, refused
	}
	live := &unstructured.Unstructured{Object: object}
	var editors []string
	for _, entry := range live.GetManagedFields() {
		if entry.Subresource == "" && entry.Operation == metav1.ManagedFieldsOperationUpdate && strings.HasPrefix(entry.Manager, "kubectl") {
			editors = append(editors, entry.Manager)
		}
	}
	if len(editors) == 0 {
		return nil, refused
	}
	a.log.Info("take over edited fields, for the object cannot be applied beside them", "object", o.Key, "editors", editors)
	if err := a.takeFields(ctx, o, live, editors); err != nil {
		return nil, err
	}
	answer, _, err := a.apply(ctx, o, false)
	return answer, err
}

// takeFields makes what managers own by updates our own.
func (a *Applier) takeFields(ctx context.Context, o *manifest.Object, live *unstructured.Unstructured, managers []string) error {
	if len(managers) == 0 {
		return nil
	}
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(live, sets.New(managers...), diff.Manager)
	if err != nil {
		return fmt.Errorf("take over the fields of %s: %w", strings.Join(managers, ", "), err)
	}
	if patch == nil {
		return nil
	}
	if err := a.patch(ctx, o, types.JSONPatchType, diff.Manager, patch); err != nil {
		return fmt.Errorf("take over the fields of %s: %w", strings.Join(managers, ", "), err)
	}
	return nil
}

// withdraw applies nothing in the name of another manager, so that it no longer
// owns anything.
func (a *Applier) withdraw(ctx context.Context, o *manifest.Object, manager string) error {
	nothing := map[string]any{"apiVersion": o.APIVersion(), "kind": o.Key.Kind, "metadata": map[string]any{"name": o.Key.Name}}
	body, err := utiljson.Marshal(nothing)
	if err != nil {
		return err
	}
	if err := a.patch(ctx, o, types.ApplyPatchType, manager, body); err != nil {
		return fmt.Errorf("take over the fields of %s: %w", manager, err)
	}
	return nil
}

// patch writes to the live object in the name of a manager.
func (a *Applier) patch(ctx context.Context, o *manifest.Object, kind types.PatchType, manager string, body []byte) error {
	url, err := a.url(ctx, o.GVK(), o.Key)
	if err != nil {
		return err
	}
	err = a.request(ctx, func() error {
		return a.client.Patch(kind).AbsPath(url).Param("fieldManager", manager).Body(body).Do(ctx).Error()
	})
	if err != nil {
		return rejected(o, err)
	}
	return nil
}
