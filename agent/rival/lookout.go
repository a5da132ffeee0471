package rival

import (
	"context"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/typed/apps/v1"
)

// lasting is for how long what was seen is taken to be so, and maxSeen how many
// namespaces it is known of.
const (
	lasting = 5 * time.Second
	maxSeen = 64
)

// A Lookout sees whether Argo CD's application controller runs, by its workload.
type Lookout struct {
	// Client lists workloads, if it may.
	Client v1.AppsV1Interface
	Now    func() time.Time

	mu   sync.Mutex // guards seen
	seen map[string]sight
}

type sight struct {
	state State
	at    time.Time
}

// State is what is to be seen in a namespace, and was not before a look at an Application.
func (l *Lookout) State(ctx context.Context, namespace string, after time.Time) State {
	l.mu.Lock()
	defer l.mu.Unlock() // who comes meanwhile is content with the same answer
	now := l.Now()
	if s, ok := l.seen[namespace]; ok && now.Sub(s.at) < lasting && s.at.After(after) {
		return s.state
	}
	if l.seen == nil || len(l.seen) >= maxSeen {
		l.seen = map[string]sight{}
	}
	state := l.look(ctx, namespace)
	l.seen[namespace] = sight{state, now}
	return state
}

// look goes by the labels that Argo CD's manifests, its chart and its operator give.
func (l *Lookout) look(ctx context.Context, namespace string) State {
	part := metav1.ListOptions{LabelSelector: "app.kubernetes.io/part-of=argocd"}
	sets, err := l.Client.StatefulSets(namespace).List(ctx, part)
	if err != nil {
		return Unseen
	}
	deployments, err := l.Client.Deployments(namespace).List(ctx, part)
	if err != nil {
		return Unseen
	}
	state := Unseen
	for _, s := range sets.Items {
		state = state.and(&s.ObjectMeta, s.Spec.Replicas, s.Status.Replicas)
	}
	for _, d := range deployments.Items {
		state = state.and(&d.ObjectMeta, d.Spec.Replicas, d.Status.Replicas)
	}
	return state
}

// and adds a workload to what was seen. One that is scaled to nothing runs for as long as
// a Pod of it does.
func (s State) and(meta *metav1.ObjectMeta, wanted *int32, there int32) State {
	const controller = "application-controller"
	name := meta.Labels["app.kubernetes.io/name"]
	if meta.Labels["app.kubernetes.io/component"] != controller && !strings.HasSuffix(name, "-"+controller) {
		return s
	}
	if s == Runs || wanted == nil || *wanted > 0 || there > 0 {
		return Runs
	}
	return Stopped
}
