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

// A moment is a phase and a wave in it.
type moment struct {
	phase api.SyncPhase
	wave  int
}

func (m moment) compare(n moment) int {
	return cmp.Or(cmp.Compare(slices.Index(phases, m.phase), slices.Index(phases, n.phase)), cmp.Compare(m.wave, n.wave))
}

// moments gives each desired object its moment. A Namespace comes no later than
// the first object that lives in it, a CustomResourceDefinition no later than
// its first instance: be that a hook, they move into its phase.
func moments(changes []diff.Change, runs []Run) map[manifest.Key]moment {
	of := make(map[manifest.Key]moment, len(changes))
	firstIn := map[string]moment{}
	firstOf := map[schema.GroupKind]moment{}
	note := func(key manifest.Key, m moment) {
		earliest(firstIn, key.Namespace, m)
		earliest(firstOf, key.GroupKind(), m)
	}
	for _, c := range changes {
		if c.Desired != nil {
			of[c.Key] = moment{api.PhaseSync, api.SyncWave(c.Desired.Annotations)}
			note(c.Key, of[c.Key])
		}
	}
	for _, r := range runs {
		note(r.Key(), moment{phaseOf(r.Type), r.Wave()})
	}
	for _, c := range changes {
		if c.Desired == nil {
			continue
		}
		switch c.Key.GroupKind() {
		case schema.GroupKind{Kind: "Namespace"}:
			earliest(of, c.Key, or(firstIn, c.Key.Name, of[c.Key]))
		case schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
			earliest(of, c.Key, or(firstOf, c.Desired.Defines(), of[c.Key]))
		}
	}
	return of
}

// earliest keeps the earlier of two moments.
func earliest[K comparable](m map[K]moment, key K, at moment) {
	if old, ok := m[key]; !ok || at.compare(old) < 0 {
		m[key] = at
	}
}

func or[K comparable](m map[K]moment, key K, otherwise moment) moment {
	if at, ok := m[key]; ok {
		return at
	}
	return otherwise
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
