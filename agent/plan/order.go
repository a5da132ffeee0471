package plan

import (
	"cmp"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kinds is the order inside a wave; all others come last (SEMANTICS.md 2.1).
var kinds = []string{
	"Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy", "PodDisruptionBudget",
	"ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim",
	"CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding", "ClusterRoleBindingList",
	"Role", "RoleList", "RoleBinding", "RoleBindingList", "Service", "DaemonSet", "Pod", "ReplicationController",
	"ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "IngressClass", "Ingress",
	"APIService",
}

func rank(kind string) int {
	if i := slices.Index(kinds, kind); i >= 0 {
		return i
	}
	return len(kinds)
}

// waves gives each change its wave. A Namespace comes no later than the first
// object that lives in it, a CustomResourceDefinition no later than its first
// instance.
func waves(changes []diff.Change) map[manifest.Key]int {
	of := make(map[manifest.Key]int, len(changes))
	firstIn := map[string]int{}
	firstOf := map[schema.GroupKind]int{}
	for _, c := range changes {
		if c.Desired == nil {
			continue
		}
		wave := api.SyncWave(c.Desired.Annotations)
		of[c.Key] = wave
		lower(firstIn, c.Key.Namespace, wave)
		lower(firstOf, c.Key.GroupKind(), wave)
	}
	for _, c := range changes {
		if c.Desired == nil {
			continue
		}
		switch c.Key.GroupKind() {
		case schema.GroupKind{Kind: "Namespace"}:
			if first, ok := firstIn[c.Key.Name]; ok {
				of[c.Key] = min(of[c.Key], first)
			}
		case schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
			if first, ok := firstOf[DefinedKind(c.Desired)]; ok {
				of[c.Key] = min(of[c.Key], first)
			}
		}
	}
	return of
}

func lower[K comparable](m map[K]int, key K, wave int) {
	if old, ok := m[key]; !ok || wave < old {
		m[key] = wave
	}
}

// DefinedKind returns the kind that a CustomResourceDefinition defines.
func DefinedKind(crd *manifest.Object) schema.GroupKind {
	spec, _ := crd.Body()["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	group, _ := spec["group"].(string)
	kind, _ := names["kind"].(string)
	return schema.GroupKind{Group: group, Kind: kind}
}

// group splits the objects of one wave by rank of kind.
func group(changes []diff.Change) [][]diff.Change {
	slices.SortStableFunc(changes, func(a, b diff.Change) int {
		return cmp.Or(cmp.Compare(rank(a.Key.Kind), rank(b.Key.Kind)), a.Key.Compare(b.Key))
	})
	var groups [][]diff.Change
	for _, c := range changes {
		last := len(groups) - 1
		if last >= 0 && rank(groups[last][0].Key.Kind) == rank(c.Key.Kind) {
			groups[last] = append(groups[last], c)
			continue
		}
		groups = append(groups, []diff.Change{c})
	}
	return groups
}

// mirror swaps waves end for end.
func mirror(numbers []int) map[int]int {
	distinct := slices.Compact(slices.Sorted(slices.Values(numbers)))
	out := make(map[int]int, len(distinct))
	for i, n := range distinct {
		out[n] = distinct[len(distinct)-1-i]
	}
	return out
}
