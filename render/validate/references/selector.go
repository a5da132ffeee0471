package references

import (
	"encoding/json"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// A selector is what labels must be.
type selector = labels.Requirements

// equalities reads the selector of a Service: a map of labels.
func equalities(f field) selector {
	var all selector
	for _, key := range f.keys() {
		r, err := labels.NewRequirement(key, selection.Equals, []string{f.in(key).text()})
		if err != nil {
			return nil // told by the checks of labels
		}
		all = append(all, *r)
	}
	return known(all)
}

// labelSelector reads matchLabels and matchExpressions. It is not ok if there is
// none, or one that the API server would refuse.
func labelSelector(f field) (selector, bool) {
	if _, ok := f.value.(map[string]any); !ok {
		return nil, false
	}
	text, err := json.Marshal(f.value)
	var s metav1.LabelSelector
	if err != nil || json.Unmarshal(text, &s) != nil {
		return nil, false
	}
	parsed, err := metav1.LabelSelectorAsSelector(&s)
	if err != nil {
		return nil, false
	}
	all, ok := parsed.Requirements()
	return known(all), ok
}

// atRunTime are labels, or prefixes of them, that controllers and webhooks give to
// pods: they say nothing of templates.
var atRunTime = []string{
	"apps.kubernetes.io/pod-index", "batch.kubernetes.io/", "controller-revision-hash", "controller-uid", "job-name",
	"pod-template-generation", "pod-template-hash", "rollouts-pod-template-hash", "statefulset.kubernetes.io/pod-name",
	"topology.kubernetes.io/", "service.istio.io/", "security.istio.io/", "linkerd.io/", "serving.knative.dev/", "leaderworkerset.sigs.k8s.io/",
}

// known leaves out what is decided at run time.
func known(all selector) selector {
	return slices.DeleteFunc(slices.Clone(all), func(r labels.Requirement) bool {
		return slices.ContainsFunc(atRunTime, func(prefix string) bool {
			return r.Key() == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(r.Key(), prefix)
		})
	})
}

// states are values of labels that change while a pod lives, as the one who leads
// does. A template does not have them.
var states = map[string]bool{
	"true": true, "false": true, "master": true, "primary": true, "leader": true, "replica": true, "secondary": true, "standby": true, "active": true,
}

func isState(r labels.Requirement) bool {
	return r.Operator() != selection.NotIn && len(r.ValuesUnsorted()) > 0 &&
		!slices.ContainsFunc(r.ValuesUnsorted(), func(v string) bool { return !states[v] })
}

// fails counts the requirements that labels do not meet, and returns the last of
// them. Those that a failover would meet do not count.
func fails(s selector, l labels.Set) (n int, last labels.Requirement) {
	for _, r := range s {
		if r.Matches(l) || !l.Has(r.Key()) && isState(r) {
			continue
		}
		n, last = n+1, r
	}
	return n, last
}

// A labelled is a pod that a workload makes, or a Service.
type labelled struct {
	made   *made
	labels labels.Set
	ports  []string // names
}

// A shelf holds what has labels in one namespace, by each of them.
type shelf struct {
	all []*labelled
	by  map[string][]*labelled // "key=value"
}

func (s *shelf) add(l *labelled) {
	s.all = append(s.all, l)
	if s.by == nil {
		s.by = map[string][]*labelled{}
	}
	for key, value := range l.labels {
		s.by[key+"="+value] = append(s.by[key+"="+value], l)
	}
}

// find returns all that a selector is for. It looks at those only which have the
// rarest of the labels that it demands.
func (s *shelf) find(want selector) []*labelled {
	if s == nil {
		return nil
	}
	from := s.all
	for _, r := range want {
		if value, ok := exact(r); ok && !isState(r) {
			if some := s.by[r.Key()+"="+value]; len(some) < len(from) {
				from = some
			}
		}
	}
	var found []*labelled
	for _, l := range from {
		if n, _ := fails(want, l.labels); n == 0 {
			found = append(found, l)
		}
	}
	return found
}

// exact returns the one value that a requirement allows.
func exact(r labels.Requirement) (string, bool) {
	values := r.ValuesUnsorted()
	equal := r.Operator() == selection.Equals || r.Operator() == selection.DoubleEquals || r.Operator() == selection.In
	if !equal || len(values) != 1 {
		return "", false
	}
	return values[0], true
}
