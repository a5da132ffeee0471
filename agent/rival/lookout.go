package rival

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
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
	client v1.AppsV1Interface
	now    func() time.Time

	turn *semaphore.Weighted // held by who looks: who comes meanwhile is content with the same answer
	seen map[string]sight    // guarded by turn
}

type sight struct {
	state State
	at    time.Time
}

// NewLookout returns one that lists workloads, if the client may.
func NewLookout(client v1.AppsV1Interface, now func() time.Time) *Lookout {
	return &Lookout{client: client, now: now, turn: semaphore.NewWeighted(1), seen: map[string]sight{}}
}

// State is what is to be seen in a namespace, and was not before a look at an Application.
// If ctx ends before, nothing is.
func (l *Lookout) State(ctx context.Context, namespace string, after time.Time) State {
	if l.turn.Acquire(ctx, 1) != nil {
		return Unseen
	}
	defer l.turn.Release(1)
	now := l.now()
	if s, ok := l.seen[namespace]; ok && now.Sub(s.at) < lasting && s.at.After(after) {
		return s.state
	}
	state := l.look(ctx, namespace)
	if ctx.Err() != nil {
		return Unseen // which says nothing to others
	}
	if len(l.seen) >= maxSeen {
		clear(l.seen)
	}
	l.seen[namespace] = sight{state, now}
	return state
}

// look goes by the labels that Argo CD's manifests, its chart and its operator give.
func (l *Lookout) look(ctx context.Context, namespace string) State {
	part := metav1.ListOptions{LabelSelector: "app.kubernetes.io/part-of=argocd"}
	sets, err := l.client.StatefulSets(namespace).List(ctx, part)
	if err != nil {
		return Unseen
	}
	deployments, err := l.client.Deployments(namespace).List(ctx, part)
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
