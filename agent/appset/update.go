package appset

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "k8s.io/apimachinery/pkg/util/json"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// preserved are the annotations that others always may put on generated Applications:
// those that Argo CD preserves, and those by which people ask for something or approve of
// it, once.
var preserved = []string{
	api.AnnotationNotified, api.AnnotationRefresh, api.AnnotationHydrate,
	api.AnnotationRefreshTimestamp, api.AnnotationHydrateTimestamp, api.AnnotationDeletionApproved, api.AnnotationApprove,
}

// keptFinalizers are there while hooks of a deletion are waited for.
var keptFinalizers = []string{api.FinalizerPreDelete, api.FinalizerPostDelete}

// newIgnore compiles spec.ignoreApplicationDifferences.
func newIgnore(ignored []api.ApplicationIgnoreDifference) (*diff.Ignore, error) {
	var rules []diff.Rule
	for _, i := range ignored {
		rules = append(rules, diff.Rule{
			Group: api.Group, Kind: api.ApplicationKind, Name: i.Name,
			JSONPointers: i.JSONPointers, JQPathExpressions: i.JQPathExpressions,
		})
	}
	compiled, err := diff.NewIgnore(rules)
	return compiled, in("spec.ignoreApplicationDifferences", err)
}

// updated returns a live Application as it is to be, and whether that is anything new.
// What the set generates are spec, labels, annotations and finalizers; the rest of it is
// others'. The difference is a merge patch, as Argo CD's: a list in which anything else
// than what is ignored differs is replaced as a whole.
func updated(set *api.ApplicationSet, live, want *api.Application, ignored *diff.Ignore) (*api.Application, bool, error) {
	is := live.DeepCopy()
	is.Spec, is.Finalizers = *want.Spec.DeepCopy(), finalizers(live, want)
	is.Labels = kept(live.Labels, want.Labels, preservedLabels(set))
	is.Annotations = kept(live.Annotations, want.Annotations, append(preservedAnnotations(set), preserved...))
	is.OwnerReferences = ownedBy(set, live)
	if alike(live, is) {
		return live, false, nil
	}
	key := manifest.Key{Group: api.Group, Kind: api.ApplicationKind, Namespace: live.Namespace, Name: live.Name}
	before, err := view(live, key, ignored)
	if err != nil {
		return nil, false, err
	}
	after, err := view(is, key, ignored)
	if err != nil {
		return nil, false, err
	}
	if bytes.Equal(before, after) {
		return live, false, nil
	}
	out, err := merged(live, before, after)
	return out, true, err
}

// alike says that nothing of what a set generates differs, without wording it as JSON:
// most Applications are so at most times.
func alike(a, b *api.Application) bool {
	same := equality.Semantic.DeepEqual
	return same(a.Spec, b.Spec) && same(a.Labels, b.Labels) && same(a.Annotations, b.Annotations) &&
		same(a.Finalizers, b.Finalizers) && same(a.OwnerReferences, b.OwnerReferences)
}

// merged applies to a live Application what differs between two views of it.
func merged(live *api.Application, before, after []byte) (*api.Application, error) {
	patch, err := jsonpatch.CreateMergePatch(before, after)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(live)
	if err != nil {
		return nil, err
	}
	if raw, err = jsonpatch.MergePatch(raw, patch); err != nil {
		return nil, err
	}
	out := &api.Application{}
	return out, json.Unmarshal(raw, out)
}

// view is an Application as JSON, without what is ignored, and with what means
// the same written in the same way.
func view(app *api.Application, key manifest.Key, ignored *diff.Ignore) ([]byte, error) {
	app = &api.Application{TypeMeta: app.TypeMeta, ObjectMeta: *app.ObjectMeta.DeepCopy(), Spec: *app.Spec.DeepCopy()}
	app.Spec.Project = app.Spec.ProjectName()
	if len(app.Finalizers) == 0 {
		app.Finalizers = nil
	}
	raw, err := json.Marshal(app)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := kjson.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	tree = ignored.Cut(key, tree)
	if spec, ok := tree["spec"].(map[string]any); ok {
		dropEmpty(spec)
	}
	return json.Marshal(tree)
}

// dropEmpty removes blocks that state nothing: a source's empty helm or kustomize, and
// an empty syncPolicy.
func dropEmpty(spec map[string]any) {
	drop := func(m map[string]any, names ...string) {
		for _, name := range names {
			if block, ok := m[name].(map[string]any); ok && len(block) == 0 {
				delete(m, name)
			}
		}
	}
	drop(spec, "syncPolicy")
	sources, _ := spec["sources"].([]any)
	for _, s := range append(slices.Clone(sources), spec["source"]) {
		if source, ok := s.(map[string]any); ok {
			drop(source, "helm", "kustomize", "directory")
		}
	}
}

// kept are the generated entries, and those of live ones whose keys are preserved.
func kept(live, want map[string]string, keys []string) map[string]string {
	out := maps.Clone(want)
	for _, key := range keys {
		if value, ok := live[key]; ok {
			if out == nil {
				out = map[string]string{}
			}
			out[key] = value
		}
	}
	return out
}

func preservedLabels(set *api.ApplicationSet) []string {
	if set.Spec.PreservedFields == nil {
		return nil
	}
	return set.Spec.PreservedFields.Labels
}

func preservedAnnotations(set *api.ApplicationSet) []string {
	if set.Spec.PreservedFields == nil {
		return nil
	}
	return slices.Clone(set.Spec.PreservedFields.Annotations)
}

// finalizers are the generated ones, and those that a deletion's hooks put there.
func finalizers(live, want *api.Application) []string {
	all := slices.Clone(want.Finalizers)
	for _, f := range live.Finalizers {
		waits := slices.ContainsFunc(keptFinalizers, func(prefix string) bool { return strings.HasPrefix(f, prefix) })
		if waits && !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

// ownedBy are the owners of an Application with the set as the one in control.
func ownedBy(set *api.ApplicationSet, app *api.Application) []metav1.OwnerReference {
	others := slices.DeleteFunc(slices.Clone(app.OwnerReferences), func(o metav1.OwnerReference) bool {
		return o.Controller != nil && *o.Controller || o.Kind == api.ApplicationSetKind && o.Name == set.Name
	})
	return append(others, *metav1.NewControllerRef(set, api.GroupVersion.WithKind(api.ApplicationSetKind)))
}
